import { memo } from "react";
import type { TrackedEvent } from "../api/types";
import { clockTime, dateAndTime, sameDay, shortDay } from "../format/time";
import { toneOf } from "../format/tone";
import { useClockText } from "../ui/clock";
import { IdLabel } from "../ui/IdLabel";
import { RelativeTime } from "../ui/RelativeTime";
import styles from "./EventTable.module.css";
import { pageOf } from "./page";

interface Properties {
  event: TrackedEvent;
  live: boolean;
  open: boolean;
  /** Whether the tab key stops here. */
  tabStop: boolean;
  onOpen: (id: string) => void;
  onFocus: (id: string) => void;
}

/** One event in the list. A click anywhere opens it; for the keyboard there is the button. */
export const EventRow = memo(function EventRow({ event, live, open, tabStop, onOpen, onFocus }: Properties) {
  const { insert } = event.metadata.time;
  const day = useClockText((now) => (sameDay(insert, now) ? "" : shortDay(insert)));
  const page = pageOf(event);
  const classes = [styles["row"], live && styles["new"], open && styles["open"]].filter(Boolean).join(" ");
  return (
    <tr className={classes} onClick={() => onOpen(event.id)} aria-current={open || undefined}>
      <td className={styles["time"]}>
        <time dateTime={insert} title={dateAndTime(insert)}>
          {day !== "" && <span className={styles["day"]}>{day}</span>}
          {clockTime(insert)}
        </time>
        <span className={styles["ago"]}>
          <RelativeTime time={insert} />
        </span>
      </td>
      <td className={styles["type"]}>
        <button type="button" tabIndex={tabStop ? 0 : -1} onFocus={() => onFocus(event.id)}>
          <span className={`tone tone-${toneOf(event.type)}`} aria-hidden="true" />
          {event.type}
        </button>
        {!event.metadata.valid && <span className="badge bad">invalid</span>}
        {page !== null && <span className={styles["subline"]}>{page.title ?? page.address}</span>}
      </td>
      <td className={styles["page"]} title={page === null ? undefined : event.hit?.url}>
        {page !== null && (
          <>
            {page.title !== null && <span className={styles["title"]}>{page.title}</span>}
            <span className={styles["address"]}>{page.address}</span>
          </>
        )}
      </td>
      <td className={styles["source"]}>{event.source.id}</td>
      <td className={styles["profile"]}>{event.profile && <IdLabel id={event.profile.id} coloured />}</td>
      <td className={styles["session"]}>{event.session && <IdLabel id={event.session.id} />}</td>
    </tr>
  );
});
