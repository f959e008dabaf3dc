import { isFiltered, NO_FILTER } from "../api/types";
import type { EventFilter } from "../api/types";
import { Message } from "../ui/Message";
import { ViewLink } from "../ui/ViewLink";
import type { Feed } from "./feed";
import { SkeletonRows } from "./SkeletonRows";

interface Properties {
  feed: Feed;
  filter: EventFilter;
  onRetry: () => void;
  onLoadOlder: () => void;
}

/** What stands in place of the rows when there are none. */
export function ListState({ feed, filter, onRetry, onLoadOlder }: Properties) {
  if (feed.phase === "loading") {
    return <SkeletonRows />;
  }
  if (feed.problem !== null) {
    return <Message title="The filter cannot be used">What is wrong with it stands below the search box.</Message>;
  }
  if (feed.phase === "failed") {
    return (
      <Message
        title="The events could not be read"
        action={
          <button type="button" className="button" onClick={onRetry}>
            Try again
          </button>
        }
      >
        {feed.error}
      </Message>
    );
  }
  if (feed.held.length > 0) {
    return <Message title="Paused">New events came while the list was held still. Resume to see them.</Message>;
  }
  if (feed.next !== null) {
    return (
      <Message
        title="No match so far"
        action={
          <button type="button" className="button" onClick={onLoadOlder} disabled={feed.older === "loading"}>
            {feed.older === "loading" ? "Reading…" : "Look further back"}
          </button>
        }
      >
        The newest events were read, and none of them matches. Events that match will also appear here as they come.
      </Message>
    );
  }
  if (isFiltered(filter)) {
    return (
      <Message
        title="No event matches"
        action={
          <ViewLink view={{ filter: NO_FILTER, event: null }} className="button">
            Show all events
          </ViewLink>
        }
      >
        Events that match the filter will appear here as they come.
      </Message>
    );
  }
  return (
    <Message title="No events yet">
      They appear here as they come. Open a page that carries the tracker, and watch.
    </Message>
  );
}
