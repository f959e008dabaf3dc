import { expect, test } from "vitest";
import { Arrival, passOfAddress } from "./arrival";
import { MemoryStorage } from "./testing";

const PASS = { profile: "p", source: "s" };

test("every request carries the pass until one is answered", () => {
  const arrival = new Arrival(PASS, new MemoryStorage());
  expect([arrival.context(), arrival.context()]).toEqual(Array(2).fill({ tracardi: { pass: PASS } }));
  arrival.delivered();
  expect(arrival.context()).toEqual({});
});

test("a page that leads on by itself leaves the pass to the next one of the tab", () => {
  const tab = new MemoryStorage();
  new Arrival(PASS, tab);
  const next = new Arrival(null, tab);
  expect(next.context()).toEqual({ tracardi: { pass: PASS } });
  next.delivered();
  expect(new Arrival(null, tab).context()).toEqual({});
});

test.each([null, "{", "1", "{}"])("what else is kept there (%s) is no pass", (text) => {
  const tab = new MemoryStorage();
  if (text !== null) {
    tab.setItem("tideline-pass", text);
  }
  expect(new Arrival(null, tab).context()).toEqual({});
});

test("a browser that refuses storage still passes the visitor on", () => {
  const tab = new MemoryStorage();
  tab.full = true;
  for (const storage of [null, tab]) {
    const arrival = new Arrival(PASS, storage);
    expect(arrival.context()).toEqual({ tracardi: { pass: PASS } });
    arrival.delivered();
    expect(arrival.context()).toEqual({});
  }
});

/** A page at this address; `replaced` are the addresses that it was given. */
function pageAt(href: string, forbidden = false) {
  const replaced: unknown[][] = [];
  const history = {
    state: { scroll: 1 },
    replaceState: (...change: unknown[]) => {
      if (forbidden) {
        throw new Error("SecurityError");
      }
      replaced.push(change);
    },
  };
  return { replaced, view: { location: { href }, history } as unknown as Window };
}

test("the pass leaves the address bar, and the page's own state stays", () => {
  const { view, replaced } = pageAt("https://b.example//x?a=1&__tr_pid=p&__tr_src=s#part");
  expect(passOfAddress(view)).toEqual(PASS);
  expect(replaced).toEqual([[{ scroll: 1 }, "", "https://b.example//x?a=1#part"]]);
});

test("an address without a pass is left alone", () => {
  const { view, replaced } = pageAt("https://b.example/?a=1&&b");
  expect(passOfAddress(view)).toBeNull();
  expect(replaced).toEqual([]);
});

test("a page that may not change its address still passes the visitor on", () => {
  expect(passOfAddress(pageAt("https://b.example/?__tr_pid=p&__tr_src=s", true).view)).toEqual(PASS);
});
