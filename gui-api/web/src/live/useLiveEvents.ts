/** The live list as data for views. */
import { useCallback, useEffect, useReducer, useRef } from "react";
import { useApi } from "../api/ApiContext";
import type { EventFilter } from "../api/types";
import { EMPTY_FEED, feedAfter } from "./feed";
import type { Feed, FeedAction } from "./feed";
import { startLiveSession } from "./liveSession";
import type { LiveSession } from "./liveSession";

/** The live list and what can be done with it. */
export interface LiveEvents {
  feed: Feed;
  pause: () => void;
  resume: () => void;
  loadOlder: () => void;
  /** Reads the list and connects again, now. */
  retry: () => void;
}

/** The events that match `filter`, as they come; another filter (by identity) begins a new list. */
export function useLiveEvents(filter: EventFilter): LiveEvents {
  const api = useApi();
  const [feed, dispatch] = useReducer(feedAfter, EMPTY_FEED);
  const session = useRef<LiveSession | null>(null);

  useEffect(() => {
    // The session asks for the feed between renders, so it follows the actions by itself.
    let current = EMPTY_FEED;
    const tell = (action: FeedAction): void => {
      current = feedAfter(current, action);
      dispatch(action);
    };
    tell({ type: "reset" });
    const started = startLiveSession(api, filter, () => current, tell);
    session.current = started;

    const check = (): void => started.reconnect("this computer is offline");
    window.addEventListener("online", started.retry);
    window.addEventListener("offline", check);
    return () => {
      window.removeEventListener("online", started.retry);
      window.removeEventListener("offline", check);
      started.stop();
    };
  }, [api, filter]);

  return {
    feed,
    pause: useCallback(() => dispatch({ type: "paused" }), []),
    resume: useCallback(() => dispatch({ type: "resumed" }), []),
    loadOlder: useCallback(() => session.current?.loadOlder(), []),
    retry: useCallback(() => session.current?.retry(), []),
  };
}
