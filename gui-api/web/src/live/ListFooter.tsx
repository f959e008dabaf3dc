import { canLoadOlder, MAX_ROWS } from "./feed";
import type { Feed } from "./feed";
import styles from "./ListFooter.module.css";

/** The end of the list: more, or why there is no more. */
export function ListFooter({ feed, onLoadOlder }: { feed: Feed; onLoadOlder: () => void }) {
  return (
    <footer className={styles["footer"]}>
      {canLoadOlder(feed) ? (
        <button type="button" className="button" onClick={onLoadOlder} disabled={feed.older === "loading"}>
          {feed.older === "loading" ? "Reading…" : "Load older"}
        </button>
      ) : (
        <span>
          {feed.rows.length < MAX_ROWS
            ? "That is all."
            : `The ${MAX_ROWS} newest events are shown. Narrow the filter to go further back.`}
        </span>
      )}
      <span className={styles["keys"]}>
        <kbd>↑</kbd> <kbd>↓</kbd> move · <kbd>Enter</kbd> open · <kbd>Esc</kbd> close · <kbd>/</kbd> filter · <kbd>P</kbd> pause
      </span>
    </footer>
  );
}
