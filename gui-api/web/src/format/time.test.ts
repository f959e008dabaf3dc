import { expect, test } from "vitest";
import { ago, microseconds, offset } from "./time";

const NOON = "2026-11-22T12:00:00Z";

test.each([
  [-5, "now"],
  [1, "now"],
  [12, "12 s ago"],
  [61, "1 min ago"],
  [7200, "2 h ago"],
  [86_400 * 3, "3 d ago"],
])("%i seconds later it is %j", (seconds, text) => {
  expect(ago(NOON, Date.parse(NOON) + seconds * 1000)).toBe(text);
});

test.each([
  ["2026-11-22T12:00:00.012Z", "+12 ms"],
  ["2026-11-22T11:59:58.5Z", "−1.5 s"],
  ["2026-11-22T12:00:00.000000001Z", "+0 ms"],
])("%s is %s from noon", (time, text) => {
  expect(offset(time, NOON)).toBe(text);
});

test.each([
  ["1970-01-01T00:00:01Z", 1_000_000],
  ["1970-01-01T00:00:01.5Z", 1_500_000],
  ["1970-01-01T00:00:01.0005Z", 1_000_500],
  ["1970-01-01T00:00:01.123456Z", 1_123_456],
  ["1970-01-01T00:00:01.123456789Z", 1_123_456],
])("%s is %i microseconds after 1970", (time, count) => {
  expect(microseconds(time)).toBe(count);
});
