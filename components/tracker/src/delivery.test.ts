import { beforeEach, expect, test } from "vitest";
import { Delivery, RETRY_AFTER } from "./delivery";
import { Edge } from "./edge";
import { KeptRequests } from "./kept";
import type { Notify } from "./notices";
import { byteLength, MAX_PART_BYTES } from "./parts";
import { answer, eventAt, MemoryStorage, payloadWith, ScriptedNetwork } from "./testing";
import type { Payload } from "./wire";

const PAYLOAD = payloadWith(eventAt(0, "event-1"));
const LARGE = payloadWith(...Array.from({ length: 99 }, (_, at) => eventAt(at, `event-${at}`, "x".repeat(1000))));

let storage: MemoryStorage;
let notices: [name: string, detail: unknown][];

beforeEach(() => {
  storage = new MemoryStorage();
  notices = [];
});

function deliveryBy(network: ScriptedNetwork): Delivery {
  const notify: Notify = (name, detail) => notices.push([name, detail]);
  return new Delivery(new Edge("http://edge", network), network, new KeptRequests("http://edge", storage, network.now, notify), notify);
}

/** The ids of the events that are kept. */
function keptEvents(): string[] {
  return [...storage.entries.values()].flatMap((text) =>
    (JSON.parse(text) as { payload: Payload }).payload.events.map(({ id }) => id),
  );
}

const names = (): string[] => notices.map(([name]) => name);
const lastNotice = (): unknown[] | undefined => notices[notices.length - 1];

test("a request goes to /track as JSON, without credentials, with the local time", async () => {
  const network = new ScriptedNetwork(answer(200, { profile: { id: "p" } }));
  const outcome = await deliveryBy(network).send(PAYLOAD);
  expect(outcome).toEqual({ state: "answered", answer: { profile: { id: "p" } } });
  expect(network.urls).toEqual(["http://edge/track"]);
  expect(network.sent[0]).toMatchObject({
    method: "POST",
    credentials: "omit",
    keepalive: true,
    headers: { "content-type": "application/json", "x-timestamp": String(1_000_000 - 3_600_000) },
  });
  expect(keptEvents()).toEqual([]);
});

test("after a lost connection and a 503 the same bytes are sent again", async () => {
  const network = new ScriptedNetwork(null, answer(503), answer(200));
  const outcome = await deliveryBy(network).send(PAYLOAD);
  expect(outcome.state).toBe("answered");
  expect(network.sent.map(({ body }) => body)).toEqual(Array(3).fill(JSON.stringify(PAYLOAD)));
  expect(network.waits).toEqual(RETRY_AFTER.slice(0, 2));
});

test.each([408, 429, 500, 502, 503, 504])("%i is no last word", async (status) => {
  const network = new ScriptedNetwork(answer(status), answer(200));
  expect((await deliveryBy(network).send(PAYLOAD)).state).toBe("answered");
});

test("a request is kept from its first failure on, until the edge has answered", async () => {
  const network = new ScriptedNetwork(null, answer(200));
  const whileWaiting: string[][] = [];
  network.onWait = () => whileWaiting.push(keptEvents());
  await deliveryBy(network).send(PAYLOAD);
  expect(whileWaiting).toEqual([["event-1"]]);
  expect(keptEvents()).toEqual([]);
});

test("attempts are bounded; what they could not bring to the edge stays kept", async () => {
  const network = new ScriptedNetwork();
  const outcome = await deliveryBy(network).send(PAYLOAD);
  expect(outcome).toEqual({ state: "kept", reason: "the edge could not be reached", status: null });
  expect(network.sent).toHaveLength(RETRY_AFTER.length + 1);
  expect(keptEvents()).toEqual(["event-1"]);
  expect(lastNotice()?.[0]).toBe("tideline:kept");
});

test("a browser without a network is not asked again", async () => {
  const network = new ScriptedNetwork();
  network.isOnline = false;
  expect((await deliveryBy(network).send(PAYLOAD)).state).toBe("kept");
  expect(network.sent).toHaveLength(1);
});

test("a browser that only believes to have no network delivers", async () => {
  const network = new ScriptedNetwork(answer(200));
  network.isOnline = false;
  expect((await deliveryBy(network).send(PAYLOAD)).state).toBe("answered");
});

test.each([true, false])("where the storage is full, all attempts are made and the loss is told (online: %s)", async (online) => {
  const network = new ScriptedNetwork();
  network.isOnline = online;
  storage.full = true;
  const outcome = await deliveryBy(network).send(PAYLOAD);
  expect(outcome).toEqual({ state: "failed", reason: "the edge could not be reached" });
  expect(network.sent).toHaveLength(RETRY_AFTER.length + 1);
  expect(lastNotice()?.[0]).toBe("tideline:failure");
});

test("a refusal is final", async () => {
  const network = new ScriptedNetwork(answer(401, { detail: "unknown source" }));
  const outcome = await deliveryBy(network).send(PAYLOAD);
  expect(outcome).toEqual({ state: "refused", status: 401, answer: { detail: "unknown source" } });
  expect(network.sent).toHaveLength(1);
  expect(keptEvents()).toEqual([]);
});

