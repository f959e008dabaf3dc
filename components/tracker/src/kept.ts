/**
 * Requests that could not be delivered, kept in the browser for a later attempt, perhaps of a later page.
 *
 * Each is an entry of its own in local storage, so that tabs that keep at the same moment do not undo each
 * other's work. All of them together are bounded, the oldest give way, and a browser that refuses storage
 * keeps nothing; a page is never disturbed by that.
 */
import type { Notify } from "./notices";
import { byteLength, partsOf } from "./parts";
import type { Payload } from "./wire";

/** What all entries of a site may take together, in bytes. */
export const MAX_KEPT_BYTES = 64 * 1024;

/** Older entries are dropped: nobody waits for them any more. In milliseconds. */
export const MAX_KEPT_AGE = 7 * 24 * 3600 * 1000;

/** Followed by when the first event happened, so that keys sort by age, and by that event's id. */
const PREFIX = "tideline-kept ";

/** The parts of `localStorage` that are used. */
export type KeptStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** One kept request. */
export interface Kept {
  key: string;
  payload: Payload;
}

interface Entry {
  key: string;
  text: string;
}

/** The kept requests to one edge. */
export class KeptRequests {
  readonly #api: string;
  readonly #storage: KeptStorage | null;
  readonly #now: () => number;
  readonly #notify: Notify;

  constructor(api: string, storage: KeptStorage | null, now: () => number, notify: Notify) {
    this.#api = api;
    this.#storage = storage;
    this.#now = now;
    this.#notify = notify;
  }

  /** Keeps a request, in parts where it is large; false if any of it could not be kept. Keeping it twice is keeping it once. */
  keep(payload: Payload): boolean {
    return partsOf(payload)
      .map((part) => this.#put({ key: keyOf(part), text: JSON.stringify({ api: this.#api, payload: timed(part) }) }))
      .every((kept) => kept);
  }

  /** The request has found its end: nothing of it is sent again. */
  forget(payload: Payload): void {
    partsOf(payload).forEach((part) => this.remove(keyOf(part)));
  }

  /** The entry of this key has found its end. */
  remove(key: string): void {
    this.#try((storage) => storage.removeItem(key));
  }

  /** The oldest request to this edge of which `admit` approves; null when there is none. */
  oldest(admit: (kept: Kept) => boolean): Kept | null {
    for (const entry of this.#entries()) {
      const { api, payload } = parse(entry.text);
      if (payload === null) {
        this.remove(entry.key);
      } else if (this.#now() - Date.parse(payload.events[0]!.time.create) > MAX_KEPT_AGE) {
        this.#drop(entry, "it was kept for too long");
      } else if (api === this.#api && admit({ key: entry.key, payload })) {
        return { key: entry.key, payload };
      }
    }
    return null;
  }

  /** Removes all, whatever edge they are for. */
  clear(): void {
    this.#entries().forEach(({ key }) => this.remove(key));
  }

  #put(entry: Entry): boolean {
    const others = this.#entries().filter(({ key }) => key !== entry.key);
    let total = [entry, ...others].reduce((sum, one) => sum + sizeOf(one), 0);
    if (sizeOf(entry) > MAX_KEPT_BYTES) {
      return false;
    }
    while (total > MAX_KEPT_BYTES) {
      const oldest = others.shift()!;
      total -= sizeOf(oldest);
      this.#drop(oldest, "newer requests needed its place");
    }
    return this.#try((storage) => {
      storage.setItem(entry.key, entry.text);
      return true;
    }) ?? false;
  }

  #drop({ key, text }: Entry, reason: string): void {
    this.remove(key);
    const { payload } = parse(text);
    if (payload !== null) {
      this.#notify("tideline:dropped", { payload, reason });
    }
  }

  /** All entries, oldest first. */
  #entries(): Entry[] {
    return this.#try((storage) =>
      Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "")
        .filter((key) => key.startsWith(PREFIX))
        .sort()
        .map((key) => ({ key, text: storage.getItem(key) ?? "" })),
    ) ?? [];
  }

  /** Storage can be full, forbidden, or gone while the page lives. */
  #try<T>(task: (storage: KeptStorage) => T): T | null {
    try {
      return this.#storage && task(this.#storage);
    } catch {
      return null;
    }
  }
}

function keyOf({ events: [first] }: Payload): string {
  return `${PREFIX}${first!.time.create} ${first!.id}`;
}

function sizeOf({ key, text }: Entry): number {
  return byteLength(key) + byteLength(text);
}

/** The events with the time at which they happened as the time at which they count: they arrive much later. */
function timed(payload: Payload): Payload {
  const events = payload.events.map((event) => ({ ...event, time: { insert: event.time.create, ...event.time } }));
  return { ...payload, events };
}

/** The storage is the site's: what lies there under our keys need not be ours. */
function parse(text: string): { api?: unknown; payload: Payload | null } {
  try {
    const { api, payload } = JSON.parse(text) as { api: unknown; payload: Payload };
    return { api, payload: payload.events[0]?.time.create ? payload : null };
  } catch {
    return { payload: null };
  }
}
