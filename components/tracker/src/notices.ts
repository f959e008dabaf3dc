/**
 * What the tracker tells the page, as events on `window`, so that a page can listen before or after
 * the script has loaded: `window.addEventListener("tideline:answer", event => event.detail)`.
 */
import type { Payload } from "./wire";

/** The details of each notice, by its name. */
export interface Notices {
  /** A request goes out for the first time, or was handed to the browser as a beacon. */
  "tideline:request": { request: number; payload: Payload; beacon: boolean };
  /** The edge answered, with success or with a refusal that a retry would not change. */
  "tideline:answer": { request: number; status: number; body: unknown; milliseconds: number };
  /** The edge could not take the request; it is sent again after so many milliseconds. */
  "tideline:retry": { request: number; reason: string; milliseconds: number };
  /** The tracker gave the request up. */
  "tideline:failure": { request: number; reason: string };
}

/** Tells the page. */
export type Notify = <Name extends keyof Notices>(name: Name, detail: Notices[Name]) => void;

/** Notices as events of `target`. */
export function notifyBy(target: EventTarget): Notify {
  return (name, detail) => {
    target.dispatchEvent(new CustomEvent(name, { detail }));
  };
}
