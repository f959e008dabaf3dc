import type { ReactNode } from "react";
import styles from "./Message.module.css";

/** What stands where a list or a document would: it is empty, or could not be read. */
export function Message({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles["message"]}>
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}
