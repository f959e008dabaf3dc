import type { ReactNode } from "react";
import styles from "./Facts.module.css";

/** A list of labelled facts. */
export function Facts({ children, compact = false }: { children: ReactNode; compact?: boolean }) {
  return <dl className={compact ? `${styles["facts"]} ${styles["compact"]}` : styles["facts"]}>{children}</dl>;
}

/** One of them. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
