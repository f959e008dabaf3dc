/** One clock for the whole page: every relative time ticks with it, none has a timer of its own. */
import { useSyncExternalStore } from "react";

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => listeners.forEach((tell) => tell()), TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** A text made from the current time; the component renders again only when the text changes. */
export function useClockText(textAt: (now: number) => string): string {
  return useSyncExternalStore(subscribe, () => textAt(Date.now()));
}
