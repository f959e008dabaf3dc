/**
 * What the tracker adds to a page, for pages that TypeScript checks: copy this file beside their sources.
 * `docs/tracker.md` describes it; the tracker itself is checked against it.
 */

declare namespace Tideline {
  /** Any JSON object. */
  type JsonObject = Record<string, unknown>;

  /** What a page configures, in `window.tidelineOptions` or as attributes of the script tag. */
  interface Options {
    /** The edge's address, without `/track`: `https://collect.example.com`. */
    api: string;
    /** The event source's id. */
    source: string;
    /** Hosts of the same owner: a visitor who follows a link to one of them stays known. */
    domains?: string[];
    /** Sends and stores nothing of visitors whose browser asks not to be tracked. */
    doNotTrack?: boolean;
  }

  /** How one call of `track` is to be sent. */
  interface TrackOptions {
    /** Sends at once in its own request, also while the page still loads. */
    fire?: boolean;
    /** Hands the event to the browser, which sends it even when the page goes away; the answer is not read. */
    asBeacon?: boolean;
    /** Added to the event's context, beside `page`. */
    context?: JsonObject;
  }

  /** How a call of `track` ended. */
  type Outcome =
    /** The edge has it on disk. */
    | { state: "answered"; answer: unknown }
    /** The browser sends it, whatever becomes of the page. */
    | { state: "handed-over" }
    /** It waits in the browser for a better moment; `status` is the edge's last one, if there was any. */
    | { state: "kept"; reason: string; status: number | null }
    /** The edge will not have it. */
    | { state: "refused"; status: number; answer: unknown }
    /** It is lost. */
    | { state: "failed"; reason: string }
    /** The visitor asks not to be tracked. */
    | { state: "withheld"; reason: string };

  interface Tracker {
    /** Sends one event. Never throws or rejects; returns nothing while the script has not loaded. */
    track(type: string, properties?: JsonObject, options?: TrackOptions): Promise<Outcome> | undefined;
  }

  /** The edge's answer to a request. */
  interface Answer {
    profile?: { id: string | null } | null;
    session?: { id: string | null } | null;
    [key: string]: unknown;
  }

  interface Helpers {
    track: Tracker["track"];
    /** Runs `run` at every click on `element`; the function that is returned ends that. */
    onClick(element: EventTarget, run: (event: Event) => unknown): () => void;
    /** Runs `run` at every event `type` of `element`; the function that is returned ends that. */
    addListener(element: EventTarget, type: string, run: (event: Event) => unknown): () => void;
  }

  /** What a page gets once it is known who visits it. */
  interface Arrival {
    tracker: Tracker;
    helpers: Helpers;
    /** The answer to the page load's request; null if there was none. */
    context: Answer | null;
    config: Options;
  }

  interface Ready {
    /** Runs `run` when the page load's request has been answered, or at once if it has been. */
    bind(run: (arrival: Arrival) => unknown): void;
  }

  /** One event as sent. */
  interface WireEvent {
    /** Made by the client, so that a retry is stored once. */
    id: string;
    /** `create`: when it happened. `insert`: the same, of events that are sent much later. */
    time: { create: string; insert?: string };
    type: string;
    properties: JsonObject;
    options: JsonObject;
    context: JsonObject;
  }

  /** One request's body. */
  interface Payload {
    source: { id: string };
    context: JsonObject;
    profile: { id: string } | null;
    device: { id: string };
    session: { id: string };
    options: JsonObject;
    events: WireEvent[];
  }

  /** The details of what the tracker tells the page, by the names of the events on `window`. */
  interface Notices {
    /** A request goes out for the first time on this page, or was handed to the browser as a beacon. */
    "tideline:request": { request: number; payload: Payload; beacon: boolean };
    /** The edge answered, with success or with a refusal that a retry would not change. */
    "tideline:answer": { request: number; status: number; body: unknown; milliseconds: number };
    /** The edge could not take the request; it is sent again after so many milliseconds. */
    "tideline:retry": { request: number; reason: string; milliseconds: number };
    /** The request waits in the browser until the edge can be reached. */
    "tideline:kept": { request: number; reason: string };
    /** The tracker gave the request up. */
    "tideline:failure": { request: number; reason: string };
    /** A request that was kept will not be sent. */
    "tideline:dropped": { payload: Payload; reason: string };
  }

  /** The same as the browser dispatches them. */
  type NoticeEvents = { [Name in keyof Notices]: CustomEvent<Notices[Name]> };
}

interface WindowEventMap extends Tideline.NoticeEvents {}

/** Set by the page before the script loads. */
declare var tidelineOptions: Tideline.Options | undefined;
declare var tracker: Tideline.Tracker;
declare var onTidelineReady: Tideline.Ready;
/** The same, under the name that pages of the protocol use. */
declare var onTracardiReady: Tideline.Ready;
