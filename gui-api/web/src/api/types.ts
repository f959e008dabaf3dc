/**
 * The documents of the JSON API, as far as the GUI reads them (`/openapi.json` has them in full).
 * Times are RFC 3339 in UTC.
 */

/** Whatever JSON object a site sent. */
export type JsonObject = { [key: string]: unknown };

/** One event. */
export interface TrackedEvent {
  id: string;
  /** In lower case, words joined by `-`. */
  type: string;
  /** The type for people. */
  name: string;
  metadata: {
    time: {
      /** The event's time, by which lists are ordered. */
      insert: string;
      /** By the client's clock. */
      create?: string;
      /** When the edge received it. */
      receive?: string;
    };
    status: string;
    valid: boolean;
    /** What of it was passed over, and why. */
    skipped?: string[];
  };
  source: Reference;
  /** Null when the request asked not to keep its session. */
  session?: Reference | null;
  /** Null when the event belongs to nobody. */
  profile?: Reference | null;
  hit?: { id?: string; name?: string; url?: string; referer?: string; query?: string; category?: string };
  /** Where on the journey to buying it is. */
  journey?: { state?: string };
  tags?: { values: string[] };
  /** What its properties mean, by the names that all events share. */
  data?: JsonObject;
  properties?: JsonObject;
  context?: JsonObject;
  request?: { id: string; ip?: string; headers?: Record<string, string> };
}

/** Names another document. */
export interface Reference {
  id: string;
}

/** One page of events, newest first. */
export interface EventPage {
  events: TrackedEvent[];
  /** Where the next, older page begins; null when this is the last. */
  next: string | null;
}

/** What is known of one visitor. */
export interface Profile {
  id: string;
  metadata: {
    time: {
      insert: string;
      update: string;
      visit: { last?: string; current?: string; count: number; tz?: string };
    };
  };
  stats: { visits: number; views: number; counters?: Record<string, number> };
  traits?: JsonObject;
  /** The customer's number. */
  primary_id?: string;
  /** What is known of the person, by the names that events share. */
  data?: JsonObject;
  interests?: Record<string, number>;
  consents?: JsonObject;
  active: boolean;
}

/** One visit of one visitor. */
export interface Session {
  id: string;
  metadata: {
    /** `duration` in seconds. */
    time: { insert: string; update: string; duration: number };
    status: string;
  };
  /** Null while all its requests belonged to nobody. */
  profile: Reference | null;
  /** What it happens on, and what led to it. */
  device?: JsonObject;
  os?: JsonObject;
  app?: JsonObject;
  utm?: JsonObject;
  referral?: JsonObject;
  context?: JsonObject;
  stats: { events: number };
}

/** Which events are wanted; an empty text means all. */
export interface EventFilter {
  type: string;
  source: string;
  session: string;
  profile: string;
  /** In the filter language (docs/filter.md). */
  where: string;
}

/** Where a text in the filter language goes wrong. Places are code points, from 0. */
export interface FilterProblem {
  message: string;
  start: number;
  /** Behind the part that is wrong; `start` where something is missing. */
  end: number;
  /** What may have been meant, to stand in place of that part. */
  suggestion?: string;
}

/** The parts of a filter, in the order in which they are shown. */
export const FILTER_KEYS = ["type", "source", "profile", "session", "where"] as const;

/** Wants every event. */
export const NO_FILTER: EventFilter = { type: "", source: "", session: "", profile: "", where: "" };

/** Whether any part of a filter is set. */
export function isFiltered(filter: EventFilter): boolean {
  return FILTER_KEYS.some((key) => filter[key] !== "");
}
