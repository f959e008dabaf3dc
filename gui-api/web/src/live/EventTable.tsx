import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { EventRow } from "./EventRow";
import styles from "./EventTable.module.css";
import type { Row } from "./feed";

const STEPS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

interface Properties {
  rows: Row[];
  openId: string | null;
  onOpen: (id: string, how?: "push" | "replace") => void;
}

/**
 * The rows. One of them is in the tab order, the arrow keys move on from it; while an event is open,
 * moving opens the next one.
 */
export function EventTable({ rows, openId, onOpen }: Properties) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const wasOpen = useRef(openId);

  // The details took the focus with them: it goes back to where the reader was.
  useEffect(() => {
    if (openId === null && wasOpen.current !== null && document.activeElement === document.body) {
      body.current?.querySelector<HTMLElement>("button[tabindex='0']")?.focus();
    }
    wasOpen.current = openId;
  }, [openId]);

  const known = (id: string | null): boolean => rows.some(({ event }) => event.id === id);
  const tabStop = known(focusedId) ? focusedId : known(openId) ? openId : (rows[0]?.event.id ?? null);

  const press = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    const from = rows.findIndex((row) => row.event.id === tabStop);
    const to = Math.min(rows.length - 1, Math.max(0, from + step));
    body.current?.rows[to]?.querySelector("button")?.focus();
    const id = rows[to]?.event.id;
    if (openId !== null && id !== undefined) {
      onOpen(id, "replace");
    }
  };

  return (
    <table className={styles["table"]}>
      <caption className="hidden">Events, newest first</caption>
      <thead>
        <tr>
          <th scope="col" className={styles["time"]}>Time</th>
          <th scope="col" className={styles["type"]}>Event</th>
          <th scope="col" className={styles["page"]}>Page</th>
          <th scope="col" className={styles["source"]}>Source</th>
          <th scope="col" className={styles["profile"]}>Profile</th>
          <th scope="col" className={styles["session"]}>Session</th>
        </tr>
      </thead>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys come from the rows' buttons */}
      <tbody ref={body} onKeyDown={press}>
        {rows.map(({ event, live }) => (
          <EventRow
            key={event.id}
            event={event}
            live={live}
            open={event.id === openId}
            tabStop={event.id === tabStop}
            onOpen={onOpen}
            onFocus={setFocusedId}
          />
        ))}
      </tbody>
    </table>
  );
}