test("what waits for another attempt is handed to the browser when the page goes away", async () => {
  const network = new ScriptedNetwork(answer(503), answer(200));
  const delivery = deliveryBy(network);
  network.onWait = () => delivery.leave();
  await delivery.send(PAYLOAD);
  delivery.leave();
  await expect.poll(() => network.beacons).toEqual([JSON.stringify(PAYLOAD)]);
});

test("a body at risk that is too large for one beacon is handed over in parts, with the same event ids", async () => {
  const network = new ScriptedNetwork(answer(503), answer(200));
  const delivery = deliveryBy(network);
  network.onWait = () => delivery.leave();
  await delivery.send(LARGE);
  await expect.poll(() => network.beacons.length).toBeGreaterThan(3);
  expect(Math.max(...network.beacons.map(byteLength))).toBeLessThanOrEqual(MAX_PART_BYTES);
  expect(network.beacons.flatMap((body) => (JSON.parse(body) as Payload).events)).toEqual(LARGE.events);
});

test("a page that goes away without a network keeps what is under way, and forgets it if that is answered after all", async () => {
  const network = new ScriptedNetwork(answer(200));
  const delivery = deliveryBy(network);
  const sending = delivery.send(PAYLOAD);
  network.isOnline = false;
  delivery.leave();
  expect(keptEvents()).toEqual(["event-1"]);
  await sending;
  expect(keptEvents()).toEqual([]);
});

test("a request of this page that waits for its answer is known as such", async () => {
  const network = new ScriptedNetwork(null, answer(200));
  const delivery = deliveryBy(network);
  const seen: boolean[] = [];
  network.onWait = () => seen.push(delivery.isPending(PAYLOAD));
  await delivery.send(PAYLOAD);
  expect([...seen, delivery.isPending(PAYLOAD)]).toEqual([true, false]);
});

test("a beacon is text, which browsers send without asking the edge first", async () => {
  const network = new ScriptedNetwork();
  const outcome = await deliveryBy(network).handOver(PAYLOAD);
  expect(outcome).toEqual({ state: "handed-over" });
  expect(network.beaconTypes).toEqual(["text/plain"]);
  await expect.poll(() => network.beacons).toEqual([JSON.stringify(PAYLOAD)]);
  expect(network.sent).toHaveLength(0);
  expect(keptEvents()).toEqual([]);
});

test("a beacon of a browser without a network is kept as well", async () => {
  const network = new ScriptedNetwork();
  network.isOnline = false;
  const outcome = await deliveryBy(network).handOver(PAYLOAD);
  expect(outcome).toEqual({ state: "kept", reason: "the browser is offline", status: null });
  expect(keptEvents()).toEqual(["event-1"]);
});

test("where the browser takes no beacon, the same bytes go out as a request that outlives the page", async () => {
  const network = new ScriptedNetwork(answer(200));
  network.takesBeacons = false;
  const handedOver = deliveryBy(network).handOver(PAYLOAD);
  // Before anything is awaited: the page may be gone by then.
  expect(network.sent).toMatchObject([{
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: JSON.stringify(PAYLOAD),
    keepalive: true,
    credentials: "omit",
  }]);
  expect(network.sent[0]?.headers).not.toHaveProperty("x-timestamp");
  expect(keptEvents()).toEqual(["event-1"]);
  expect(await handedOver).toEqual({ state: "handed-over" });
  expect(keptEvents()).toEqual([]);
  expect(names()).toEqual(["tideline:request"]);
});

const UNTAKEN = "the browser took no beacon (too much is waiting, or beacons are off), and the edge ";

test.each([
  ["could not be reached", null, null],
  ["answered 503", answer(503), 503],
])("what the browser takes no beacon for is kept where the edge %s", async (what, last, status) => {
  const network = new ScriptedNetwork(last);
  network.takesBeacons = false;
  const outcome = await deliveryBy(network).handOver(PAYLOAD);
  expect(outcome).toEqual({ state: "kept", reason: UNTAKEN + what, status });
  expect(keptEvents()).toEqual(["event-1"]);
  expect(network.sent).toHaveLength(1);
});

test.each([
  ["could not be reached", null, true],
  ["answered 401", answer(401), false],
])("a failure is told where the browser takes no beacon, and the edge %s", async (what, last, full) => {
  const network = new ScriptedNetwork(last);
  network.takesBeacons = false;
  storage.full = full;
  const outcome = await deliveryBy(network).handOver(PAYLOAD);
  const reason = UNTAKEN + what;
  expect(outcome).toEqual({ state: "failed", reason });
  expect(lastNotice()).toEqual(["tideline:failure", { request: 1, reason }]);
  expect(keptEvents()).toEqual([]);
});

test("a body over the browser's keepalive limit, which counts bytes, is sent without it", async () => {
  const network = new ScriptedNetwork(answer(200));
  const large = { ...PAYLOAD, context: { text: "海".repeat(15_000) } };
  await deliveryBy(network).send(large);
  expect(network.sent[0]?.keepalive).toBe(false);
});
