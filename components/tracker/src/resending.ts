/**
 * Sends what was kept, oldest first, once the edge can be reached again.
 *
 * One tab at a time where the browser has locks; without them two tabs may send the same, which is
 * stored once. What the edge has answered, with success or refusal, is kept no longer. The first
 * request that does not get through ends the round: the next load, answer or `online` event begins another.
 */
import type { Delivery } from "./delivery";
import type { Kept, KeptRequests } from "./kept";
import type { Visitor } from "./visitor";
import { profileIdOf } from "./wire";
import type { Outcome, Payload } from "./wire";

/** What resending asks of the page that it runs on. */
export interface ResendingPage {
  /** Runs a task unless another tab runs one. */
  unlessAnother: (task: () => Promise<void>) => Promise<void>;
  /** Tells the page's developer what is wrong. */
  complain: (sentence: string) => void;
}

/** Rounds of sending what was kept. */
export class Resending {
  readonly #kept: KeptRequests;
  readonly #delivery: Delivery;
  readonly #visitor: Visitor;
  readonly #page: ResendingPage;
  /** Keys of what this page is through with: answered, refused, or failed on by the edge. */
  readonly #settled = new Set<string>();
  #running = false;

  constructor(kept: KeptRequests, delivery: Delivery, visitor: Visitor, page: ResendingPage) {
    this.#kept = kept;
    this.#delivery = delivery;
    this.#visitor = visitor;
    this.#page = page;
  }

  /** One round; nothing while another one runs or nothing is kept. Never rejects. */
  async run(): Promise<void> {
    if (this.#running || this.#next() === null) {
      return;
    }
    this.#running = true;
    await this.#page.unlessAnother(() => this.#round());
    this.#running = false;
  }

  async #round(): Promise<void> {
    for (let kept = this.#next(); kept !== null; kept = this.#next()) {
      const outcome = await this.#delivery.again(this.#withProfile(kept.payload));
      // A request on which the edge fails by itself holds up nobody; a later page tries it again.
      if (outcome.state === "kept" && outcome.status !== 500) {
        return;
      }
      this.#settled.add(kept.key);
      if (outcome.state !== "kept") {
        this.#kept.remove(kept.key);
        this.#learn(outcome);
      }
    }
  }

  #next(): Kept | null {
    return this.#kept.oldest(({ key, payload }) => !this.#settled.has(key) && !this.#delivery.isPending(payload));
  }

  /** A first visit without a network has no profile yet: by now there may be one, and there must not be two. */
  #withProfile(payload: Payload): Payload {
    const known = this.#visitor.profile();
    return payload.profile !== null || known === null ? payload : { ...payload, profile: { id: known } };
  }

  #learn(outcome: Outcome): void {
    if (outcome.state === "refused") {
      this.#page.complain(`the edge refused kept events with status ${outcome.status}: ${JSON.stringify(outcome.answer)}`);
    } else if (outcome.state === "answered" && this.#visitor.profile() === null) {
      const profile = profileIdOf(outcome.answer);
      if (profile !== null) {
        this.#visitor.remember(profile);
      }
    }
  }
}
