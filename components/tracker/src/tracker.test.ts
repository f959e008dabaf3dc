import { beforeEach, expect, test } from "vitest";
import { Delivery } from "./delivery";
import { Edge } from "./edge";
import { KeptRequests } from "./kept";
import { byteLength, MAX_REQUEST_BYTES } from "./parts";
import { MAX_EVENTS, Tracker } from "./tracker";
import { Visitor } from "./visitor";
import type { Payload } from "./wire";

let sent: Payload[];
let beacons: Promise<Payload>[];
let complaints: string[];
/** How often the tracker told that the edge has taken a request. */
let taken: number;
let status: number;
/** How many more beacons the browser takes. */
let beaconsLeft: number;
let tracker: Tracker;

beforeEach(() => {
  sent = [];
  beacons = [];
  complaints = [];
  taken = 0;
  status = 200;
  beaconsLeft = Infinity;
  let ids = 0;
  const newId = (): string => `id-${++ids}`;
  const cookies = { cookie: "" };
  const stored = new Map<string, string>();
  const visitor = new Visitor({
    cookies,
    storage: { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => void stored.set(key, value) },
    secure: false,
    exclusively: async (task) => task(),
    newId,
  });
  const network = {
    fetch: async (_: string, request: RequestInit) => {
      sent.push(JSON.parse(String(request.body)) as Payload);
      return new Response(JSON.stringify({ profile: { id: `profile-${sent.length}` } }), { status });
    },
    beacon: (_: string, body: Blob) => {
      if (beaconsLeft-- <= 0) {
        return false;
      }
      beacons.push(body.text().then((text) => JSON.parse(text) as Payload));
      return true;
    },
    online: () => true,
    wait: async () => undefined,
    deadline: () => null,
    now: () => 0,
    zoneOffset: () => 0,
    random: () => 0.5,
  };
  const kept = new KeptRequests("http://edge", null, () => 0, () => undefined);
  const delivery = new Delivery(new Edge("http://edge", network), network, kept, () => undefined);
  tracker = new Tracker("shop-web", visitor, delivery, {
    requestContext: () => ({ time: {} }),
    pageContext: () => ({ url: "http://shop/" }),
    now: () => new Date(0),
    newId,
    answered: () => taken++,
    complain: (sentence) => complaints.push(sentence),
  });
});

const types = (payload: Payload | undefined): string[] | undefined => payload?.events.map(({ type }) => type);

test("events of the page load go out as one request, later ones at once", async () => {
  const first = tracker.track("page-view", { category: "home" });
  const second = tracker.track("search", { query: "sun" });
  expect(sent).toHaveLength(0);
  tracker.pageLoaded();
  expect((await first).state).toBe("answered");
  expect(await second).toEqual(await first);
  await tracker.track("product-clicked");
  expect(sent.map(types)).toEqual([["page-view", "search"], ["product-clicked"]]);
});

test("a page load that the edge would refuse for its size goes out in parts, and every event is answered", async () => {
  const text = "海".repeat(1000);
  const done = Array.from({ length: MAX_EVENTS - 1 }, (_, number) => tracker.track(`e${number}`, { text }));
  tracker.pageLoaded();
  expect((await Promise.all(done)).every(({ state }) => state === "answered")).toBe(true);
  expect(sent.length).toBe(2);
  expect(Math.max(...sent.map((payload) => byteLength(JSON.stringify(payload))))).toBeLessThan(MAX_REQUEST_BYTES + 1000);
  expect(sent.flatMap(({ events }) => events.map(({ type }) => type))).toEqual(done.map((_, number) => `e${number}`));
});

test("the profile of each answer goes into the next request of the same session", async () => {
  tracker.pageLoaded();
  await tracker.track("a");
  await tracker.track("b");
  await tracker.track("c");
  expect(sent.map(({ profile }) => profile?.id ?? null)).toEqual([null, "profile-1", "profile-2"]);
  expect(new Set(sent.map(({ session }) => session.id)).size).toBe(1);
});

