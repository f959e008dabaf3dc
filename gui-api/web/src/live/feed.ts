/**
 * The rows of the live list: a pure state machine over what the list and the stream deliver.
 *
 * It promises that rows are newest first, each event once, at most `MAX_ROWS` of them, whatever
 * order events arrive in and however often.
 */
import type { EventPage, FilterProblem, TrackedEvent } from "../api/types";
import { microseconds } from "../format/time";

/** The most events that the page keeps, and the most that it holds back while paused. */
export const MAX_ROWS = 500;

/** More rows than this at once are not pointed out one by one: nobody could follow. */
const FEW = 20;

/** One row. */
export interface Row {
  event: TrackedEvent;
  /** Its time, in microseconds since 1970. */
  at: number;
  /** Came by the stream, while the reader was looking: to be pointed out. */
  live: boolean;
}

/** How the page hears of new events. */
export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  /** What was asked for is wrong: nothing will come. */
  | { state: "refused" }
  /** `at`: when it tries again, in milliseconds since 1970. */
  | { state: "reconnecting"; reason: string; failures: number; at: number };

/** Everything the list shows. */
export interface Feed {
  connection: Connection;
  /** `failed`: not even the first page could be read. */
  phase: "loading" | "ready" | "failed";
  /** Why the list could not be read. */
  error: string | null;
  /** What is wrong with the filter, when that is why. */
  problem: FilterProblem | null;
  /** Newest first. */
  rows: Row[];
  /** Where older events begin; null when the list is complete. */
  next: string | null;
  older: "idle" | "loading";
  paused: boolean;
  /** What arrived while paused, newest first. */
  held: Row[];
  /** Events that the stream skipped, until the list has made up for them. */
  missed: number;
}

/** What can happen to the list. */
export type FeedAction =
  | { type: "reset" }
  | { type: "connection"; connection: Connection }
  /** The first page came. */
  | { type: "listed"; page: EventPage }
  /** The list was read again for what the stream may have missed. */
  | { type: "caught-up"; events: TrackedEvent[] }
  | { type: "arrived"; events: TrackedEvent[] }
  | { type: "missed"; count: number }
  | { type: "failed"; error: string; problem: FilterProblem | null }
  | { type: "older-asked" }
  | { type: "older"; page: EventPage }
  | { type: "paused" }
  | { type: "resumed" };

/** The list before anything was read. */
export const EMPTY_FEED: Feed = {
  connection: { state: "connecting" },
  phase: "loading",
  error: null,
  problem: null,
  rows: [],
  next: null,
  older: "idle",
  paused: false,
  held: [],
  missed: 0,
};

/** The next state. */
export function feedAfter(feed: Feed, action: FeedAction): Feed {
  switch (action.type) {
    case "reset":
      return { ...EMPTY_FEED, paused: feed.paused };
    case "connection":
      return { ...feed, connection: action.connection };
    case "listed":
      return {
        ...feed,
        phase: "ready",
        error: null,
        problem: null,
        missed: 0,
        next: action.page.next,
        rows: merged(feed.rows, rowsOf(action.page.events, false)),
      };
    case "caught-up":
      return { ...taken(feed, action.events), error: null, missed: 0 };
    case "arrived":
      return taken(feed, action.events);
    case "missed":
      return { ...feed, missed: feed.missed + action.count };
    case "failed":
      return { ...feed, phase: feed.phase === "loading" ? "failed" : feed.phase, error: action.error, problem: action.problem, older: "idle" };
    case "older-asked":
      return { ...feed, older: "loading", error: null };
    case "older":
      return {
        ...feed,
        older: "idle",
        next: action.page.next,
        rows: merged(feed.rows, rowsOf(action.page.events, false)),
      };
    case "paused":
      return { ...feed, paused: true };
    case "resumed":
      return { ...feed, paused: false, held: [], rows: merged(feed.rows, feed.held) };
  }
}

/** Whether there are older events to ask for and room for them. */
export function canLoadOlder(feed: Feed): boolean {
  return feed.next !== null && feed.rows.length < MAX_ROWS;
}

/** New events join the rows, or wait while the reader has paused. */
function taken(feed: Feed, events: TrackedEvent[]): Feed {
  const shown = new Set(feed.rows.map(({ event }) => event.id));
  const fresh = rowsOf(events, events.length <= FEW).filter((row) => !shown.has(row.event.id) && isInReach(feed, row));
  if (fresh.length === 0) {
    return feed;
  }
  return feed.paused ? { ...feed, held: merged(feed.held, fresh) } : { ...feed, rows: merged(feed.rows, fresh) };
}

/** An event older than the last row belongs to a page that is not loaded yet, and will come with it. */
function isInReach(feed: Feed, row: Row): boolean {
  const last = feed.rows.at(-1);
  return feed.next === null || last === undefined || newestFirst(row, last) < 0;
}

function rowsOf(events: TrackedEvent[], live: boolean): Row[] {
  return events.map((event) => ({ event, at: microseconds(event.metadata.time.insert), live }));
}

/** Both lists as one; rows that were there stay the same objects. */
function merged(rows: Row[], more: Row[]): Row[] {
  const known = new Set(rows.map(({ event }) => event.id));
  const added = more.filter(({ event }) => !known.has(event.id) && known.add(event.id));
  return added.length === 0 ? rows : [...rows, ...added].toSorted(newestFirst).slice(0, MAX_ROWS);
}

/** The order of the API's lists: event time to the microsecond, then id, both descending. */
function newestFirst(one: Row, other: Row): number {
  return other.at !== one.at ? other.at - one.at : one.event.id < other.event.id ? 1 : -1;
}
