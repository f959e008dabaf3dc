import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { batched } from "./batches";

const PAUSE = 300;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("the first comes at once, what follows quickly comes together", () => {
  const delivered: number[][] = [];
  const batches = batched<number>(10, PAUSE, (items) => delivered.push(items));
  batches.add([1]);
  batches.add([2]);
  batches.add([3, 4]);
  expect(delivered).toEqual([[1]]);
  vi.advanceTimersByTime(PAUSE);
  expect(delivered).toEqual([[1], [2, 3, 4]]);
  vi.advanceTimersByTime(PAUSE);
  batches.add([5]);
  expect(delivered.at(-1)).toEqual([5]);
});

test("of more than the page can show, the latest are kept", () => {
  const delivered: number[][] = [];
  const batches = batched<number>(2, PAUSE, (items) => delivered.push(items));
  batches.add([1, 2, 3]);
  expect(delivered).toEqual([[2, 3]]);
});

test("once stopped nothing comes", () => {
  const delivered: number[][] = [];
  const batches = batched<number>(2, PAUSE, (items) => delivered.push(items));
  batches.add([1]);
  batches.add([2]);
  batches.stop();
  vi.advanceTimersByTime(PAUSE);
  expect(delivered).toEqual([[1]]);
});
