/**
 * Brings one request's body to `/track`: tries again, with the same bytes, until the edge has
 * answered or the attempts are used up. As the event ids stay the same, an event that did arrive
 * the first time is stored once.
 */
import type { Notify } from "./notices";
import { byteLength, MAX_PART_BYTES, partsOf } from "./parts";
import type { Payload } from "./wire";

/** Waiting times before the second, third, … attempt, in milliseconds; each is drawn from ±50 %. */
export const RETRY_AFTER = [500, 1000, 2000, 4000, 8000];

/** Statuses that a later attempt may change. */
const TEMPORARY = new Set([429, 502, 503, 504]);

/** An attempt without an answer is given up after so many milliseconds. */
const ATTEMPT_TIMEOUT = 10_000;

/** How a delivery ended. */
export type Outcome =
  | { state: "answered"; answer: unknown }
  | { state: "handed-over" }
  | { state: "refused"; status: number; answer: unknown }
  | { state: "failed"; reason: string };

/** The parts of a browser that send. */
export interface Network {
  fetch: (url: string, request: RequestInit) => Promise<Response>;
  beacon: (url: string, body: Blob) => boolean;
  /** Resolves after so many milliseconds. */
  wait: (milliseconds: number) => Promise<void>;
  /** Aborts after so many milliseconds; null in browsers that know no such signal. */
  deadline: (milliseconds: number) => AbortSignal | null;
  now: () => number;
  /** Minutes from local time to UTC. */
  zoneOffset: () => number;
  /** A number from 0 to 1, for spreading retries. */
  random: () => number;
}

/** Sends bodies to one edge. */
export class Delivery {
  readonly #url: string;
  readonly #network: Network;
  readonly #notify: Notify;
  /** Bodies without an answer that would be lost if the page went away now. */
  readonly #atRisk = new Map<number, string>();
  #requests = 0;

  constructor(api: string, network: Network, notify: Notify) {
    this.#url = `${api}/track`;
    this.#network = network;
    this.#notify = notify;
  }

  /** Sends, again where needed. Never rejects. */
  async send(payload: Payload): Promise<Outcome> {
    const request = ++this.#requests;
    const body = JSON.stringify(payload);
    const begin = this.#network.now();
    this.#notify("tideline:request", { request, payload, beacon: false });
    for (let attempt = 0; ; attempt++) {
      // All requests of a page share the browser's limit for `keepalive`; beyond it they fail at once.
      const keepalive = attempt === 0 && byteLength(body) <= MAX_PART_BYTES;
      if (!keepalive) {
        this.#atRisk.set(request, body);
      }
      const result = await this.#post(body, keepalive, {
        "content-type": "application/json",
        "x-timestamp": String(this.#network.now() + this.#network.zoneOffset() * 60_000),
      });
      if (typeof result !== "string") {
        this.#atRisk.delete(request);
        const answer: unknown = await result.json().catch(() => null);
        const milliseconds = Math.round(this.#network.now() - begin);
        this.#notify("tideline:answer", { request, status: result.status, body: answer, milliseconds });
        return result.ok ? { state: "answered", answer } : { state: "refused", status: result.status, answer };
      }
      const pause = RETRY_AFTER[attempt];
      if (pause === undefined) {
        this.#atRisk.delete(request);
        this.#notify("tideline:failure", { request, reason: result });
        return { state: "failed", reason: result };
      }
      const milliseconds = Math.round(pause * (0.5 + this.#network.random()));
      this.#atRisk.set(request, body);
      this.#notify("tideline:retry", { request, reason: result, milliseconds });
      await this.#network.wait(milliseconds);
    }
  }

  /**
   * Hands one body to the browser, which sends it whatever becomes of the page. The caller keeps it
   * within `MAX_PART_BYTES` where it can. Has sent when it returns its promise, which never rejects.
   */
  async handOver(payload: Payload): Promise<Outcome> {
    const request = ++this.#requests;
    const body = JSON.stringify(payload);
    this.#notify("tideline:request", { request, payload, beacon: true });
    const reason = await this.#entrust(body);
    if (reason === null) {
      return { state: "handed-over" };
    }
    this.#notify("tideline:failure", { request, reason });
    return { state: "failed", reason };
  }

  /** The page goes away: hands over what waits for an answer. Should both arrive, it is stored once. */
  leave(): void {
    for (const body of this.#atRisk.values()) {
      for (const part of partsOf(JSON.parse(body) as Payload)) {
        // Its failure needs no notice: while anybody could hear it, `send` still tries and tells the end.
        void this.#entrust(JSON.stringify(part));
      }
    }
  }

  /** A beacon, or else a request that outlives the page as well: null once one is under way, or why none was. */
  async #entrust(body: string): Promise<string | null> {
    // Text and no header of ours: anything else has the browser ask the edge first, while the page dies.
    const type = "text/plain";
    if (this.#network.beacon(this.#url, new Blob([body], { type }))) {
      return null;
    }
    const result = await this.#post(body, true, { "content-type": type });
    if (typeof result !== "string" && result.ok) {
      return null;
    }
    const reason = typeof result === "string" ? result : answered(result);
    return `the browser took no beacon (too much is waiting, or beacons are off), and ${reason}`;
  }

  /** One request: the edge's last word, or why another attempt is worth while. */
  async #post(body: string, keepalive: boolean, headers: Record<string, string>): Promise<Response | string> {
    const deadline = this.#network.deadline(ATTEMPT_TIMEOUT);
    try {
      const response = await this.#network.fetch(this.#url, {
        method: "POST",
        headers,
        body,
        keepalive,
        credentials: "omit",
        signal: deadline,
      });
      return TEMPORARY.has(response.status) ? answered(response) : response;
    } catch {
      return deadline?.aborted ? "the edge did not answer in time" : "the edge could not be reached";
    }
  }
}

function answered({ status }: Response): string {
  return `the edge answered ${status}`;
}
