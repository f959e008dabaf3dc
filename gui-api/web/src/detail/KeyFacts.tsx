import { NO_FILTER } from "../api/types";
import type { TrackedEvent } from "../api/types";
import { dateAndTime, offset, preciseTime, sameDay, ZONE } from "../format/time";
import { CopyButton } from "../ui/CopyButton";
import { RelativeTime } from "../ui/RelativeTime";
import { ViewLink } from "../ui/ViewLink";
import { Fact, Facts } from "./Facts";

/** What one wants to know first: when, where, from whom. */
export function KeyFacts({ event }: { event: TrackedEvent }) {
  const { insert, create, receive } = event.metadata.time;
  const { hit, journey, tags, request } = event;
  return (
    <Facts>
      <Fact label="Time">
        <time dateTime={insert}>{dateAndTime(insert)}</time>{" "}
        <span className="quiet">
          {ZONE} · <RelativeTime time={insert} />
        </span>
      </Fact>
      {create !== undefined && (
        <Fact label="Sent">
          {sameDay(create, Date.parse(insert)) ? preciseTime(create) : dateAndTime(create)}{" "}
          <span className="quiet">by the visitor’s clock</span>
        </Fact>
      )}
      {receive !== undefined && (
        <Fact label="Received">
          {preciseTime(receive)}{" "}
          {create !== undefined && <span className="quiet">{offset(receive, create)}</span>}
        </Fact>
      )}
      {(hit?.name || hit?.url) && (
        <Fact label="Page">
          {hit.name}
          {hit.name && hit.url && <br />}
          {hit.url && <PageLink url={hit.url} />}
        </Fact>
      )}
      {hit?.referer && <Fact label="Came from">{hit.referer}</Fact>}
      {hit?.query && <Fact label="Searched for">{hit.query}</Fact>}
      {hit?.category && <Fact label="Category">{hit.category}</Fact>}
      {journey?.state && <Fact label="Stage">{journey.state}</Fact>}
      <Fact label="Source">
        <ViewLink view={{ filter: { ...NO_FILTER, source: event.source.id }, event: event.id }}>{event.source.id}</ViewLink>
      </Fact>
      {tags !== undefined && tags.values.length > 0 && <Fact label="Tags">{tags.values.join(", ")}</Fact>}
      {request?.ip !== undefined && <Fact label="Address">{request.ip}</Fact>}
      {event.metadata.status !== "collected" && <Fact label="State">{event.metadata.status}</Fact>}
      {event.metadata.skipped?.map((sentence) => (
        <Fact key={sentence} label="Left out">
          {sentence}
        </Fact>
      ))}
      <Fact label="Event id">
        <code>{event.id}</code> <CopyButton text={event.id} label="Copy the event id" />
      </Fact>
    </Facts>
  );
}

/** A page's address; a link only when it leads to the web (a site may send anything as its address). */
function PageLink({ url }: { url: string }) {
  return /^https?:\/\//i.test(url) ? (
    <a href={url} target="_blank" rel="noreferrer">
      {url}
    </a>
  ) : (
    <span>{url}</span>
  );
}
