import { span } from "../format/time";
import { useClockText } from "../ui/clock";
import styles from "./ConnectionStatus.module.css";
import type { Connection } from "./feed";

const WORDS: Record<Connection["state"], string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  refused: "Stopped",
};

/** Whether events come in by themselves right now, and when it tries again if not. */
export function ConnectionStatus({ connection, onRetry }: { connection: Connection; onRetry: () => void }) {
  const wait = useClockText((now) =>
    connection.state === "reconnecting" ? `in ${span(Math.max(0, Math.ceil((connection.at - now) / 1000)))}` : "",
  );
  return (
    <div className={styles["status"]}>
      <span role="status" className={`${styles["state"]} ${styles[connection.state]}`}>
        {WORDS[connection.state]}
      </span>
      {connection.state === "reconnecting" && (
        <>
          <span className={styles["wait"]} title={`${connection.reason} (attempt ${connection.failures})`}>
            {wait}
          </span>
          <button type="button" className="button small" onClick={onRetry}>
            Try now
          </button>
        </>
      )}
    </div>
  );
}
