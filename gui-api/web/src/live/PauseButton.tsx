import { Icon } from "../ui/Icon";
import { MAX_ROWS } from "./feed";
import styles from "./PauseButton.module.css";

/** Holds the list still, or lets what came in the meantime appear. */
export function PauseButton(props: { paused: boolean; held: number; onPause: () => void; onResume: () => void }) {
  if (!props.paused) {
    return (
      <button type="button" className="button" onClick={props.onPause} title="Hold the list still (P)">
        <Icon name="pause" />
        <span className={styles["word"]}>Pause</span>
      </button>
    );
  }
  const held = props.held === MAX_ROWS ? `${MAX_ROWS}+` : String(props.held);
  return (
    <button type="button" className="button primary" onClick={props.onResume} title="Show new events again (P)">
      <Icon name="play" />
      <span className={styles["word"]}>Resume</span>
      {props.held > 0 && <span className="badge">{held} new</span>}
    </button>
  );
}
