/** Keys that work anywhere on the page but in a field. */
import { useEffect, useRef } from "react";

/** Calls the handler of the pressed key, by `KeyboardEvent.key`. */
export function usePageKeys(handlers: Record<string, () => unknown>): void {
  const latest = useRef(handlers);

  useEffect(() => {
    latest.current = handlers;
  });

  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const inField = event.target instanceof HTMLInputElement;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || inField) {
        return;
      }
      const handler = latest.current[event.key];
      if (handler !== undefined) {
        event.preventDefault();
        handler();
      }
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
