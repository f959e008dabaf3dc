import { useApi } from "../api/ApiContext";
import { NO_FILTER } from "../api/types";
import type { Session } from "../api/types";
import { dateAndTime, span } from "../format/time";
import { RelativeTime } from "../ui/RelativeTime";
import { Card } from "./Card";
import { Fact, Facts } from "./Facts";
import { surroundingsOf } from "./surroundings";
import { useDocument } from "./useDocument";

/** The visit of an event, in short. */
export function SessionCard({ id, eventId }: { id: string; eventId: string }) {
  const api = useApi();
  const [document, retry] = useDocument(id, eventId, api.session);
  return (
    <Card kind="Session" id={id} document={document} onRetry={retry} filter={{ ...NO_FILTER, session: id }} eventId={eventId}>
      {(session) => <SessionFacts session={session} />}
    </Card>
  );
}

function SessionFacts({ session }: { session: Session }) {
  const { insert, update, duration } = session.metadata.time;
  return (
    <Facts compact>
      <Fact label="Began">{dateAndTime(insert)}</Fact>
      <Fact label="Latest">
        <RelativeTime time={update} /> <span className="quiet">after {span(duration)}</span>
      </Fact>
      <Fact label="Events">{session.stats.events}</Fact>
      {surroundingsOf(session).map(({ label, text }) => (
        <Fact key={label} label={label}>
          {text}
        </Fact>
      ))}
    </Facts>
  );
}
