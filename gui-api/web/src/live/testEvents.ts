/** Events for tests. */
import type { TrackedEvent } from "../api/types";

/** An event of the time so many milliseconds after 1970. */
export function eventAt(milliseconds: number, id = `id-${milliseconds}`): TrackedEvent {
  return {
    id,
    type: "page-view",
    name: "Page View",
    metadata: { time: { insert: new Date(milliseconds).toISOString() }, status: "collected", valid: true },
    source: { id: "shop-web" },
  };
}
