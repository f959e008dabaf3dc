/**
 * The browser's parts as the tracker's modules take them; whatever a browser lacks or forbids is absent.
 */
import type { Network } from "./edge";

/** The browser's network. */
export const browserNetwork: Network = {
  fetch: (url, request) => fetch(url, request),
  beacon: (url, body) => navigator.sendBeacon?.(url, body) ?? false,
  online: () => navigator.onLine,
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  deadline: (milliseconds) => AbortSignal.timeout?.(milliseconds) ?? null,
  now: () => Date.now(),
  zoneOffset: () => new Date().getTimezoneOffset(),
  random: Math.random,
};

/** A storage of the page; null where the browser refuses it. */
export function storageOf(view: Window, kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return view[kind];
  } catch {
    return null;
  }
}

/** Runs a task while no other tab runs one; at once where the browser has no locks (it has them on https and localhost). */
export function exclusively<T>(task: () => T): Promise<T> {
  const locks: LockManager | undefined = navigator.locks;
  const alone = async (): Promise<T> => task();
  return locks === undefined ? alone() : locks.request("tideline-session", alone).catch(alone);
}

/** Runs a task that never rejects, unless another tab runs one. */
export async function unlessAnother(task: () => Promise<void>): Promise<void> {
  const locks: LockManager | undefined = navigator.locks;
  if (locks === undefined) {
    return task();
  }
  await locks.request("tideline-kept", { ifAvailable: true }, (lock) => (lock === null ? undefined : task())).catch(task);
}

/** Runs a task when the document has been read and the page's own handlers of that moment have run. */
export function whenLoaded(then: () => void): void {
  const navigation = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined;
  if (document.readyState === "complete" || (navigation?.domContentLoadedEventStart ?? 0) > 0) {
    then();
  } else {
    // One turn later, so that the page's own handlers of the same moment have tracked.
    addEventListener("DOMContentLoaded", () => setTimeout(then), { once: true });
    addEventListener("load", then, { once: true });
  }
}

/** Whether the visitor's browser asks not to be tracked: Do Not Track, or Global Privacy Control. */
export function asksNotToBeTracked(): boolean {
  const { doNotTrack, globalPrivacyControl } = navigator as Navigator & { globalPrivacyControl?: boolean };
  return doNotTrack === "1" || globalPrivacyControl === true;
}
