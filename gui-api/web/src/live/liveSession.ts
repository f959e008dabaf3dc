/**
 * Keeps one filter's feed up to date: reads the first page, follows the stream, and reads from the list
 * what the stream may have missed.
 *
 * It knows nothing of React: it tells what happens as feed actions.
 */
import { ApiError } from "../api/client";
import type { Api } from "../api/client";
import { follow } from "../api/liveStream";
import type { SseMessage } from "../api/sse";
import type { EventFilter, TrackedEvent } from "../api/types";
import { batched } from "./batches";
import { eventsSince } from "./catchUp";
import { MAX_ROWS } from "./feed";
import type { Feed, FeedAction } from "./feed";

const FIRST_PAGE = 100;

/** The page renders new events at most this often. */
const RENDER_MS = 300;

/** A stream that keeps skipping events makes the page read the list at most this often. */
const CATCH_UP_MS = 2000;

/** A feed being kept up to date. */
export interface LiveSession {
  loadOlder: () => void;
  /** Reads the list and connects again, now. */
  retry: () => void;
  /** The connection may be dead without knowing it: connects again. */
  reconnect: (reason: string) => void;
  /** Nothing is told any more. */
  stop: () => void;
}

/** Begins; `feed` gives the feed as it is now. */
export function startLiveSession(api: Api, filter: EventFilter, feed: () => Feed, tell: (action: FeedAction) => void): LiveSession {
  const stopped = new AbortController();
  const { signal } = stopped;

  /** Runs a request and tells how it went, unless the session has ended meanwhile. */
  const request = async (run: () => Promise<FeedAction>): Promise<void> => {
    const action = await run().catch(failureOf);
    if (!signal.aborted) {
      tell(action);
    }
  };

  const newestEvents = async (): Promise<FeedAction> => {
    const newest = feed().phase === "ready" ? feed().rows[0]?.event.metadata.time.insert : undefined;
    return newest === undefined
      ? { type: "listed", page: await api.events(filter, { limit: FIRST_PAGE }, signal) }
      : { type: "caught-up", events: await eventsSince(api, filter, newest, signal) };
  };

  // One read at a time: if another is asked for meanwhile, it follows.
  let reading = false;
  let again = false;
  const read = async (): Promise<void> => {
    again = reading;
    if (reading) {
      return;
    }
    reading = true;
    await request(newestEvents);
    reading = false;
    if (again && !signal.aborted) {
      await read();
    }
  };

  const arrivals = batched<TrackedEvent>(MAX_ROWS, RENDER_MS, (events) => tell({ type: "arrived", events }));
  const gaps = batched<number>(MAX_ROWS, CATCH_UP_MS, (missed) => {
    tell({ type: "missed", count: missed.reduce((sum, count) => sum + count, 0) });
    void read();
  });
  const take = (messages: SseMessage[]): void => {
    arrivals.add(messages.filter(({ event }) => event === "event").map(({ data }) => JSON.parse(data) as TrackedEvent));
    gaps.add(messages.filter(({ event }) => event === "gap").map(({ data }) => missedOf(data)));
  };

  const following = follow((connection) => api.live(filter, connection), {
    // The list is read once the stream is open, so that nothing falls between them.
    onOpen: () => {
      tell({ type: "connection", connection: { state: "live" } });
      void read();
    },
    onMessages: take,
    onRefused: (error) => {
      tell({ type: "connection", connection: { state: "refused" } });
      tell(failureOf(error));
    },
    onDown: (reason, failures, pause) => {
      tell({ type: "connection", connection: { state: "reconnecting", reason, failures, at: Date.now() + pause } });
      // Where streams do not get through, the list may.
      if (feed().phase === "loading") {
        void read();
      }
    },
  });

  return {
    loadOlder: () => {
      const { next, older } = feed();
      if (next !== null && older === "idle") {
        tell({ type: "older-asked" });
        void request(async () => ({ type: "older", page: await api.events(filter, { limit: FIRST_PAGE, cursor: next }, signal) }));
      }
    },
    retry: () => {
      following.retryNow();
      void read();
    },
    reconnect: following.reconnect,
    stop: () => {
      stopped.abort();
      following.stop();
      arrivals.stop();
      gaps.stop();
    },
  };
}

function missedOf(data: string): number {
  const { missed } = JSON.parse(data) as { missed?: unknown };
  return typeof missed === "number" ? missed : 1;
}

function failureOf(error: unknown): FeedAction {
  const problem = error instanceof ApiError ? error.filter : null;
  return { type: "failed", error: error instanceof Error ? error.message : String(error), problem };
}
