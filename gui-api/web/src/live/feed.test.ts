import { expect, test } from "vitest";
import { canLoadOlder, EMPTY_FEED, feedAfter, MAX_ROWS } from "./feed";
import type { Feed, FeedAction } from "./feed";
import { eventAt as at } from "./testEvents";

const after = (...actions: FeedAction[]): Feed => actions.reduce(feedAfter, EMPTY_FEED);
const ids = (rows: Feed["rows"]): string[] => rows.map(({ event }) => event.id);

test("events are newest first and appear once, whatever came first", () => {
  const feed = after(
    { type: "arrived", events: [at(30)] },
    { type: "listed", page: { events: [at(30), at(20), at(10)], next: null } },
    { type: "arrived", events: [at(15), at(20), at(40)] },
  );
  expect(ids(feed.rows)).toEqual(["id-40", "id-30", "id-20", "id-15", "id-10"]);
});

test("events of the same microsecond are ordered by id, as the API orders them", () => {
  const feed = after({ type: "listed", page: { events: [at(1, "b"), at(1, "a")], next: null } }, { type: "arrived", events: [at(1, "c")] });
  expect(ids(feed.rows)).toEqual(["c", "b", "a"]);
});

test("a late event of a page that is not loaded waits for that page", () => {
  const loaded = after({ type: "listed", page: { events: [at(20)], next: "more" } }, { type: "arrived", events: [at(5)] });
  expect(ids(loaded.rows)).toEqual(["id-20"]);
  const older = feedAfter(loaded, { type: "older", page: { events: [at(10), at(5)], next: null } });
  expect(ids(older.rows)).toEqual(["id-20", "id-10", "id-5"]);
});

test("while paused nothing moves; resuming shows what came", () => {
  const paused = after(
    { type: "listed", page: { events: [at(10)], next: null } },
    { type: "paused" },
    { type: "arrived", events: [at(20)] },
    { type: "caught-up", events: [at(10), at(20), at(30)] },
  );
  expect(ids(paused.rows)).toEqual(["id-10"]);
  expect(ids(paused.held)).toEqual(["id-30", "id-20"]);
  expect(ids(feedAfter(paused, { type: "resumed" }).rows)).toEqual(["id-30", "id-20", "id-10"]);
});

test("rows and held events are bounded, the newest are kept, and no older page is asked for beyond that", () => {
  const many = Array.from({ length: MAX_ROWS + 50 }, (_, index) => at(index));
  const full = after({ type: "listed", page: { events: [], next: "more" } }, { type: "arrived", events: many });
  expect(full.rows).toHaveLength(MAX_ROWS);
  expect(full.rows[0]!.event.id).toBe(`id-${MAX_ROWS + 49}`);
  expect(canLoadOlder(full)).toBe(false);
  const paused = after({ type: "listed", page: { events: [], next: null } }, { type: "paused" }, { type: "arrived", events: many });
  expect(paused.held).toHaveLength(MAX_ROWS);
});

test("a gap is remembered until the list has been read again", () => {
  const feed = after({ type: "listed", page: { events: [], next: null } }, { type: "missed", count: 3 }, { type: "missed", count: 4 });
  expect(feed.missed).toBe(7);
  expect(feedAfter(feed, { type: "caught-up", events: [at(1)] })).toMatchObject({ missed: 0, error: null });
});

test("a failure before the first page is told instead of the list, a later one beside it", () => {
  expect(after({ type: "failed", error: "down", problem: null }).phase).toBe("failed");
  const later = after({ type: "listed", page: { events: [at(1)], next: "more" } }, { type: "older-asked" }, { type: "failed", error: "down", problem: null });
  expect(later).toMatchObject({ phase: "ready", error: "down", older: "idle" });
  expect(later.rows).toHaveLength(1);
});

test("another filter begins with an empty list and stays paused", () => {
  const feed = after({ type: "listed", page: { events: [at(1)], next: null } }, { type: "paused" }, { type: "reset" });
  expect(feed).toMatchObject({ phase: "loading", rows: [], paused: true });
});
