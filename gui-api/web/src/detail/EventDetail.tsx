import { useEffect, useRef } from "react";
import { useApi } from "../api/ApiContext";
import type { TrackedEvent } from "../api/types";
import { Message } from "../ui/Message";
import { DetailHeader } from "./DetailHeader";
import styles from "./EventDetail.module.css";
import { FieldTree } from "./FieldTree";
import { KeyFacts } from "./KeyFacts";
import { ProfileCard } from "./ProfileCard";
import { RawJson } from "./RawJson";
import { Section } from "./Section";
import { SessionCard } from "./SessionCard";
import { useDocument } from "./useDocument";

interface Properties {
  id: string;
  /** The event, where the list has it already. */
  known: TrackedEvent | null;
  /** The neighbours in the list. */
  newer: string | null;
  older: string | null;
  onOpen: (id: string) => void;
  onClose: () => void;
}

/** Everything about one event. */
export function EventDetail({ id, known, newer, older, onOpen, onClose }: Properties) {
  const api = useApi();
  const [document, retry] = useDocument(known === null ? id : null, "", api.event);
  const event = known ?? (document.state === "ready" ? document.value : null);
  const panel = useRef<HTMLElement>(null);
  const body = useRef<HTMLDivElement>(null);

  useEffect(() => {
    body.current?.scrollTo({ top: 0 });
    // Beside the list the focus stays in the list; on a narrow screen the panel covers it.
    const focused = window.document.activeElement;
    if (focused instanceof HTMLElement && focused !== window.document.body && focused.offsetParent === null) {
      panel.current?.focus();
    }
  }, [id]);

  return (
    <aside className={styles["panel"]} ref={panel} tabIndex={-1} aria-label="Event details">
      <DetailHeader event={event} newer={newer} older={older} onOpen={onOpen} onClose={onClose} />
      <div className={styles["body"]} ref={body}>
        {event !== null ? (
          <EventBody event={event} />
        ) : document.state === "missing" ? (
          <Message title="No such event">The service has no event of the id {id}.</Message>
        ) : document.state === "failed" ? (
          <Message
            title="The event could not be read"
            action={
              <button type="button" className="button" onClick={retry}>
                Try again
              </button>
            }
          >
            {document.error}
          </Message>
        ) : (
          <p className={styles["loading"]} role="status">
            Reading…
          </p>
        )}
      </div>
    </aside>
  );
}

function EventBody({ event }: { event: TrackedEvent }) {
  return (
    <>
      <KeyFacts event={event} />
      {event.data !== undefined && (
        <Section title="Meaning">
          <FieldTree fields={event.data} empty="" />
        </Section>
      )}
      <Section title="Properties">
        <FieldTree fields={event.properties ?? {}} empty="This event was sent without properties." />
      </Section>
      <div className={styles["cards"]}>
        {event.profile && <ProfileCard id={event.profile.id} eventId={event.id} />}
        {event.session && <SessionCard id={event.session.id} eventId={event.id} />}
      </div>
      <Section title="Context">
        <FieldTree fields={event.context ?? {}} empty="This event was sent without context." />
      </Section>
      <Section title="Request" collapsed>
        <FieldTree fields={{ ...event.request }} empty="Nothing is known of the request." />
      </Section>
      <Section title="Raw JSON" collapsed>
        <RawJson value={event} />
      </Section>
    </>
  );
}
