/**
 * The tracker: takes events from the page, gathers those of the page load into one request, or a few
 * where that were too large, and sends every later one at once.
 *
 * It promises that `track` never throws and never rejects: a page works the same whether or not
 * its events arrive.
 */
import type { Delivery } from "./delivery";
import { MAX_REQUEST_BYTES, partsOf } from "./parts";
import type { Visitor } from "./visitor";
import { isObject, payloadOf, profileIdOf } from "./wire";
import type { JsonObject, Outcome, Payload, TrackOptions, VisitorIds, WireEvent } from "./wire";

/** The most events in one request. */
export const MAX_EVENTS = 100;

/** What the tracker asks of the page that it runs on. */
export interface Page {
  requestContext: () => JsonObject;
  pageContext: () => JsonObject;
  now: () => Date;
  newId: () => string;
  /** The edge has taken a request. */
  answered: () => void;
  /** Tells the page's developer what is wrong. */
  complain: (sentence: string) => void;
}

interface Held {
  event: WireEvent;
  settle: (outcome: Promise<Outcome>) => void;
}

/** One tracker for one source. */
export class Tracker {
  readonly #source: string;
  readonly #visitor: Visitor;
  readonly #delivery: Delivery;
  readonly #page: Page;
  /** Events of the page load; null once the page has loaded. */
  #held: Held[] | null = [];
  /** How the latest request of the page load ends. */
  #pageLoad: Promise<Outcome> | null = null;

  constructor(source: string, visitor: Visitor, delivery: Delivery, page: Page) {
    this.#source = source;
    this.#visitor = visitor;
    this.#delivery = delivery;
    this.#page = page;
  }

  /** Sends one event of `type`; resolves when the edge has answered, or with the reason why not. */
  track(type: string, properties: JsonObject = {}, options: TrackOptions = {}): Promise<Outcome> {
    const wrong = faultOf(type, properties, options);
    if (wrong !== null) {
      this.#page.complain(wrong);
      return Promise.resolve({ state: "failed", reason: wrong });
    }
    const event = this.#eventOf(type, properties, options);
    if (options.asBeacon) {
      return this.#delivery.handOver(this.#payload(this.#visitor.idsNow(), [event]));
    }
    if (this.#held === null || options.fire) {
      return this.#send([event]);
    }
    const held = this.#held;
    return new Promise((settle) => {
      held.push({ event, settle });
      if (held.length === MAX_EVENTS) {
        this.#flush(held.splice(0));
      }
    });
  }

  /**
   * The page has loaded: what was gathered goes out, and every later event at once. Resolves with how the page
   * load's request ended; null if there was none.
   */
  async pageLoaded(): Promise<Outcome | null> {
    const held = this.#held;
    this.#held = null;
    if (held !== null && held.length > 0) {
      this.#flush(held);
    }
    return this.#pageLoad;
  }

  /** The page goes away, loaded or not: all that waits is handed to the browser, in parts that it can take. */
  pageLeft(): void {
    const held = this.#held?.splice(0) ?? [];
    if (held.length > 0) {
      const payload = this.#payload(this.#visitor.idsNow(), held.map(({ event }) => event));
      for (const part of partsOf(payload)) {
        this.#settle(held.splice(0, part.events.length), this.#delivery.handOver(part));
      }
    }
    this.#delivery.leave();
  }

  #flush(held: Held[]): void {
    // Ids are short: where they are not known yet, they change nothing of the sizes that matters.
    const payload = this.#payload({ session: "", profile: null, device: "" }, held.map(({ event }) => event));
    const ids = this.#visitor.ids();
    for (const { events } of partsOf(payload, MAX_REQUEST_BYTES)) {
      this.#pageLoad = this.#send(events, ids);
      this.#settle(held.splice(0, events.length), this.#pageLoad);
    }
  }

  #settle(held: Held[], outcome: Promise<Outcome>): void {
    held.forEach(({ settle }) => settle(outcome));
  }

  async #send(events: WireEvent[], ids = this.#visitor.ids()): Promise<Outcome> {
    const outcome = await this.#delivery.send(this.#payload(await ids, events));
    if (outcome.state === "answered") {
      const profile = profileIdOf(outcome.answer);
      if (profile !== null) {
        this.#visitor.remember(profile);
      }
      this.#page.answered();
    } else if (outcome.state === "refused") {
      this.#page.complain(`the edge refused events with status ${outcome.status}: ${JSON.stringify(outcome.answer)}`);
    }
    return outcome;
  }

  #payload(ids: VisitorIds, events: WireEvent[]): Payload {
    return payloadOf(this.#source, ids, this.#page.requestContext(), events);
  }

  #eventOf(type: string, properties: JsonObject, { context, ...options }: TrackOptions): WireEvent {
    return {
      id: this.#page.newId(),
      time: { create: this.#page.now().toISOString() },
      type,
      // A page may change its objects before a held event goes out.
      properties: JSON.parse(JSON.stringify(properties)) as JsonObject,
      options: { ...options },
      context: { page: this.#page.pageContext(), ...context },
    };
  }
}

/** What is wrong with the arguments of a call; null when nothing is. */
function faultOf(type: unknown, properties: unknown, options: unknown): string | null {
  if (typeof type !== "string" || type.trim() === "") {
    return "tracker.track needs an event type as its first argument, for example tracker.track(\"page-view\")";
  }
  if (!isObject(properties) || !isObject(options)) {
    return `tracker.track("${type}", …) takes an object of properties and an object of options`;
  }
  try {
    JSON.stringify([properties, options]);
    return null;
  } catch (error) {
    return `tracker.track("${type}", …) got properties or options that are no JSON: ${String(error)}`;
  }
}
