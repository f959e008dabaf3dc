/**
 * What the tracker tells the page, as events on `window`, so that a page can listen before or after
 * the script has loaded: `window.addEventListener("tideline:answer", event => event.detail)`.
 */

/** Tells the page. */
export type Notify = <Name extends keyof Tideline.Notices>(name: Name, detail: Tideline.Notices[Name]) => void;

/** Notices as events of `target`. */
export function notifyBy(target: EventTarget): Notify {
  return (name, detail) => {
    target.dispatchEvent(new CustomEvent(name, { detail }));
  };
}
