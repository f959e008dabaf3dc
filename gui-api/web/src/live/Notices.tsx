import { Icon } from "../ui/Icon";
import type { Feed } from "./feed";
import styles from "./Notices.module.css";

/** What the reader should know about the list that is shown: parts of it are missing, or old. */
export function Notices({ feed, onRetry }: { feed: Feed; onRetry: () => void }) {
  if (feed.phase !== "ready") {
    return null;
  }
  return (
    <div role="status">
      {feed.missed > 0 && (
        <p className={styles["notice"]}>
          <Icon name="warning" />
          <span>
            The stream skipped {feed.missed} {feed.missed === 1 ? "event" : "events"}, as more came than this page could take. Reading
            them from the list…
          </span>
        </p>
      )}
      {feed.error !== null && (
        <p className={styles["notice"]}>
          <Icon name="warning" />
          <span>The list could not be read: {feed.error}</span>
          <button type="button" className="button small" onClick={onRetry}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}
