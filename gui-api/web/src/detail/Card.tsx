import type { ReactNode } from "react";
import type { EventFilter } from "../api/types";
import { CopyButton } from "../ui/CopyButton";
import { IdLabel } from "../ui/IdLabel";
import { useNarrow } from "../ui/useNarrow";
import { ViewLink } from "../ui/ViewLink";
import styles from "./Card.module.css";
import type { Document } from "./useDocument";

interface Properties<T> {
  /** What it is: `Profile`. */
  kind: string;
  id: string;
  coloured?: boolean;
  document: Document<T>;
  onRetry: () => void;
  /** The events of this document. */
  filter: EventFilter;
  /** The event that refers to it. */
  eventId: string;
  children: (value: T) => ReactNode;
}

/** A document that an event refers to, in short. */
export function Card<T>({ kind, id, coloured = false, document, onRetry, filter, eventId, children }: Properties<T>) {
  // Where the details cover the list, they make room for it.
  const narrow = useNarrow();
  return (
    <section className={styles["card"]} aria-label={kind}>
      <header>
        <h3>{kind}</h3>
        <IdLabel id={id} coloured={coloured} />
        <CopyButton text={id} label={`Copy the ${kind.toLowerCase()} id`} />
        <ViewLink view={{ filter, event: narrow ? null : eventId }} className={styles["events"]!}>
          Show its events
        </ViewLink>
      </header>
      {document.state === "ready" && children(document.value)}
      {document.state === "loading" && (
        <p className="quiet" role="status">
          Reading…
        </p>
      )}
      {document.state === "missing" && <p className="quiet">The service has no {kind.toLowerCase()} of this id.</p>}
      {document.state === "failed" && (
        <p className="quiet">
          {document.error}{" "}
          <button type="button" className="button small" onClick={onRetry}>
            Try again
          </button>
        </p>
      )}
    </section>
  );
}
