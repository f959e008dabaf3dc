import { beforeEach, expect, test } from "vitest";
import { KeptRequests, MAX_KEPT_AGE, MAX_KEPT_BYTES } from "./kept";
import type { Kept } from "./kept";
import { byteLength } from "./parts";
import { eventAt, MemoryStorage, payloadWith } from "./testing";
import type { Payload } from "./wire";

let storage: MemoryStorage;
let dropped: { ids: string[]; reason: string }[];
let now: number;
let kept: KeptRequests;

function keptFor(api: string): KeptRequests {
  return new KeptRequests(api, storage, () => now, (name, detail) => {
    if (name === "tideline:dropped") {
      const { payload, reason } = detail as { payload: Payload; reason: string };
      dropped.push({ ids: idsOf(payload), reason });
    }
  });
}

beforeEach(() => {
  storage = new MemoryStorage();
  dropped = [];
  now = 0;
  kept = keptFor("http://edge");
});

const idsOf = ({ events }: Payload): string[] => events.map(({ id }) => id);

function all(requests: KeptRequests): Kept[] {
  const found: Kept[] = [];
  for (let next; (next = requests.oldest(({ key }) => found.every((one) => one.key !== key))); ) {
    found.push(next);
  }
  return found;
}

test("kept requests come back oldest first, each event with the time at which it happened as the time that counts", () => {
  for (const at of [3, 1, 2]) {
    kept.keep(payloadWith(eventAt(at, `event-${at}`)));
  }
  const payloads = all(kept).map(({ payload }) => payload);
  expect(payloads.flatMap(idsOf)).toEqual(["event-1", "event-2", "event-3"]);
  expect(payloads[0]!.events[0]!.time).toEqual({ create: "1970-01-01T00:00:00.001Z", insert: "1970-01-01T00:00:00.001Z" });
});

test("keeping twice is keeping once, whole or in parts, and forgetting forgets all of it", () => {
  const large = payloadWith(eventAt(1, "event-1", "x".repeat(20_000)), eventAt(2, "event-2", "x".repeat(20_000)));
  expect(kept.keep(large)).toBe(true);
  const entries = new Map(storage.entries);
  expect(entries.size).toBe(2);
  large.events.forEach((event) => kept.keep({ ...large, events: [event] }));
  expect(storage.entries).toEqual(entries);
  kept.forget(large);
  expect(storage.entries.size).toBe(0);
});

test("what is kept is bounded in bytes, and the oldest gives way", () => {
  for (let at = 1; at <= 6; at++) {
    expect(kept.keep(payloadWith(eventAt(at, `event-${at}`, "海".repeat(6_000))))).toBe(true);
  }
  const bytes = [...storage.entries].reduce((sum, [key, text]) => sum + byteLength(key + text), 0);
  expect(bytes).toBeLessThanOrEqual(MAX_KEPT_BYTES);
  expect(all(kept).flatMap(({ payload }) => idsOf(payload))).toEqual(["event-4", "event-5", "event-6"]);
  expect(dropped.map(({ ids }) => ids)).toEqual([["event-1"], ["event-2"], ["event-3"]]);
});

test("what is larger than all that may be kept drives nothing out", () => {
  kept.keep(payloadWith(eventAt(1, "event-1")));
  expect(kept.keep(payloadWith(eventAt(2, "event-2", "x".repeat(MAX_KEPT_BYTES))))).toBe(false);
  expect(all(kept).flatMap(({ payload }) => idsOf(payload))).toEqual(["event-1"]);
});

test("what happened more than seven days ago is dropped", () => {
  kept.keep(payloadWith(eventAt(0, "event-1")));
  kept.keep(payloadWith(eventAt(1, "event-2")));
  now = MAX_KEPT_AGE + 1;
  expect(all(kept).flatMap(({ payload }) => idsOf(payload))).toEqual(["event-2"]);
  expect(dropped).toEqual([{ ids: ["event-1"], reason: "it was kept for too long" }]);
});

test("requests go to the edge that they were for", () => {
  kept.keep(payloadWith(eventAt(1, "event-1")));
  expect(all(keptFor("http://other"))).toEqual([]);
  expect(all(keptFor("http://edge"))).toHaveLength(1);
});

test.each(["", "{", "null", "{}", '{"api":"http://edge","payload":{"events":[]}}', '{"api":"http://edge","payload":{"events":[{}]}}'])(
  "an entry that is not ours (%s) is removed and disturbs nothing",
  (text) => {
    storage.setItem("tideline-kept 1", text);
    kept.keep(payloadWith(eventAt(1, "event-1")));
    expect(all(kept)).toHaveLength(1);
    expect(storage.entries.size).toBe(1);
  },
);

test("other keys of the site are never touched", () => {
  storage.setItem("basket", "{}");
  kept.keep(payloadWith(eventAt(1, "event-1")));
  kept.clear();
  expect([...storage.entries.keys()]).toEqual(["basket"]);
});

test("a browser that refuses storage keeps nothing and breaks nothing", () => {
  const forbidden = new KeptRequests("http://edge", null, () => 0, () => undefined);
  expect(forbidden.keep(payloadWith(eventAt(1, "event-1")))).toBe(false);
  forbidden.forget(payloadWith(eventAt(1, "event-1")));
  expect(forbidden.oldest(() => true)).toBeNull();
  storage.full = true;
  expect(kept.keep(payloadWith(eventAt(1, "event-1")))).toBe(false);
});
