/** The live list as data: reads the first page, follows the stream, makes up for what was missed. */
import { useCallback, useEffect, useReducer, useRef } from "react";
import { useApi } from "../api/ApiContext";
import { follow } from "../api/liveStream";
import type { Following } from "../api/liveStream";
import type { SseMessage } from "../api/sse";
import type { EventFilter, TrackedEvent } from "../api/types";
import { batched } from "./batches";
import { eventsSince } from "./catchUp";
import { EMPTY_FEED, feedAfter, MAX_ROWS } from "./feed";
import type { Feed, FeedAction } from "./feed";

const FIRST_PAGE = 100;

/** The live list and what can be done with it. */
export interface LiveEvents {
  feed: Feed;
  pause: () => void;
  resume: () => void;
  loadOlder: () => void;
  /** Reads the list and connects again, now. */
  retry: () => void;
}

/** The events that match `filter`, as they come. */
export function useLiveEvents(filter: EventFilter): LiveEvents {
  const api = useApi();
  const [feed, dispatch] = useReducer(feedAfter, EMPTY_FEED);
  const latest = useRef(feed);
  const following = useRef<Following | null>(null);
  const reading = useRef<AbortController | null>(null);
  /** Ends with the filter that the rows belong to. */
  const lifetime = useRef(new AbortController());

  useEffect(() => {
    latest.current = feed;
  }, [feed]);

  /** Reads the first page, or what came since the newest row. */
  const read = useCallback(async () => {
    reading.current?.abort();
    const controller = new AbortController();
    const { signal } = controller;
    reading.current = controller;
    try {
      const newest = latest.current.phase === "ready" ? latest.current.rows[0]?.event.metadata.time.insert : undefined;
      const action: FeedAction =
        newest === undefined
          ? { type: "listed", page: await api.events(filter, { limit: FIRST_PAGE }, signal) }
          : { type: "caught-up", events: await eventsSince(api, filter, newest, signal) };
      if (!signal.aborted) {
        dispatch(action);
      }
    } catch (error) {
      if (!signal.aborted) {
        dispatch({ type: "failed", error: messageOf(error) });
      }
    }
  }, [api, filter]);

  useEffect(() => {
    const ended = new AbortController();
    lifetime.current = ended;
    latest.current = EMPTY_FEED;
    dispatch({ type: "reset" });
    const arrivals = batched<TrackedEvent>(MAX_ROWS, (events) => dispatch({ type: "arrived", events }));
    const take = (messages: SseMessage[]): void => {
      arrivals.add(messages.filter(({ event }) => event === "event").map(({ data }) => JSON.parse(data) as TrackedEvent));
      const missed = messages.filter(({ event }) => event === "gap").reduce((sum, { data }) => sum + missedOf(data), 0);
      if (missed > 0) {
        dispatch({ type: "missed", count: missed });
        void read();
      }
    };
    const current = follow((signal) => api.live(filter, signal), {
      // The list is read once the stream is open, so that nothing falls between them.
      onOpen: () => {
        dispatch({ type: "connection", connection: { state: "live" } });
        void read();
      },
      onMessages: take,
      onDown: (reason, failures, pause) => {
        dispatch({ type: "connection", connection: { state: "reconnecting", reason, failures, at: Date.now() + pause } });
        // Where streams do not get through, the list may.
        if (latest.current.phase === "loading") {
          void read();
        }
      },
    });
    following.current = current;
    const check = (): void => current.reconnect("this computer is offline");
    window.addEventListener("online", current.retryNow);
    window.addEventListener("offline", check);
    return () => {
      window.removeEventListener("online", current.retryNow);
      window.removeEventListener("offline", check);
      current.stop();
      arrivals.stop();
      ended.abort();
      reading.current?.abort();
    };
  }, [api, filter, read]);

  const loadOlder = useCallback(async () => {
    const { next, older } = latest.current;
    if (next === null || older === "loading") {
      return;
    }
    dispatch({ type: "older-asked" });
    const { signal } = lifetime.current;
    try {
      const page = await api.events(filter, { limit: FIRST_PAGE, cursor: next }, signal);
      if (!signal.aborted) {
        dispatch({ type: "older", page });
      }
    } catch (error) {
      if (!signal.aborted) {
        dispatch({ type: "failed", error: messageOf(error) });
      }
    }
  }, [api, filter]);

  return {
    feed,
    pause: useCallback(() => dispatch({ type: "paused" }), []),
    resume: useCallback(() => dispatch({ type: "resumed" }), []),
    loadOlder: useCallback(() => void loadOlder(), [loadOlder]),
    retry: useCallback(() => {
      following.current?.retryNow();
      void read();
    }, [read]),
  };
}

function missedOf(data: string): number {
  const { missed } = JSON.parse(data) as { missed?: unknown };
  return typeof missed === "number" ? missed : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
