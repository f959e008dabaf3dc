/**
 * What the page shows, as its address: filters and the open event. A link to a view is a link that
 * can be sent to a colleague.
 */
import { FILTER_KEYS, NO_FILTER } from "../api/types";
import type { EventFilter } from "../api/types";

/** One view of the live events. */
export interface View {
  filter: EventFilter;
  /** The id of the event whose details are open. */
  event: string | null;
}

/** Reads a view from an address's query. */
export function viewOf(search: string): View {
  const query = new URLSearchParams(search);
  const filter = { ...NO_FILTER };
  for (const key of FILTER_KEYS) {
    filter[key] = query.get(key)?.trim() ?? "";
  }
  return { filter, event: query.get("event") };
}

/** The address of a view, relative to the site. */
export function addressOf({ filter, event }: View): string {
  const query = new URLSearchParams();
  for (const key of FILTER_KEYS) {
    if (filter[key] !== "") {
      query.set(key, filter[key]);
    }
  }
  if (event !== null) {
    query.set("event", event);
  }
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}
