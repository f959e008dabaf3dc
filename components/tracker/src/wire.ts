/**
 * What goes over the wire to `/track`, and what comes back.
 *
 * Key names are those of the `/track` protocol. Nothing here reads the browser: the parts are
 * handed in, so that a payload is a function of its arguments.
 */

/** Any JSON object. */
export type JsonObject = Record<string, unknown>;

/** How one call of `track` is to be sent. */
export interface TrackOptions {
  /** Sends at once in its own request, also while the page still loads. */
  fire?: boolean;
  /** Hands the event to the browser, which sends it even when the page goes away; the answer is not read. */
  asBeacon?: boolean;
  /** Added to the event's context, beside `page`. */
  context?: JsonObject;
}

/** One event as sent. */
export interface WireEvent {
  /** Made by the client, so that a retry is stored once. */
  id: string;
  time: { create: string };
  type: string;
  properties: JsonObject;
  options: JsonObject;
  context: JsonObject;
}

/** Who sends: the ids that this browser keeps. */
export interface VisitorIds {
  session: string;
  profile: string | null;
  device: string;
}

/** One request's body. */
export interface Payload {
  source: { id: string };
  context: JsonObject;
  profile: { id: string } | null;
  device: { id: string };
  session: { id: string };
  options: JsonObject;
  events: WireEvent[];
}

/** Puts a request's body together. */
export function payloadOf(source: string, visitor: VisitorIds, context: JsonObject, events: WireEvent[]): Payload {
  return {
    source: { id: source },
    context,
    profile: visitor.profile === null ? null : { id: visitor.profile },
    device: { id: visitor.device },
    session: { id: visitor.session },
    options: {},
    events,
  };
}

/** The profile id of an answer; null when the answer names none. */
export function profileIdOf(answer: unknown): string | null {
  const profile = isObject(answer) ? answer["profile"] : null;
  const id = isObject(profile) ? profile["id"] : null;
  return typeof id === "string" && id !== "" ? id : null;
}

/** Whether a value is a JSON object: no list, no null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