test("the page learns how its load's request ended, and of every request that the edge has taken", async () => {
  const done = tracker.track("page-view");
  expect(await tracker.pageLoaded()).toEqual(await done);
  expect(taken).toBe(1);
  status = 401;
  await tracker.track("search");
  expect(taken).toBe(1);
});

test("a page load without events has no request", async () => {
  expect(await tracker.pageLoaded()).toBeNull();
});

test("every event has its own id, and its own copy of the properties", async () => {
  const properties = { price: 1 };
  const done = [tracker.track("a", properties), tracker.track("a", properties)];
  properties.price = 2;
  tracker.pageLoaded();
  await Promise.all(done);
  const [one, two] = sent[0]!.events;
  expect(one!.id).not.toBe(two!.id);
  expect(one!.properties).toEqual({ price: 1 });
});

test("fire does not wait for the page, and options.context joins the event's context", async () => {
  await tracker.track("sign-up", {}, { fire: true, context: { form: "footer" } });
  expect(sent[0]!.events[0]).toMatchObject({
    options: { fire: true },
    context: { page: { url: "http://shop/" }, form: "footer" },
  });
});

test("a beacon is handed over at once", async () => {
  expect(await tracker.track("page-closed", {}, { asBeacon: true })).toEqual({ state: "handed-over" });
  expect(types(await beacons[0]!)).toEqual(["page-closed"]);
});

test("a page that goes away before it has loaded loses nothing", async () => {
  const done = tracker.track("page-view");
  tracker.pageLeft();
  expect(await done).toEqual({ state: "handed-over" });
  expect(types(await beacons[0]!)).toEqual(["page-view"]);
  tracker.pageLoaded();
  expect(sent).toHaveLength(0);
});

test("a page that goes away with more than a beacon may carry hands it over in several, each event once", async () => {
  const text = "x".repeat(1000);
  const done = Array.from({ length: MAX_EVENTS - 1 }, (_, at) => tracker.track(`type-${at}`, { text }));
  tracker.pageLeft();
  const payloads = await Promise.all(beacons);
  expect(payloads.length).toBeGreaterThan(3);
  expect(payloads.flatMap(types)).toEqual(done.map((_, at) => `type-${at}`));
  expect(new Set(payloads.flatMap(({ events }) => events.map(({ id }) => id))).size).toBe(MAX_EVENTS - 1);
  expect((await Promise.all(done)).every(({ state }) => state === "handed-over")).toBe(true);
});

test("each event of a page that goes away learns what became of its own part", async () => {
  beaconsLeft = 1;
  status = 503;
  const done = ["taken", "lost"].map((type) => tracker.track(type, { text: "x".repeat(20_000) }));
  tracker.pageLeft();
  expect((await Promise.all(done)).map(({ state }) => state)).toEqual(["handed-over", "failed"]);
  expect(sent.map(types)).toEqual([["lost"]]);
});

test("a page load with very many events is sent in several requests", async () => {
  const done = Array.from({ length: MAX_EVENTS + 1 }, () => tracker.track("a"));
  tracker.pageLoaded();
  await Promise.all(done);
  expect(sent.map(({ events }) => events.length).sort()).toEqual([1, MAX_EVENTS]);
});

test("wrong calls are told to the developer and change nothing for the page", async () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const outcomes = await Promise.all([
    tracker.track(" "),
    tracker.track("a", [] as never),
    tracker.track("a", {}, null as never),
    tracker.track("a", circular),
  ]);
  expect(outcomes.map(({ state }) => state)).toEqual(Array(4).fill("failed"));
  expect(complaints).toHaveLength(4);
});

test("a refusal is told to the developer", async () => {
  status = 401;
  tracker.pageLoaded();
  expect((await tracker.track("a")).state).toBe("refused");
  expect(complaints[0]).toContain("401");
});
