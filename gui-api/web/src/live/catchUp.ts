/** Reads from the list what the stream may have missed. */
import type { Api } from "../api/client";
import type { EventFilter, TrackedEvent } from "../api/types";
import { MAX_ROWS } from "./feed";

/** Events are stored some time after they happened: how far back an unseen one may lie. */
const OVERLAP_MS = 120_000;

/** The most events that the API gives at once. */
const PAGE = 200;

/** The events since shortly before `newest` (RFC 3339), newest first, as many as the page can show. */
export async function eventsSince(api: Api, filter: EventFilter, newest: string, signal: AbortSignal): Promise<TrackedEvent[]> {
  // A visitor's clock may be ahead: nothing is missed by asking from now.
  const from = new Date(Math.min(Date.parse(newest), Date.now()) - OVERLAP_MS).toISOString();
  const events: TrackedEvent[] = [];
  let cursor: string | null = null;
  do {
    const page = await api.events(filter, { from, limit: PAGE, ...(cursor === null ? {} : { cursor }) }, signal);
    events.push(...page.events);
    cursor = page.next;
  } while (cursor !== null && events.length < MAX_ROWS);
  return events;
}
