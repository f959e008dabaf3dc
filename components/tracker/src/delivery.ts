/**
 * Brings one request's body to `/track`: tries again, with the same bytes, until the edge has
 * answered or the attempts are used up. As the event ids stay the same, an event that did arrive
 * the first time is stored once.
 *
 * From its first failure on, a request is kept in the browser until the edge has answered, so that
 * neither a crash nor the end of the page loses it. Sending what was kept is left to `resending.ts`.
 */
import type { Edge, Network, Setback, Verdict } from "./edge";
import type { KeptRequests } from "./kept";
import type { Notify } from "./notices";
import { byteLength, MAX_PART_BYTES, partsOf } from "./parts";
import type { Outcome, Payload } from "./wire";

/** Waiting times before the second, third, … attempt, in milliseconds; each is drawn from ±50 %. */
export const RETRY_AFTER = [500, 1000, 2000, 4000, 8000];

/** A request without an answer. */
interface Pending {
  payload: Payload;
  /** Whether the attempt under way goes on when the page goes away. */
  outlives: boolean;
  kept: boolean;
  /** Whether the page seemed to go away since: parts of it may be kept. */
  left: boolean;
}

/** Sends bodies to one edge. */
export class Delivery {
  readonly #edge: Edge;
  readonly #network: Pick<Network, "now" | "online" | "random" | "wait">;
  readonly #kept: KeptRequests;
  readonly #notify: Notify;
  readonly #pending = new Set<Pending>();
  #requests = 0;

  constructor(edge: Edge, network: Pick<Network, "now" | "online" | "random" | "wait">, kept: KeptRequests, notify: Notify) {
    this.#edge = edge;
    this.#network = network;
    this.#kept = kept;
    this.#notify = notify;
  }

  /** Sends, again where needed. Never rejects. */
  async send(payload: Payload): Promise<Outcome> {
    const pending: Pending = { payload, outlives: false, kept: false, left: false };
    this.#pending.add(pending);
    const outcome = await this.#attempts(pending);
    this.#pending.delete(pending);
    return outcome;
  }

  /** One more attempt for a request that was kept by an earlier page, or earlier on this one. Never rejects. */
  async again(payload: Payload): Promise<Outcome> {
    const { request, begin } = this.#begin(payload, false);
    const result = await this.#edge.post(JSON.stringify(payload), false);
    return "ok" in result ? this.#answered(request, begin, result) : this.#setBack(request, result, true);
  }

  /** Whether a request of this page with these events waits for its answer. */
  isPending({ events: [first] }: Payload): boolean {
    return [...this.#pending].some(({ payload }) => payload.events.some(({ id }) => id === first?.id));
  }

  /**
   * Hands one body to the browser, which sends it whatever becomes of the page. The caller keeps it
   * within `MAX_PART_BYTES` where it can. Has sent, and kept what may need it, when it returns its
   * promise, which never rejects.
   */
  async handOver(payload: Payload): Promise<Outcome> {
    const { request } = this.#begin(payload, true);
    const doubt = await this.#entrust(payload);
    return doubt === null ? { state: "handed-over" } : this.#setBack(request, doubt, doubt.kept);
  }

  /** The page goes away: hands over what waits for an answer. Should both arrive, it is stored once. */
  leave(): void {
    for (const pending of this.#pending) {
      pending.left = true;
      if (!this.#network.online()) {
        this.#keep(pending);
      }
      if (!pending.outlives) {
        // Its failure needs no notice: while anybody could hear it, `send` still tries and tells the end.
        partsOf(pending.payload).forEach((part) => void this.#entrust(part));
      }
    }
  }

  async #attempts(pending: Pending): Promise<Outcome> {
    const { payload } = pending;
    const { request, begin } = this.#begin(payload, false);
    const body = JSON.stringify(payload);
    for (let attempt = 0; ; attempt++) {
      // All requests of a page share the browser's limit for `keepalive`; beyond it they fail at once.
      pending.outlives = attempt === 0 && byteLength(body) <= MAX_PART_BYTES;
      const result = await this.#edge.post(body, pending.outlives);
      pending.outlives = false;
      if ("ok" in result) {
        if (pending.kept || pending.left) {
          this.#kept.forget(payload);
        }
        return this.#answered(request, begin, result);
      }
      this.#keep(pending);
      const pause = RETRY_AFTER[attempt];
      if (pause === undefined || (pending.kept && !this.#network.online())) {
        return this.#setBack(request, result, pending.kept);
      }
      const milliseconds = Math.round(pause * (0.5 + this.#network.random()));
      this.#notify("tideline:retry", { request, reason: result.reason, milliseconds });
      await this.#network.wait(milliseconds);
    }
  }

  #keep(pending: Pending): void {
    pending.kept ||= this.#kept.keep(pending.payload);
  }

  #begin(payload: Payload, beacon: boolean): { request: number; begin: number } {
    const request = ++this.#requests;
    this.#notify("tideline:request", { request, payload, beacon });
    return { request, begin: this.#network.now() };
  }

  #answered(request: number, begin: number, { ok, status, answer }: Verdict): Outcome {
    const milliseconds = Math.round(this.#network.now() - begin);
    this.#notify("tideline:answer", { request, status, body: answer, milliseconds });
    return ok ? { state: "answered", answer } : { state: "refused", status, answer };
  }

  #setBack(request: number, { reason, status }: Setback, kept: boolean): Outcome {
    this.#notify(kept ? "tideline:kept" : "tideline:failure", { request, reason });
    return kept ? { state: "kept", reason, status } : { state: "failed", reason };
  }

  /**
   * A beacon, or else a request that outlives the page as well: null once one is under way. Where neither
   * is sure to arrive, the body is kept too, before anything is awaited: the page may be gone by then.
   */
  async #entrust(payload: Payload): Promise<(Setback & { kept: boolean }) | null> {
    const body = JSON.stringify(payload);
    const taken = this.#edge.beacon(body);
    const kept = !(taken && this.#network.online()) && this.#kept.keep(payload);
    if (taken) {
      return kept ? { reason: "the browser is offline", status: null, kept } : null;
    }
    const result = await this.#edge.lastPost(body);
    const ended = "ok" in result;
    if (ended && kept) {
      this.#kept.forget(payload);
    }
    if (ended && result.ok) {
      return null;
    }
    const reason = ended ? `the edge answered ${result.status}` : result.reason;
    return {
      reason: `the browser took no beacon (too much is waiting, or beacons are off), and ${reason}`,
      status: result.status,
      kept: kept && !ended,
    };
  }
}
