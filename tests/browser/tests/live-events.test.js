/** From a click in the shop to what an analyst sees of it. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freshContext, launch } from "../support/browser.js";
import { openLiveEvents, rowsOf, shortId } from "../support/gui.js";
import { answered, idsOf, openShop } from "../support/shop.js";
import { system } from "../support/system.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a click in the shop shows in the GUI within two seconds", async (t) => {
  const gui = await openLiveEvents(browser, t);
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=LAN-1");
  const { session } = await idsOf(shop);
  await shop.getByRole("button", { name: "Add to basket" }).click();
  // What the product promises, so what this test holds it to.
  await rowsOf(gui, "product-added-to-basket", session).waitFor({ timeout: 2000 });
});

test("an event's details show its properties, its profile and its session", async (t) => {
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=MUG-3");
  const { session, profile } = await idsOf(shop);
  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  await rowsOf(gui, "product-details-page-view", session).click();

  const details = gui.getByRole("complementary", { name: "Event details" });
  await details.getByRole("heading", { name: "Product Details Page View" }).waitFor();
  for (const [name, value] of [["name", "Enamel mug"], ["sku", "MUG-3"], ["price", "13.45"]]) {
    const field = details.locator("dl > div").filter({ has: gui.locator("dt").getByText(name, { exact: true }) });
    await field.getByText(value, { exact: true }).first().waitFor();
  }
  await details.getByRole("region", { name: "Profile" }).getByText(shortId(profile)).waitFor();
  await details.getByRole("region", { name: "Profile" }).getByText("1 visit · 1 page view · 2 events").waitFor();
  await details.getByRole("region", { name: "Session" }).getByText(shortId(session)).waitFor();

  await details.getByText("Raw JSON").click();
  const raw = JSON.parse(await details.getByLabel("Raw JSON").innerText());
  assert.equal(raw.session.id, session);
  assert.equal(raw.profile.id, profile);
});

test("one visit across three pages is one profile and one session", async (t) => {
  const shop = await openShop(await freshContext(browser, t));
  const first = await idsOf(shop);
  await shop.getByRole("link", { name: "Storm lantern" }).click();
  await answered(shop, "product-details-page-view");
  await shop.getByRole("button", { name: "Add to basket" }).click();
  await answered(shop, "product-added-to-basket");
  await shop.getByRole("link", { name: "Go to checkout" }).click();
  await answered(shop, "checkout-started");
  await shop.getByRole("button", { name: "Buy" }).click();
  await answered(shop, "checkout-completed");
  assert.deepEqual(await idsOf(shop), first);

  // Seven events of the shop, and what the platform adds once: profile, session, visit.
  const gui = await openLiveEvents(browser, t, `?profile=${first.profile}`);
  await gui.getByRole("button", { name: "checkout-completed" }).click();
  const profile = gui.getByRole("region", { name: "Profile" });
  await profile.getByText("1 visit · 3 page views · 7 events").waitFor();
  const types = await gui.locator("tbody tr button").allInnerTexts();
  assert.deepEqual(types.map((type) => type.trim()).toSorted(), [
    "checkout-completed",
    "checkout-started",
    "page-view",
    "page-view",
    "page-view",
    "product-added-to-basket",
    "product-details-page-view",
    "profile-created",
    "session-opened",
    "visit-started",
  ]);
  assert.equal(await gui.locator("tbody tr").filter({ hasText: shortId(first.session) }).count(), types.length);
});

test("two tabs that race on the first load give one profile and one session", async (t) => {
  const context = await freshContext(browser, t);
  const tabs = await Promise.all([openShop(context), openShop(context, "/product.html?sku=BLA-2")]);
  const [one, other] = await Promise.all(tabs.map(idsOf));
  assert.deepEqual(one, other);

  const gui = await openLiveEvents(browser, t, `?session=${one.session}`);
  await rowsOf(gui, "page-view", one.session).nth(1).waitFor();
  assert.equal(await gui.getByRole("button", { name: "profile-created" }).count(), 1);
  const profiles = gui.locator("tbody tr").filter({ hasText: shortId(one.profile) });
  assert.equal(await profiles.count(), await gui.locator("tbody tr").count());
});

test("a visitor who leaves the page at once is not lost", async (t) => {
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=LAN-1");
  const { session } = await idsOf(shop);
  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  await shop.evaluate(() => {
    document.getElementById("add").click();
    location.href = "about:blank";
  });
  await rowsOf(gui, "product-added-to-basket", session).waitFor();
});

test("an event whose answer got lost is sent again and stored once", async (t) => {
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=LAN-1");
  const { session } = await idsOf(shop);
  const bodies = [];
  await shop.route(`${system.edge}/track`, async (route) => {
    bodies.push(route.request().postData());
    if (bodies.length === 1) {
      await route.fulfill({ status: 503, headers: { "access-control-allow-origin": "*" } });
    } else if (bodies.length === 2) {
      await route.fetch();
      await route.abort();
    } else {
      await route.continue();
    }
  });
  await shop.getByRole("button", { name: "Add to basket" }).click();
  await answered(shop, "product-added-to-basket");
  assert.deepEqual(bodies, Array(3).fill(bodies[0]));

  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  await rowsOf(gui, "product-added-to-basket", session).click();
  await gui.getByRole("region", { name: "Profile" }).getByText("1 visit · 1 page view · 3 events").waitFor();
  assert.equal(await rowsOf(gui, "product-added-to-basket", session).count(), 1);
});

test("a paused list stands still, and shows what came when resumed", async (t) => {
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=LAN-1");
  const { session } = await idsOf(shop);
  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  await rowsOf(gui, "product-details-page-view", session).waitFor();
  await gui.getByRole("button", { name: "Pause" }).click();
  await shop.getByRole("button", { name: "Add to basket" }).click();
  const resume = gui.getByRole("button", { name: "Resume 1 new" });
  await resume.waitFor();
  assert.equal(await rowsOf(gui, "product-added-to-basket", session).count(), 0);
  await resume.click();
  await rowsOf(gui, "product-added-to-basket", session).waitFor();
});

test("what happens while the analyst is offline shows once the connection is back", async (t) => {
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=LAN-1");
  const { session } = await idsOf(shop);
  const gui = await openLiveEvents(browser, t, `?session=${session}`, { expected: [/ERR_INTERNET_DISCONNECTED/] });
  await rowsOf(gui, "product-details-page-view", session).waitFor();
  await gui.context().setOffline(true);
  await gui.getByRole("status").getByText("Reconnecting").waitFor();
  await shop.getByRole("button", { name: "Add to basket" }).click();
  await answered(shop, "product-added-to-basket");
  assert.equal(await rowsOf(gui, "product-added-to-basket", session).count(), 0);
  await gui.context().setOffline(false);
  await rowsOf(gui, "product-added-to-basket", session).waitFor();
  await gui.getByRole("status").getByText("Live", { exact: true }).waitFor();
});

test("the list is usable by keyboard alone", async (t) => {
  const shop = await openShop(await freshContext(browser, t), "/product.html?sku=LAN-1");
  const { session } = await idsOf(shop);
  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  await rowsOf(gui, "product-details-page-view", session).waitFor();
  const [newest, next] = await gui.locator("tbody tr button").allInnerTexts();
  await gui.locator("tbody tr button").first().focus();
  await gui.keyboard.press("Enter");
  const details = gui.getByRole("complementary", { name: "Event details" });
  await details.getByRole("link", { name: newest.trim(), exact: true }).waitFor();
  await gui.keyboard.press("ArrowDown");
  await details.getByRole("link", { name: next.trim(), exact: true }).waitFor();
  await gui.keyboard.press("Escape");
  await details.waitFor({ state: "detached" });
});
