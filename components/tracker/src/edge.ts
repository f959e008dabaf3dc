/**
 * The edge, as one attempt to reach it: a request, or a beacon. Trying again is left to the callers.
 */

/** An attempt without an answer is given up after so many milliseconds. */
const ATTEMPT_TIMEOUT = 10_000;

/** Statuses that a later attempt may change, beside those of a server in trouble. */
const TEMPORARY = new Set([408, 429]);

/** Text and no header of ours: anything else has the browser ask the edge first, while the page dies. */
const PLAIN = "text/plain";

/** The parts of a browser that send. */
export interface Network {
  fetch: (url: string, request: RequestInit) => Promise<Response>;
  beacon: (url: string, body: Blob) => boolean;
  /** Whether the browser believes to have a network. */
  online: () => boolean;
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

/** Why another attempt is worth while; `status` is the edge's, if it answered at all. */
export interface Setback {
  reason: string;
  status: number | null;
}

/** The edge's last word on a request. */
export interface Verdict {
  ok: boolean;
  status: number;
  answer: unknown;
}

/** One edge's `/track`. */
export class Edge {
  readonly #url: string;
  readonly #network: Network;

  constructor(api: string, network: Network) {
    this.#url = `${api}/track`;
    this.#network = network;
  }

  /** A request like any of the page's, as clients of the protocol send it. */
  post(body: string, keepalive: boolean): Promise<Verdict | Setback> {
    return this.#post(body, keepalive, {
      "content-type": "application/json",
      "x-timestamp": String(this.#network.now() + this.#network.zoneOffset() * 60_000),
    });
  }

  /** Whether the browser has taken the body as a beacon, which it sends whatever becomes of the page. */
  beacon(body: string): boolean {
    return this.#network.beacon(this.#url, new Blob([body], { type: PLAIN }));
  }

  /** A request that outlives the page as a beacon does, and has an answer while the page lives. */
  lastPost(body: string): Promise<Verdict | Setback> {
    return this.#post(body, true, { "content-type": PLAIN });
  }

  async #post(body: string, keepalive: boolean, headers: Record<string, string>): Promise<Verdict | Setback> {
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
      const { ok, status } = response;
      if (TEMPORARY.has(status) || status >= 500) {
        return { reason: `the edge answered ${status}`, status };
      }
      return { ok, status, answer: await response.json().catch(() => null) };
    } catch {
      const reason = deadline?.aborted ? "the edge did not answer in time" : "the edge could not be reached";
      return { reason, status: null };
    }
  }
}
