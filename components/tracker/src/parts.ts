/**
 * Cuts a payload into parts that the edge takes, or that a browser lets outlive its page.
 *
 * Each part is a payload of its own with the same visitor and context, and every event is in one
 * part under its own id, so an event that goes out both whole and in a part is stored once.
 */
import type { Payload, WireEvent } from "./wire";

/** The largest body of a part, in bytes: browsers let 64 KiB, of all waiting bodies together, outlive a page. */
export const MAX_PART_BYTES = 32_000;

/** The largest body of a request that has time, in bytes: an edge takes 262,144, unless its operator says otherwise. */
export const MAX_REQUEST_BYTES = 200_000;

/** How many bytes a text has when it is sent. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The payload in parts of at most so many bytes; an event that is larger by itself goes alone. */
export function partsOf(payload: Payload, most = MAX_PART_BYTES): Payload[] {
  const frame = byteLength(JSON.stringify({ ...payload, events: [] }));
  let part: WireEvent[] = [];
  let size = frame;
  const parts = [part];
  for (const event of payload.events) {
    // One more for the comma before it.
    const added = byteLength(JSON.stringify(event)) + 1;
    if (part.length > 0 && size + added > most) {
      part = [];
      size = frame;
      parts.push(part);
    }
    part.push(event);
    size += added;
  }
  return parts.map((events) => ({ ...payload, events }));
}
