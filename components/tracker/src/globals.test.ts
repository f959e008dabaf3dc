import { expect, test } from "vitest";
import { takeReady, takeTracker } from "./globals";
import { arrivalOf, bindTo } from "./ready";
import type { Outcome } from "./wire";

/** The embed snippet's stubs, as a page has them before the script has loaded. */
function stubs() {
  const ready = { q: [] as unknown[], bind(...call: unknown[]) { this.q.push(call); } };
  const tracker = { q: [] as unknown[], track(...call: unknown[]) { this.q.push(call); } };
  return { tracker, onTidelineReady: ready, onTracardiReady: ready };
}

const asWindow = (view: object): Window => view as unknown as Window;
const CONFIG = { api: "https://edge", source: "s", domains: [], doNotTrack: false };

test("calls from before the script are replayed, and the stub that a page kept becomes the tracker", () => {
  const view = stubs();
  const { tracker } = view;
  tracker.track("page-view", { a: 1 });
  const tracked: unknown[][] = [];
  const taken = takeTracker(asWindow(view), (...call) => void tracked.push(call) as undefined);
  tracker.track("search");
  expect(tracked).toEqual([["page-view", { a: 1 }], ["search"]]);
  expect(taken).toBe(tracker);
});

test("callbacks run under both names, bound before or after the script, each once", () => {
  const view = stubs();
  const ran: string[] = [];
  view.onTidelineReady.bind(() => ran.push("ours, before"));
  view.onTracardiReady.bind(() => ran.push("theirs, before"));
  takeReady(asWindow(view), (run) => void run(arrivalOf({ track: () => undefined }, CONFIG, null)));
  view.onTidelineReady.bind(() => ran.push("ours, after"));
  view.onTracardiReady.bind(() => ran.push("theirs, after"));
  expect(ran).toEqual(["ours, before", "theirs, before", "ours, after", "theirs, after"]);
});

test("a page with a stub for one name, for each its own, or for none gets both", () => {
  for (const view of [{}, { onTracardiReady: stubs().onTracardiReady }, { onTidelineReady: stubs().onTidelineReady, onTracardiReady: stubs().onTidelineReady }]) {
    const given = view as Record<string, { bind: (run: unknown) => void }>;
    const ran: unknown[] = [];
    const early = Object.keys(given);
    early.forEach((name) => given[name]!.bind(name));
    takeReady(asWindow(view), (run) => void ran.push(run));
    given["onTidelineReady"]!.bind("later");
    given["onTracardiReady"]!.bind("later");
    expect(ran).toEqual([...early, "later", "later"]);
  }
});

test("a callback gets the tracker, helpers, the answer and the configuration", async () => {
  const tracker = { track: () => undefined };
  const context = { profile: { id: "p" } };
  const arrival = arrivalOf(tracker, CONFIG, { state: "answered", answer: context });
  const got = await new Promise((resolve) => bindTo(Promise.resolve(arrival))(resolve));
  expect(got).toMatchObject({ tracker, context, config: CONFIG, helpers: { track: tracker.track } });
});

test.each<[Outcome | null, string]>([
  [null, "nothing was sent"],
  [{ state: "failed", reason: "" }, "the request failed"],
  [{ state: "answered", answer: null }, "the answer was empty"],
])("%j gives no context: %s", (outcome) => {
  expect(arrivalOf({ track: () => undefined }, CONFIG, outcome).context).toBeNull();
});

test("helpers listen, and stop when told", () => {
  const { helpers } = arrivalOf({ track: () => undefined }, CONFIG, null);
  const button = new EventTarget();
  const heard: string[] = [];
  const stop = [
    helpers.onClick(button, () => heard.push("click")),
    helpers.addListener(button, "focus", () => heard.push("focus")),
  ];
  const dispatch = (): void => ["click", "focus"].forEach((type) => void button.dispatchEvent(new Event(type)));
  dispatch();
  stop.forEach((one) => one());
  dispatch();
  expect(heard).toEqual(["click", "focus"]);
});
