import { expect, test } from "vitest";
import { Delivery, RETRY_AFTER } from "./delivery";
import type { Network } from "./delivery";
import type { Notify } from "./notices";
import { byteLength, MAX_PART_BYTES } from "./parts";
import { payloadOf } from "./wire";
import type { Payload } from "./wire";

const PAYLOAD = payloadOf("shop-web", { session: "s", profile: null, device: "d" }, {}, [
  { id: "event-1", time: { create: "2026-01-01T00:00:00.000Z" }, type: "page-view", properties: {}, options: {}, context: {} },
]);

/** A network that gives these answers, one an attempt; `null` is a failure to connect. */
class ScriptedNetwork implements Network {
  sent: RequestInit[] = [];
  urls: string[] = [];
  beacons: string[] = [];
  beaconTypes: string[] = [];
  takesBeacons = true;
  waits: number[] = [];
  /** Called instead of waiting. */
  onWait: () => void = () => undefined;
  readonly #answers: (Response | null)[];

  constructor(...answers: (Response | null)[]) {
    this.#answers = answers;
  }

  fetch = async (url: string, request: RequestInit): Promise<Response> => {
    this.urls.push(url);
    this.sent.push(request);
    const answer = this.#answers.shift();
    if (!answer) {
      throw new TypeError("failed to fetch");
    }
    return answer;
  };
  beacon = (_: string, body: Blob): boolean => {
    this.beaconTypes.push(body.type);
    if (this.takesBeacons) {
      void body.text().then((text) => this.beacons.push(text));
    }
    return this.takesBeacons;
  };
  wait = async (milliseconds: number): Promise<void> => {
    this.waits.push(milliseconds);
    this.onWait();
  };
  deadline = (): null => null;
  now = (): number => 1_000_000;
  zoneOffset = (): number => -60;
  random = (): number => 0.5;
}

function answer(status: number, body: unknown = {}): Response {
  return new Response(JSON.stringify(body), { status });
}

test("a request goes to /track as JSON, without credentials, with the local time", async () => {
  const network = new ScriptedNetwork(answer(200, { profile: { id: "p" } }));
  const outcome = await new Delivery("http://edge", network, () => undefined).send(PAYLOAD);
  expect(outcome).toEqual({ state: "answered", answer: { profile: { id: "p" } } });
  expect(network.urls).toEqual(["http://edge/track"]);
  expect(network.sent[0]).toMatchObject({
    method: "POST",
    credentials: "omit",
    keepalive: true,
    headers: { "content-type": "application/json", "x-timestamp": String(1_000_000 - 3_600_000) },
  });
});

test("after a lost connection and a 503 the same bytes are sent again", async () => {
  const network = new ScriptedNetwork(null, answer(503), answer(200));
  const outcome = await new Delivery("http://edge", network, () => undefined).send(PAYLOAD);
  expect(outcome.state).toBe("answered");
  expect(network.sent.map(({ body }) => body)).toEqual(Array(3).fill(JSON.stringify(PAYLOAD)));
  expect(network.waits).toEqual(RETRY_AFTER.slice(0, 2));
});

test("attempts are bounded, and the reason is told", async () => {
  const notices: string[] = [];
  const network = new ScriptedNetwork();
  const outcome = await new Delivery("http://edge", network, (name) => notices.push(name)).send(PAYLOAD);
  expect(outcome).toEqual({ state: "failed", reason: "the edge could not be reached" });
  expect(network.sent).toHaveLength(RETRY_AFTER.length + 1);
  expect(notices[notices.length - 1]).toBe("tideline:failure");
});

test("a refusal is final", async () => {
  const network = new ScriptedNetwork(answer(401, { detail: "unknown source" }));
  const outcome = await new Delivery("http://edge", network, () => undefined).send(PAYLOAD);
  expect(outcome).toEqual({ state: "refused", status: 401, answer: { detail: "unknown source" } });
  expect(network.sent).toHaveLength(1);
});

test("what waits for another attempt is handed to the browser when the page goes away", async () => {
  const network = new ScriptedNetwork(answer(503), answer(200));
  const delivery = new Delivery("http://edge", network, () => undefined);
  network.onWait = () => delivery.leave();
  await delivery.send(PAYLOAD);
  delivery.leave();
  await expect.poll(() => network.beacons).toEqual([JSON.stringify(PAYLOAD)]);
});

test("a body at risk that is too large for one beacon is handed over in parts, with the same event ids", async () => {
  const large = payloadOf("shop-web", { session: "s", profile: null, device: "d" }, {}, Array.from({ length: 99 }, (_, at) => ({
    ...PAYLOAD.events[0]!,
    id: `event-${at}`,
    properties: { text: "x".repeat(1000) },
  })));
  const network = new ScriptedNetwork(answer(503), answer(200));
  const delivery = new Delivery("http://edge", network, () => undefined);
  network.onWait = () => delivery.leave();
  await delivery.send(large);
  await expect.poll(() => network.beacons.length).toBeGreaterThan(3);
  expect(Math.max(...network.beacons.map(byteLength))).toBeLessThanOrEqual(MAX_PART_BYTES);
  expect(network.beacons.flatMap((body) => (JSON.parse(body) as Payload).events)).toEqual(large.events);
});

test("a beacon is text, which browsers send without asking the edge first", async () => {
  const network = new ScriptedNetwork();
  const outcome = await new Delivery("http://edge", network, () => undefined).handOver(PAYLOAD);
  expect(outcome).toEqual({ state: "handed-over" });
  expect(network.beaconTypes).toEqual(["text/plain"]);
  await expect.poll(() => network.beacons).toEqual([JSON.stringify(PAYLOAD)]);
  expect(network.sent).toHaveLength(0);
});

test("where the browser takes no beacon, the same bytes go out as a request that outlives the page", async () => {
  const notices: string[] = [];
  const network = new ScriptedNetwork(answer(200));
  network.takesBeacons = false;
  const handedOver = new Delivery("http://edge", network, (name) => notices.push(name)).handOver(PAYLOAD);
  // Before anything is awaited: the page may be gone by then.
  expect(network.sent).toMatchObject([{
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: JSON.stringify(PAYLOAD),
    keepalive: true,
    credentials: "omit",
  }]);
  expect(network.sent[0]?.headers).not.toHaveProperty("x-timestamp");
  expect(await handedOver).toEqual({ state: "handed-over" });
  expect(notices).toEqual(["tideline:request"]);
});

test.each([
  ["could not be reached", null],
  ["answered 401", answer(401)],
  ["answered 503", answer(503)],
])("a failure is told where the browser takes no beacon and the edge %s", async (what, last) => {
  const failures: unknown[] = [];
  const network = new ScriptedNetwork(last);
  network.takesBeacons = false;
  const notify: Notify = (name, detail) => name === "tideline:failure" && failures.push(detail);
  const outcome = await new Delivery("http://edge", network, notify).handOver(PAYLOAD);
  const reason = `the browser took no beacon (too much is waiting, or beacons are off), and the edge ${what}`;
  expect(outcome).toEqual({ state: "failed", reason });
  expect(failures).toEqual([{ request: 1, reason }]);
  expect(network.sent).toHaveLength(1);
});

test("a body over the browser's keepalive limit, which counts bytes, is sent without it", async () => {
  const network = new ScriptedNetwork(answer(200));
  const large = { ...PAYLOAD, context: { text: "海".repeat(15_000) } };
  await new Delivery("http://edge", network, () => undefined).send(large);
  expect(network.sent[0]?.keepalive).toBe(false);
});
