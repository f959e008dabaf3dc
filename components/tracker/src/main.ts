/**
 * The script's entry: builds the tracker from the browser's parts, puts it at `window.tracker`, and
 * replays the calls that the page made before the script had loaded.
 */
import { readConfiguration } from "./configuration";
import { Delivery } from "./delivery";
import type { Outcome } from "./delivery";
import { notifyBy } from "./notices";
import { newUuid } from "./random";
import { pageContext, requestContext } from "./surroundings";
import { Tracker } from "./tracker";
import { Visitor } from "./visitor";
import type { TrackOptions, JsonObject } from "./wire";

type TrackArguments = [type: string, properties?: JsonObject, options?: TrackOptions];

declare global {
  interface Window {
    tidelineOptions?: unknown;
    /** Before the script has loaded, the stub of the embed snippet: `q` keeps its calls. */
    tracker?: { q?: ArrayLike<unknown>[]; track: (...call: TrackArguments) => unknown };
  }
}

function storageOf(view: Window): Storage | null {
  try {
    return view.localStorage;
  } catch {
    return null;
  }
}

/** One tab at a time, where the browser has locks (it has them on https and localhost). */
function exclusively<T>(task: () => T): Promise<T> {
  const locks: LockManager | undefined = navigator.locks;
  const alone = async (): Promise<T> => task();
  return locks === undefined ? alone() : locks.request("tideline-session", alone).catch(alone);
}

function whenLoaded(then: () => void): void {
  const navigation = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined;
  if (document.readyState === "complete" || (navigation?.domContentLoadedEventStart ?? 0) > 0) {
    then();
  } else {
    // One turn later, so that the page's own handlers of the same moment have tracked.
    addEventListener("DOMContentLoaded", () => setTimeout(then), { once: true });
    addEventListener("load", then, { once: true });
  }
}

/** Takes over `window.tracker`: the same object, as pages may have kept the stub in a variable. */
function take(track: (...call: TrackArguments) => Promise<Outcome>): void {
  const early = window.tracker?.q ?? [];
  window.tracker = Object.assign(window.tracker ?? {}, { q: [], track });
  for (const call of early) {
    void track(...(Array.from(call) as TrackArguments));
  }
}

function start(): void {
  const complain = (sentence: string): void => console.error(`tideline: ${sentence}`);
  const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript : null;
  const configuration = readConfiguration(window.tidelineOptions, script?.dataset);
  if (typeof configuration === "string") {
    complain(configuration);
    take(() => Promise.resolve({ state: "failed", reason: configuration }));
    return;
  }

  const visitor = new Visitor({
    cookies: document,
    storage: storageOf(window),
    secure: location.protocol === "https:",
    exclusively,
    newId: newUuid,
  });
  const delivery = new Delivery(
    configuration.api,
    {
      fetch: (url, request) => fetch(url, request),
      beacon: (url, body) => navigator.sendBeacon?.(url, body) ?? false,
      wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      deadline: (milliseconds) => AbortSignal.timeout?.(milliseconds) ?? null,
      now: () => Date.now(),
      zoneOffset: () => new Date().getTimezoneOffset(),
      random: Math.random,
    },
    notifyBy(window),
  );
  const tracker = new Tracker(configuration.source, visitor, delivery, {
    requestContext: () => requestContext(window, new Date()),
    pageContext: () => pageContext(window),
    now: () => new Date(),
    newId: newUuid,
    complain,
  });

  take((...call) => tracker.track(...call));
  whenLoaded(() => tracker.pageLoaded());
  addEventListener("pagehide", () => tracker.pageLeft());
}

start();
