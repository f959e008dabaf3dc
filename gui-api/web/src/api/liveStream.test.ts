import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "./client";
import { follow, pauseAfter, SILENCE_MS } from "./liveStream";
import type { Following, StreamHandlers } from "./liveStream";

/** A stream that a test writes to, and that ends when its signal says so. */
class Channel {
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly stream = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#controller = controller) });

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.#controller.error(signal.reason));
  }

  write(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text));
  }

  close(): void {
    this.#controller.close();
  }
}

let channels: Channel[];
let log: string[];
let following: Following;
const handlers: StreamHandlers = {
  onOpen: () => log.push("open"),
  onMessages: (messages) => log.push(...messages.map(({ data }) => data)),
  onRefused: (error) => log.push(`refused: ${error.message}`),
  onDown: (reason, failures) => log.push(`down ${failures}: ${reason}`),
};
const open = async (signal: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
  const channel = new Channel(signal);
  channels.push(channel);
  return channel.stream;
};

beforeEach(() => {
  vi.useFakeTimers();
  channels = [];
  log = [];
});

afterEach(() => {
  following.stop();
  vi.useRealTimers();
});

test("after the stream has ended it is opened again, and what comes is delivered", async () => {
  following = follow(open, handlers);
  await vi.advanceTimersByTimeAsync(0);
  channels[0]!.write("data: one\n\nda");
  channels[0]!.write("ta: two\n\n");
  channels[0]!.close();
  await vi.advanceTimersByTimeAsync(1000);
  channels[1]!.write("data: three\n\n");
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(["open", "one", "two", "down 1: the service closed the stream", "open", "three"]);
});

test("a silent connection is given up", async () => {
  following = follow(open, handlers);
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
  channels[0]!.write(":\n");
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
  expect(log).toEqual(["open"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(log).toEqual(["open", "down 1: the stream has been silent for too long"]);
});

test("failures are counted until something comes, and retryNow does not wait", async () => {
  let fail = true;
  following = follow((signal) => (fail ? Promise.reject(new Error("no route")) : open(signal)), handlers);
  await vi.advanceTimersByTimeAsync(0);
  following.retryNow();
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(["down 1: no route", "down 2: no route"]);
  fail = false;
  following.retryNow();
  await vi.advanceTimersByTimeAsync(0);
  channels[0]!.write(":\n");
  channels[0]!.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(log.slice(2)).toEqual(["open", "down 1: the service closed the stream"]);
});

test("a connection that may be dead is replaced at once", async () => {
  following = follow(open, handlers);
  await vi.advanceTimersByTimeAsync(0);
  following.reconnect("offline");
  await vi.advanceTimersByTimeAsync(1000);
  expect(log).toEqual(["open", "down 1: offline", "open"]);
});

test("a refused token ends it", async () => {
  following = follow(() => Promise.reject(new ApiError(401, "refused")), handlers);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(log).toEqual([]);
});

test("a refused filter ends it, and that is told", async () => {
  following = follow(() => Promise.reject(new ApiError(400, "no such field")), handlers);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(log).toEqual(["refused: no such field"]);
});

test("once stopped nothing is delivered or opened", async () => {
  following = follow(open, handlers);
  await vi.advanceTimersByTimeAsync(0);
  following.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(log).toEqual(["open"]);
  expect(channels).toHaveLength(1);
});

test("pauses grow to a limit and are spread", () => {
  expect([1, 2, 3, 10].map((failures) => pauseAfter(failures, 0.5))).toEqual([500, 1000, 2000, 15_000]);
  expect([pauseAfter(1, 0), pauseAfter(1, 1)]).toEqual([375, 625]);
});
