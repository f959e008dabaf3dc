import type { ReactNode } from "react";
import styles from "./Section.module.css";

/** A part of the details that can be folded away. */
export function Section({ title, collapsed = false, children }: { title: string; collapsed?: boolean; children: ReactNode }) {
  return (
    <details className={styles["section"]} open={!collapsed}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}
