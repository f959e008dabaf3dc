import { beforeEach, expect, test } from "vitest";
import { Delivery } from "./delivery";
import { Edge } from "./edge";
import { KeptRequests } from "./kept";
import { Resending } from "./resending";
import type { ResendingPage } from "./resending";
import { answer, eventAt, MemoryStorage, payloadWith, ScriptedNetwork } from "./testing";
import { Visitor } from "./visitor";
import type { Payload } from "./wire";

let storage: MemoryStorage;
let complaints: string[];

beforeEach(() => {
  storage = new MemoryStorage();
  complaints = [];
});

/** A tab of the browser whose storage this is. */
function tab(network: ScriptedNetwork, changes: Partial<ResendingPage> = {}) {
  const kept = new KeptRequests("http://edge", storage, network.now, () => undefined);
  const delivery = new Delivery(new Edge("http://edge", network), network, kept, () => undefined);
  const visitor = new Visitor({
    cookies: { cookie: "" },
    storage,
    secure: false,
    exclusively: async (task) => task(),
    newId: () => "id",
  });
  const resending = new Resending(kept, delivery, visitor, {
    unlessAnother: (task) => task(),
    complain: (sentence) => complaints.push(sentence),
    ...changes,
  });
  return { kept, delivery, visitor, resending };
}

function keep(...ids: string[]): void {
  const { kept } = tab(new ScriptedNetwork());
  ids.forEach((id, at) => kept.keep(payloadWith(eventAt(at, id))));
}

function sentBy(network: ScriptedNetwork): Payload[] {
  return network.sent.map(({ body }) => JSON.parse(String(body)) as Payload);
}

const eventsOf = (payloads: Payload[]): string[] => payloads.flatMap(({ events }) => events.map(({ id }) => id));
const keptCount = (): number => [...storage.entries.keys()].filter((key) => key.startsWith("tideline-kept")).length;

test("what is kept is sent oldest first, one request after the other, and kept no longer", async () => {
  keep("event-1", "event-2");
  const network = new ScriptedNetwork(answer(200), answer(200));
  await tab(network).resending.run();
  expect(eventsOf(sentBy(network))).toEqual(["event-1", "event-2"]);
  expect(keptCount()).toBe(0);
});

test("the first request that does not get through ends the round, and nothing is lost", async () => {
  keep("event-1", "event-2", "event-3");
  const network = new ScriptedNetwork(answer(200), answer(503));
  await tab(network).resending.run();
  expect(eventsOf(sentBy(network))).toEqual(["event-1", "event-2"]);
  expect(keptCount()).toBe(2);
});

test("a request on which the edge fails by itself is kept, and holds up nobody", async () => {
  keep("event-1", "event-2");
  const network = new ScriptedNetwork(answer(500), answer(200));
  const { resending } = tab(network);
  await resending.run();
  await resending.run();
  expect(eventsOf(sentBy(network))).toEqual(["event-1", "event-2"]);
  expect(keptCount()).toBe(1);
  const nextPage = new ScriptedNetwork(answer(200));
  await tab(nextPage).resending.run();
  expect(eventsOf(sentBy(nextPage))).toEqual(["event-1"]);
});

test("what the edge refuses is kept no longer, and told to the developer", async () => {
  keep("event-1", "event-2");
  await tab(new ScriptedNetwork(answer(401), answer(200))).resending.run();
  expect(keptCount()).toBe(0);
  expect(complaints[0]).toContain("401");
});

test("all requests of a first visit without a network end in one profile", async () => {
  keep("event-1", "event-2");
  const network = new ScriptedNetwork(answer(200, { profile: { id: "profile-1" } }), answer(200));
  await tab(network).resending.run();
  expect(sentBy(network).map(({ profile }) => profile?.id ?? null)).toEqual([null, "profile-1"]);
});

test("an answer to an old request does not change who the visitor is by now", async () => {
  keep("event-1");
  const network = new ScriptedNetwork(answer(200, { profile: { id: "profile-old" } }));
  const { resending, visitor } = tab(network);
  visitor.remember("profile-now");
  await resending.run();
  expect(visitor.profile()).toBe("profile-now");
});

test("what this page still tries to send is left to it", async () => {
  const network = new ScriptedNetwork(null, answer(200), answer(200));
  const { delivery, resending } = tab(network);
  const rounds: Promise<void>[] = [];
  network.onWait = () => rounds.push(resending.run());
  await delivery.send(payloadWith(eventAt(0, "event-1")));
  await Promise.all(rounds);
  expect(network.sent).toHaveLength(2);
  expect(keptCount()).toBe(0);
});

test("while another tab sends, this one does not", async () => {
  keep("event-1");
  const network = new ScriptedNetwork(answer(200));
  await tab(network, { unlessAnother: async () => undefined }).resending.run();
  expect(network.sent).toHaveLength(0);
  expect(keptCount()).toBe(1);
});

test("rounds of a page do not overlap, and a later round sends what came meanwhile", async () => {
  keep("event-1");
  const network = new ScriptedNetwork(answer(200), answer(200));
  const { resending, kept } = tab(network);
  await Promise.all([resending.run(), resending.run()]);
  expect(network.sent).toHaveLength(1);
  kept.keep(payloadWith(eventAt(9, "event-9")));
  await resending.run();
  expect(eventsOf(sentBy(network))).toEqual(["event-1", "event-9"]);
});
