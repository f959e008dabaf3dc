/** A browser's parts for tests: a storage in memory, and a network that answers from a script. */
import type { Network } from "./edge";
import { payloadOf } from "./wire";
import type { Payload, WireEvent } from "./wire";

/** A storage that can be full. */
export class MemoryStorage {
  readonly entries = new Map<string, string>();
  full = false;

  get length(): number {
    return this.entries.size;
  }

  key = (index: number): string | null => [...this.entries.keys()][index] ?? null;
  getItem = (key: string): string | null => this.entries.get(key) ?? null;
  removeItem = (key: string): void => void this.entries.delete(key);
  setItem = (key: string, value: string): void => {
    if (this.full) {
      throw new Error("QuotaExceededError");
    }
    this.entries.set(key, value);
  };
}

/** A network that gives these answers, one an attempt; `null` is a failure to connect. */
export class ScriptedNetwork implements Network {
  sent: RequestInit[] = [];
  urls: string[] = [];
  beacons: string[] = [];
  beaconTypes: string[] = [];
  takesBeacons = true;
  isOnline = true;
  time = 1_000_000;
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
  online = (): boolean => this.isOnline;
  wait = async (milliseconds: number): Promise<void> => {
    this.waits.push(milliseconds);
    this.onWait();
  };
  deadline = (): null => null;
  now = (): number => this.time;
  zoneOffset = (): number => -60;
  random = (): number => 0.5;
}

/** An edge's answer. */
export function answer(status: number, body: unknown = {}): Response {
  return new Response(JSON.stringify(body), { status });
}

/** An event that happened so many milliseconds after 1970. */
export function eventAt(time: number, id: string, text = ""): WireEvent {
  const create = new Date(time).toISOString();
  return { id, time: { create }, type: "page-view", properties: { text }, options: {}, context: {} };
}

/** A request of a visitor without a profile. */
export function payloadWith(...events: WireEvent[]): Payload {
  return payloadOf("shop-web", { session: "s", profile: null, device: "d" }, {}, events);
}
