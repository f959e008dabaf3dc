/** Ids for people: short enough for a list, coloured so that the eye finds the same visitor again. */

/**
 * The last eight characters. The first ones would not do: profile ids begin with the time at which
 * they were made, so visitors of the same minute share them.
 */
export function shortId(id: string): string {
  return id.slice(-8);
}

/** How many hues there are (`styles/hues.css`). */
export const HUES = 12;

/** One of the hues, the same for the same id. */
export function hueOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index++) {
    hash = (Math.imul(hash, 31) + id.charCodeAt(index)) >>> 0;
  }
  return hash % HUES;
}
