import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/client";
import type { Api, ListRange } from "../api/client";
import { NO_FILTER } from "../api/types";
import type { EventPage } from "../api/types";
import { EMPTY_FEED, feedAfter } from "./feed";
import type { Feed } from "./feed";
import { startLiveSession } from "./liveSession";
import type { LiveSession } from "./liveSession";
import { eventAt } from "./testEvents";

let feed: Feed;
let asked: ListRange[];
/** What the list answers next; the last one stays. */
let pages: (EventPage | Error)[];
/** Why no stream is opened; null when one is. */
let refusal: ApiError | null;
let streams: ReadableStreamDefaultController<Uint8Array>[];
let session: LiveSession;

const api = {
  events: async (_, range) => {
    asked.push(range);
    const page = pages.length > 1 ? pages.shift()! : pages[0]!;
    if (page instanceof Error) {
      throw page;
    }
    return page;
  },
  live: async () => {
    if (refusal !== null) {
      throw refusal;
    }
    return new ReadableStream<Uint8Array>({ start: (controller) => void streams.push(controller) });
  },
} as Pick<Api, "events" | "live"> as Api;

function start(): void {
  session = startLiveSession(
    api,
    NO_FILTER,
    () => feed,
    (action) => {
      feed = feedAfter(feed, action);
    },
  );
}

/** Sends a message on the stream. */
function send(event: string, data: unknown): void {
  streams.at(-1)!.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
}

const settle = async (milliseconds = 0): Promise<void> => void (await vi.advanceTimersByTimeAsync(milliseconds));
const ids = (): string[] => feed.rows.map(({ event }) => event.id);

beforeEach(() => {
  vi.useFakeTimers();
  feed = EMPTY_FEED;
  asked = [];
  pages = [{ events: [eventAt(20), eventAt(10)], next: null }];
  streams = [];
  refusal = null;
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
});

test("the list is read once the stream is open, and what comes joins it", async () => {
  start();
  await settle();
  expect(feed).toMatchObject({ phase: "ready", connection: { state: "live" } });
  send("event", eventAt(30));
  await settle();
  expect(ids()).toEqual(["id-30", "id-20", "id-10"]);
});

test("after a lost connection the list makes up for what was missed, over several pages", async () => {
  start();
  await settle();
  pages = [
    { events: [eventAt(40)], next: "more" },
    { events: [eventAt(30), eventAt(20)], next: null },
  ];
  streams.at(-1)!.close();
  await settle();
  expect(feed.connection.state).toBe("reconnecting");
  await settle(1000);
  expect(ids()).toEqual(["id-40", "id-30", "id-20", "id-10"]);
  expect(asked.slice(1)).toEqual([
    { from: new Date(20 - 120_000).toISOString(), limit: 200 },
    { from: new Date(20 - 120_000).toISOString(), limit: 200, cursor: "more" },
  ]);
});

test("a gap is told and filled, and gaps that follow quickly are filled together", async () => {
  start();
  await settle();
  asked = [];
  for (let count = 0; count < 10; count++) {
    send("gap", { missed: 2 });
    await settle(100);
  }
  expect(asked).toHaveLength(1);
  pages = [{ events: [eventAt(25)], next: null }];
  await settle(2000);
  expect(asked).toHaveLength(2);
  expect(ids()).toEqual(["id-25", "id-20", "id-10"]);
  expect(feed.missed).toBe(0);
});

test("a list that cannot be read is told, and read again on request", async () => {
  pages = [new Error("the store does not answer")];
  start();
  await settle();
  expect(feed).toMatchObject({ phase: "failed", error: "the store does not answer" });
  pages = [{ events: [eventAt(10)], next: null }];
  session.retry();
  await settle();
  expect(feed).toMatchObject({ phase: "ready", error: null });
});

test("a filter that is refused is told with its place, and not asked for again", async () => {
  const problem = { message: "`CONTAIN` is no operator", start: 5, end: 12, suggestion: "CONTAINS" };
  refusal = new ApiError(400, "the filter cannot be used", problem);
  start();
  await settle(60_000);
  expect(feed).toMatchObject({ phase: "failed", connection: { state: "refused" }, problem });
  expect(asked).toEqual([]);
});

test("older events come with the cursor, once", async () => {
  pages = [{ events: [eventAt(20)], next: "older" }];
  start();
  await settle();
  pages = [{ events: [eventAt(10)], next: null }];
  session.loadOlder();
  session.loadOlder();
  await settle();
  session.loadOlder();
  expect(asked.filter(({ cursor }) => cursor === "older")).toHaveLength(1);
  expect(ids()).toEqual(["id-20", "id-10"]);
});

test("once stopped nothing is told", async () => {
  start();
  session.stop();
  await settle(60_000);
  expect(feed).toEqual(EMPTY_FEED);
});
