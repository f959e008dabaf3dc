/** The current view, kept in the address bar. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { addressOf, viewOf } from "./view";
import type { View } from "./view";

const CHANGED = "tideline:view";

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(CHANGED, listener);
  };
}

/** How to get to another view: `replace` leaves no step for the browser's back button. */
export type Go = (view: View, how?: "push" | "replace") => void;

/** The view, and the way to others. */
export function useView(): [View, Go] {
  const search = useSyncExternalStore(subscribe, () => window.location.search);
  const view = useMemo(() => viewOf(search), [search]);
  const go = useCallback<Go>((next, how = "push") => {
    const address = addressOf(next);
    if (how === "push") {
      window.history.pushState(null, "", address);
    } else {
      window.history.replaceState(null, "", address);
    }
    window.dispatchEvent(new Event(CHANGED));
  }, []);
  return [view, go];
}
