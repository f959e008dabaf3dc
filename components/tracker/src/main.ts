/**
 * The script's entry: puts the tracker together, gives it to the page under the page's names, and
 * listens to what happens to the page.
 */
import { Arrival, passOfAddress } from "./arrival";
import { asksNotToBeTracked, browserNetwork, exclusively, storageOf, unlessAnother, whenLoaded } from "./browser";
import { readConfiguration } from "./configuration";
import type { Configuration } from "./configuration";
import { Delivery } from "./delivery";
import { Edge } from "./edge";
import { takeReady, takeTracker } from "./globals";
import { KeptRequests } from "./kept";
import { passOnLinks } from "./links";
import { notifyBy } from "./notices";
import { newUuid } from "./random";
import { arrivalOf, bindTo } from "./ready";
import { Resending } from "./resending";
import { pageContext, requestContext } from "./surroundings";
import { Tracker } from "./tracker";
import { Visitor } from "./visitor";
import type { Outcome } from "./wire";

const complain = (sentence: string): void => console.error(`tideline: ${sentence}`);

function start(configuration: Configuration): void {
  const { api, source, domains } = configuration;
  const local = storageOf(window, "localStorage");
  const notify = notifyBy(window);
  const kept = new KeptRequests(api, local, browserNetwork.now, notify);
  const pass = passOfAddress(window);
  if (configuration.doNotTrack && asksNotToBeTracked()) {
    kept.clear();
    idle(configuration, { state: "withheld", reason: "the visitor's browser asks not to be tracked" });
    return;
  }

  const visitor = new Visitor({
    cookies: document,
    storage: local,
    secure: location.protocol === "https:",
    exclusively,
    newId: newUuid,
  });
  const delivery = new Delivery(new Edge(api, browserNetwork), browserNetwork, kept, notify);
  const resending = new Resending(kept, delivery, visitor, { unlessAnother, complain });
  const arrival = new Arrival(pass, storageOf(window, "sessionStorage"));
  const tracker = new Tracker(source, visitor, delivery, {
    requestContext: () => ({ ...requestContext(window, new Date()), ...arrival.context() }),
    pageContext: () => pageContext(window),
    now: () => new Date(),
    newId: newUuid,
    answered: () => {
      arrival.delivered();
      void resending.run();
    },
    complain,
  });

  const taken = takeTracker(window, (...call) => tracker.track(...call));
  const loaded = new Promise<Outcome | null>((resolve) => whenLoaded(() => resolve(tracker.pageLoaded())));
  takeReady(window, bindTo(loaded.then((outcome) => arrivalOf(taken, configuration, outcome))));
  // Not earlier: the answer may name the profile that kept requests of a first visit lack.
  void loaded.then(() => resending.run());
  if (domains.length > 0) {
    passOnLinks(window, domains, () => {
      const profile = visitor.profile();
      return profile === null ? null : { profile, source };
    });
  }
  addEventListener("online", () => void resending.run());
  addEventListener("pagehide", () => tracker.pageLeft());
}

/** The page's calls do no harm: every event ends like this. */
function idle(configuration: Configuration, outcome: Outcome): void {
  const taken = takeTracker(window, () => Promise.resolve(outcome));
  const loaded = new Promise<void>(whenLoaded);
  takeReady(window, bindTo(loaded.then(() => arrivalOf(taken, configuration, null))));
}

const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript : null;
const configuration = readConfiguration(window.tidelineOptions, script?.dataset);
if (typeof configuration === "string") {
  complain(configuration);
  idle({ api: "", source: "", domains: [], doNotTrack: false }, { state: "failed", reason: configuration });
} else {
  start(configuration);
}
