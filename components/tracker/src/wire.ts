/**
 * What goes over the wire to `/track`, and what comes back.
 *
 * Key names are those of the `/track` protocol. Nothing here reads the browser: the parts are
 * handed in, so that a payload is a function of its arguments.
 */

export type JsonObject = Tideline.JsonObject;
export type Outcome = Tideline.Outcome;
export type Payload = Tideline.Payload;
export type TrackOptions = Tideline.TrackOptions;
export type WireEvent = Tideline.WireEvent;

/** Who sends: the ids that this browser keeps. */
export interface VisitorIds {
  session: string;
  profile: string | null;
  device: string;
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
