import { NO_FILTER } from "../api/types";
import type { TrackedEvent } from "../api/types";
import { toneOf } from "../format/tone";
import { Icon } from "../ui/Icon";
import { ViewLink } from "../ui/ViewLink";
import styles from "./DetailHeader.module.css";

interface Properties {
  event: TrackedEvent | null;
  newer: string | null;
  older: string | null;
  onOpen: (id: string) => void;
  onClose: () => void;
}

/** What it is, and the ways to its neighbours and out. */
export function DetailHeader({ event, newer, older, onOpen, onClose }: Properties) {
  return (
    <header className={styles["header"]}>
      <div className={styles["titles"]}>
        <h2>{event?.name ?? "Event"}</h2>
        {event !== null && (
          <p>
            <span className={`tone tone-${toneOf(event.type)}`} aria-hidden="true" />
            <ViewLink view={{ filter: { ...NO_FILTER, type: event.type }, event: event.id }} className="mono">
              {event.type}
            </ViewLink>
            {!event.metadata.valid && <span className="badge bad">invalid</span>}
          </p>
        )}
      </div>
      <button type="button" className="button bare" disabled={newer === null} onClick={() => newer && onOpen(newer)} aria-label="Newer event" title="Newer event (↑)">
        <Icon name="up" />
      </button>
      <button type="button" className="button bare" disabled={older === null} onClick={() => older && onOpen(older)} aria-label="Older event" title="Older event (↓)">
        <Icon name="down" />
      </button>
      <button type="button" className="button bare" onClick={onClose} aria-label="Close details" title="Close (Esc)">
        <Icon name="close" />
      </button>
    </header>
  );
}
