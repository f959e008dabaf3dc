/** Whether the screen has room for one panel only (the breakpoint of `LiveEventsPage.module.css`). */
import { useSyncExternalStore } from "react";

const query = window.matchMedia("(max-width: 60rem)");

function subscribe(listener: () => void): () => void {
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => query.matches);
}
