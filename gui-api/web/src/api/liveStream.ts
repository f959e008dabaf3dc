/**
 * Follows the live stream for as long as the page wants it: reads, notices silence, connects again.
 *
 * It promises to tell when the stream is open and when it is down; what was missed in between is
 * for its user to read from the list.
 */
import { ApiError } from "./client";
import { SseParser } from "./sse";
import type { SseMessage } from "./sse";

/** The service sends a comment every 15 seconds: after three of them missing, the connection is dead. */
export const SILENCE_MS = 45_000;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** What happens to the stream. */
export interface StreamHandlers {
  /** Connected: what is stored from now on will be delivered. */
  onOpen: () => void;
  /** These came, in order. */
  onMessages: (messages: SseMessage[]) => void;
  /** Not connected, for the `failures`th time in a row; the next attempt is in `pause` milliseconds. */
  onDown: (reason: string, failures: number, pause: number) => void;
  /** What was asked for is wrong, and would be the next time: it is over. */
  onRefused: (error: ApiError) => void;
}

/** A stream that is being followed. */
export interface Following {
  stop: () => void;
  /** Does not wait for the next attempt. */
  retryNow: () => void;
  /** Gives up the current connection, which may be dead without knowing it, and connects again. */
  reconnect: (reason: string) => void;
}

/** The pause after so many failures in a row: doubles up to 15 s; `random` (0 to 1) spreads clients by ±25 %. */
export function pauseAfter(failures: number, random: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return Math.round(pause * (0.75 + random / 2));
}

/** Follows the stream that `open` opens, until stopped or until the token or the filter is refused. */
export function follow(open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>, handlers: StreamHandlers): Following {
  const stopped = new AbortController();
  let wake: () => void = () => undefined;
  let connection = new AbortController();

  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopped.signal.aborted) {
      connection = new AbortController();
      const signal = AbortSignal.any([stopped.signal, connection.signal]);
      let reason = "the service closed the stream";
      try {
        const stream = await open(signal);
        signal.throwIfAborted();
        handlers.onOpen();
        for await (const messages of messagesOf(stream, connection)) {
          failures = 0;
          handlers.onMessages(messages);
        }
      } catch (error) {
        if (stopped.signal.aborted || (error instanceof ApiError && error.status === 401)) {
          return;
        }
        if (error instanceof ApiError && error.status === 400) {
          handlers.onRefused(error);
          return;
        }
        reason = error instanceof Error ? error.message : String(error);
      } finally {
        connection.abort();
      }
      if (stopped.signal.aborted) {
        return;
      }
      failures++;
      const milliseconds = pauseAfter(failures, Math.random());
      handlers.onDown(reason, failures, milliseconds);
      await pause(milliseconds);
    }
  };

  void run();
  return {
    stop: () => {
      stopped.abort();
      wake();
    },
    retryNow: () => wake(),
    reconnect: (reason) => connection.abort(new Error(reason)),
  };
}

/** What each piece of the stream completes; ends the connection when it has been silent for too long. */
async function* messagesOf(stream: ReadableStream<Uint8Array>, connection: AbortController): AsyncGenerator<SseMessage[]> {
  const decoder = new TextDecoder();
  const parser = new SseParser();
  const reader = stream.getReader();
  for (;;) {
    const silence = setTimeout(() => connection.abort(new Error("the stream has been silent for too long")), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) {
      return;
    }
    yield parser.push(decoder.decode(value, { stream: true }));
  }
}
