/** What the tracker promises a page and its visitors, whatever becomes of the network and the page. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freshContext, launch } from "../support/browser.js";
import { openLiveEvents, rowsOf } from "../support/gui.js";
import { answered, idsOf, openShop } from "../support/shop.js";
import { system } from "../support/system.js";
import { bodiesOf, configure, nothingKept, openWithBacklog, timesSent, track } from "../support/track.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("an event of a page that was closed offline is delivered by the next page, once, and counts when it happened", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  const { session } = await idsOf(shop);
  await context.setOffline(true);
  const before = Date.now();
  assert.equal((await track(shop, "sunset-watched")).state, "kept");
  const happened = Date.now();
  await shop.close();
  await context.setOffline(false);

  const bodies = bodiesOf(context);
  const next = await openWithBacklog(context, "/product.html?sku=LAN-1");
  await nothingKept(next);
  await next.reload();
  await answered(next, "page-view");
  assert.equal(timesSent(bodies, "sunset-watched"), 1);

  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  await rowsOf(gui, "sunset-watched", session).click();
  const details = gui.getByRole("complementary", { name: "Event details" });
  await details.getByText("Raw JSON").click();
  const { time } = JSON.parse(await details.getByLabel("Raw JSON").innerText()).metadata;
  const counted = Date.parse(time.insert);
  assert.ok(counted >= before && counted <= happened, `it counts at ${time.insert}`);
  assert.ok(Date.parse(time.receive) > happened);
});

test("what happened offline is sent as soon as the network is back, as one visitor's", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  const { session } = await idsOf(shop);
  await context.setOffline(true);
  for (const type of ["first-wave", "second-wave"]) {
    assert.equal((await track(shop, type)).state, "kept");
  }
  const bodies = bodiesOf(context);
  await context.setOffline(false);
  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  for (const type of ["first-wave", "second-wave"]) {
    await rowsOf(gui, type, session).waitFor();
  }
  assert.deepEqual(bodies.map(({ events }) => events.map(({ type }) => type)), [["first-wave"], ["second-wave"]]);
  await nothingKept(shop);
});

test("two tabs that load after an outage deliver what was kept once", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  await context.setOffline(true);
  await Promise.all([1, 2, 3].map((number) => track(shop, `kept-${number}`)));
  await shop.close();
  await context.setOffline(false);
  const bodies = bodiesOf(context);
  const tabs = await Promise.all([openWithBacklog(context), openWithBacklog(context, "/product.html?sku=BLA-2")]);
  await nothingKept(tabs[0]);
  assert.deepEqual([1, 2, 3].map((number) => timesSent(bodies, `kept-${number}`)), [1, 1, 1]);
});

test("what is too much for the browser to send from a page that goes away is sent by the next one", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  const { session } = await idsOf(shop);
  await shop.evaluate(() => {
    for (const type of ["crate-1", "crate-2", "crate-3"]) {
      window.tracker.track(type, { text: "x".repeat(31_000) }, { asBeacon: true });
    }
    location.href = "about:blank";
  });
  await shop.waitForURL("about:blank");
  const bodies = bodiesOf(context);
  const next = await openWithBacklog(context);
  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  for (const type of ["crate-1", "crate-2", "crate-3"]) {
    await rowsOf(gui, type, session).waitFor();
    assert.equal(await rowsOf(gui, type, session).count(), 1);
  }
  await nothingKept(next);
  assert.ok(bodies.some(({ events }) => events[0].type.startsWith("crate")), "the browser took all of it: this proves nothing");
});

test("a full storage breaks nothing: events are sent, and the page's own storing is its own affair", async (t) => {
  const context = await freshContext(browser, t);
  await context.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  const shop = await openShop(context, "/product.html?sku=MUG-3");
  assert.equal((await track(shop, "cup-raised")).state, "answered");
});

test("callbacks run under both names with who visits, bound before or after the script, each once", async (t) => {
  const context = await freshContext(browser, t);
  await context.addInitScript(() => {
    // The embed snippet keeps the stub that it finds.
    window.onTidelineReady = window.onTracardiReady = { q: [], bind() { this.q.push(arguments); } };
    window.ran = [];
    const keep = (name) => ({ tracker, helpers, context, config }) =>
      window.ran.push({ name, profile: context.profile.id, same: tracker === window.tracker, helpers: Object.keys(helpers), source: config.source });
    window.onTracardiReady.bind(keep("theirs, early"));
    window.onTidelineReady.bind(keep("ours, early"));
    window.bindLate = () => {
      window.onTracardiReady.bind(keep("theirs, late"));
      window.onTidelineReady.bind(keep("ours, late"));
    };
  });
  const shop = await openShop(context);
  const { profile } = await idsOf(shop);
  await shop.evaluate(() => window.bindLate());
  await shop.waitForFunction(() => window.ran.length === 4);
  const ran = await shop.evaluate(() => window.ran);
  const each = { profile, same: true, helpers: ["track", "addListener", "onClick"], source: system.source };
  assert.deepEqual(ran, ["theirs, early", "ours, early", "theirs, late", "ours, late"].map((name) => ({ name, ...each })));
});

test("a callback's helpers track clicks", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context, "/product.html?sku=MUG-3");
  await shop.evaluate(() => {
    window.onTracardiReady.bind(({ helpers }) => {
      helpers.onClick(document.querySelector("h1"), () => helpers.track("name-clicked"));
    });
  });
  await shop.getByRole("heading", { level: 1 }).click();
  await answered(shop, "name-clicked");
});

test("of a visitor who asks not to be tracked nothing is sent or stored, where the page respects that", async (t) => {
  const context = await freshContext(browser, t);
  await configure(context, { doNotTrack: true });
  await context.addInitScript(() => {
    Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
    window.ready = new Promise((resolve) => {
      window.onTidelineReady = { q: [[resolve]], bind() {} };
    });
  });
  const bodies = bodiesOf(context);
  const shop = await context.newPage();
  await shop.goto(`${system.demo}/?a=1&__tr_pid=somebody&__tr_src=${system.source}`);
  assert.equal(await shop.evaluate(async () => (await window.ready).context), null);
  assert.equal((await track(shop, "page-view")).state, "withheld");
  assert.equal(new URL(shop.url()).search, "?a=1");
  assert.deepEqual(bodies, []);
  assert.deepEqual(await context.cookies(), []);
  assert.deepEqual(await shop.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)]), [[], []]);
});
