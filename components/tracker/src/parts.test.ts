import { expect, test } from "vitest";
import { byteLength, MAX_PART_BYTES, partsOf } from "./parts";
import { payloadOf } from "./wire";
import type { Payload, WireEvent } from "./wire";

function eventWith(id: number, text: string): WireEvent {
  return { id: `event-${id}`, time: { create: "" }, type: "a", properties: { text }, options: {}, context: {} };
}

function payloadWith(...texts: string[]): Payload {
  return payloadOf("shop-web", { session: "s", profile: null, device: "d" }, { tz: "UTC" }, texts.map((text, id) => eventWith(id, text)));
}

const sizes = (parts: Payload[]): number[] => parts.map((part) => byteLength(JSON.stringify(part)));

test("a payload within the limit stays whole, byte for byte", () => {
  const payload = payloadWith("x".repeat(15_000), "x".repeat(15_000));
  expect(partsOf(payload).map((part) => JSON.stringify(part))).toEqual([JSON.stringify(payload)]);
});

test("no part exceeds the limit in bytes, and every event is in one part, in order", () => {
  // 700 characters of three bytes: 99 such events are 69,300 characters, but more than 200 kB.
  const payload = payloadWith(...Array<string>(99).fill("海".repeat(700)));
  const parts = partsOf(payload);
  expect(Math.max(...sizes(parts))).toBeLessThanOrEqual(MAX_PART_BYTES);
  expect(parts.length).toBeLessThanOrEqual(8);
  expect(parts.flatMap(({ events }) => events)).toEqual(payload.events);
  expect(parts.map((part) => ({ ...part, events: [] }))).toEqual(parts.map(() => ({ ...payload, events: [] })));
});

test("an event over the limit goes alone", () => {
  const parts = partsOf(payloadWith("x", "x".repeat(MAX_PART_BYTES), "x"));
  expect(parts.map(({ events }) => events.map(({ id }) => id))).toEqual([["event-0"], ["event-1"], ["event-2"]]);
});
