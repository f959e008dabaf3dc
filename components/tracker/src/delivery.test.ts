import { expect, test } from "vitest";
import { Delivery, RETRY_AFTER } from "./delivery";
import type { Network } from "./delivery";
import { payloadOf } from "./wire";

const PAYLOAD = payloadOf("shop-web", { session: "s", profile: null, device: "d" }, {}, [
  { id: "event-1", time: { create: "2026-01-01T00:00:00.000Z" }, type: "page-view", properties: {}, options: {}, context: {} },
]);

/** A network that gives these answers, one an attempt; `null` is a failure to connect. */
class ScriptedNetwork implements Network {
  sent: RequestInit[] = [];
  urls: string[] = [];
  beacons: string[] = [];
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
    void body.text().then((text) => this.beacons.push(text));
    return true;
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

test("a body over the browser's keepalive limit is sent without it", async () => {
  const network = new ScriptedNetwork(answer(200));
  const large = { ...PAYLOAD, context: { text: "x".repeat(40_000) } };
  await new Delivery("http://edge", network, () => undefined).send(large);
  expect(network.sent[0]?.keepalive).toBe(false);
});
