/** The page of an event, short enough for a row. */
import type { TrackedEvent } from "../api/types";

/** A page's title, where known, and its address without scheme and host. */
export interface Page {
  title: string | null;
  address: string;
}

/** The page that an event happened on; null when the client told none. */
export function pageOf({ hit }: TrackedEvent): Page | null {
  if (hit?.url === undefined && hit?.name === undefined) {
    return null;
  }
  return { title: hit.name || null, address: pathOf(hit.url ?? "") };
}

function pathOf(url: string): string {
  try {
    const { pathname, search, hash } = new URL(url);
    return pathname + search + hash;
  } catch {
    return url;
  }
}
