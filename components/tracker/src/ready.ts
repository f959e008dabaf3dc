/**
 * What a page gets once it is known who visits it: `onTidelineReady.bind(({ helpers, context }) => …)`.
 */
import type { Configuration } from "./configuration";
import { isObject } from "./wire";
import type { Outcome } from "./wire";

/** `bind` for pages: runs what it is given once `arrival` is known. A callback that throws stops no other. */
export function bindTo(arrival: Promise<Tideline.Arrival>): Tideline.Ready["bind"] {
  return (run) => void arrival.then(run);
}

/** What the callbacks get when the page load's request ended so; null if there was none. */
export function arrivalOf(tracker: Tideline.Tracker, config: Configuration, outcome: Outcome | null): Tideline.Arrival {
  const answer = outcome?.state === "answered" ? outcome.answer : null;
  return { tracker, helpers: helpersOf(tracker), context: isObject(answer) ? answer : null, config };
}

function helpersOf({ track }: Tideline.Tracker): Tideline.Helpers {
  const addListener: Tideline.Helpers["addListener"] = (element, type, run) => {
    element.addEventListener(type, run);
    return () => element.removeEventListener(type, run);
  };
  return { track, addListener, onClick: (element, run) => addListener(element, "click", run) };
}
