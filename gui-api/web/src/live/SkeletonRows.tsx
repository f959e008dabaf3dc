import styles from "./SkeletonRows.module.css";

const ROWS = Array.from({ length: 12 }, (_, index) => index);

/** The shape of the list while it is being read. */
export function SkeletonRows() {
  return (
    <div className={styles["rows"]} role="status" aria-label="Reading events">
      {ROWS.map((row) => (
        <div key={row} className={styles["row"]}>
          <span />
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
