import { useState } from "react";
import type { ReactNode } from "react";
import styles from "./Section.module.css";

/** A part of the details that can be folded away; what is folded is not rendered. */
export function Section({ title, collapsed = false, children }: { title: string; collapsed?: boolean; children: ReactNode }) {
  const [open, setOpen] = useState(!collapsed);
  return (
    <details className={styles["section"]} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && children}
    </details>
  );
}
