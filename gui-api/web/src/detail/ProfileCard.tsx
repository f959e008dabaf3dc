import { useApi } from "../api/ApiContext";
import { NO_FILTER } from "../api/types";
import type { Profile } from "../api/types";
import { dateAndTime } from "../format/time";
import { RelativeTime } from "../ui/RelativeTime";
import { Card } from "./Card";
import { Fact, Facts } from "./Facts";
import { personOf } from "./person";
import { useDocument } from "./useDocument";

/** The visitor of an event, in short. */
export function ProfileCard({ id, eventId }: { id: string; eventId: string }) {
  const api = useApi();
  const [document, retry] = useDocument(id, eventId, api.profile);
  return (
    <Card
      kind="Profile"
      id={id}
      coloured
      document={document}
      onRetry={retry}
      filter={{ ...NO_FILTER, profile: id }}
      eventId={eventId}
    >
      {(profile) => <ProfileFacts profile={profile} />}
    </Card>
  );
}

function ProfileFacts({ profile }: { profile: Profile }) {
  const { insert, update, visit } = profile.metadata.time;
  const { visits, views, counters } = profile.stats;
  const events = counters?.["events"];
  return (
    <Facts compact>
      {personOf(profile).map(({ label, text }) => (
        <Fact key={label} label={label}>
          {text}
        </Fact>
      ))}
      <Fact label="First seen">{dateAndTime(insert)}</Fact>
      <Fact label="Last seen">
        <RelativeTime time={update} />
      </Fact>
      <Fact label="So far">
        {[counted(visits, "visit"), counted(views, "page view"), events === undefined ? null : counted(events, "event")]
          .filter((part) => part !== null)
          .join(" · ")}
      </Fact>
      {visit.tz !== undefined && <Fact label="Time zone">{visit.tz}</Fact>}
    </Facts>
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
