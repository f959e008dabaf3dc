/** A visitor who goes from one site of an owner to another: the demo shop has two names, which are two sites to a browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freshContext, launch } from "../support/browser.js";
import { openLiveEvents, rowsOf } from "../support/gui.js";
import { answered, idsOf, openShop } from "../support/shop.js";
import { system } from "../support/system.js";
import { bodiesOf } from "../support/track.js";

const otherShop = system.demo.replace("127.0.0.1", "localhost");

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** The link to the other shop, whose address a visitor may copy. */
const linkOn = (page) => page.getByRole("link", { name: "another shop" });

test("a visitor who follows a link to the owner's other site stays one profile", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  const here = await idsOf(shop);
  const bodies = bodiesOf(context);
  await linkOn(shop).click();
  await shop.waitForURL(`${otherShop}/`);
  await answered(shop, "page-view");

  assert.equal(new URL(shop.url()).search, "", "the profile's id stands in the address bar");
  assert.deepEqual(bodies[0].context.tracardi.pass, { profile: here.profile, source: system.source });
  assert.equal(bodies[0].events[0].context.page.url, `${otherShop}/`);
  const there = await idsOf(shop);
  assert.notEqual(there.session, here.session);
  assert.equal(there.profile, here.profile);

  const gui = await openLiveEvents(browser, t, `?profile=${here.profile}`);
  for (const { session } of [here, there]) {
    await rowsOf(gui, "page-view", session).waitFor();
  }
});

for (const [how, follow] of [
  ["the keyboard", async (link) => link.press("Control+Enter")],
  ["the middle button", async (link) => link.click({ button: "middle" })],
]) {
  test(`a new tab that ${how} opens is the same visitor's, and the link's address passes nobody on afterwards`, async (t) => {
    const context = await freshContext(browser, t);
    const shop = await openShop(context);
    const opened = context.waitForEvent("page");
    await follow(linkOn(shop));
    const tab = await opened;
    await answered(tab, "page-view");
    assert.equal((await idsOf(tab)).profile, (await idsOf(shop)).profile);
    assert.equal(await linkOn(shop).evaluate((link) => link.href), `${otherShop}/`);
  });
}

test("a page that leads on by itself passes the visitor on to the page where the first event happens", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  // Inline: a page that the test itself serves is no local one to Chromium, which keeps it from scripts on loopback.
  const tracker = await (await context.request.get(`${system.edge}/tracker/tracker.js`)).text();
  const landing = (url) => url.origin === otherShop && url.pathname === "/";
  await context.route(landing, async (route) => {
    const leadOn = `<script src="/config.js"></script><script>${tracker}</script><script>location.replace("/index.html")</script>`;
    await route.fulfill({ contentType: "text/html", body: leadOn });
  });
  const bodies = bodiesOf(context);
  await linkOn(shop).click();
  await shop.waitForURL(`${otherShop}/index.html`);
  await answered(shop, "page-view");
  assert.equal(bodies[0].context.tracardi.pass.source, system.source);
  await shop.getByRole("link", { name: "Enamel mug" }).click();
  await answered(shop, "product-details-page-view");
  assert.equal(bodies.at(-1).context.tracardi, undefined, "the visitor is passed on more than once");
});

test("a link to anybody else's site stays as it is", async (t) => {
  const context = await freshContext(browser, t);
  const shop = await openShop(context);
  await context.route("http://elsewhere.example/**", (route) => route.fulfill({ contentType: "text/html", body: "elsewhere" }));
  await linkOn(shop).evaluate((link) => {
    link.href = "http://elsewhere.example/page?a=1";
  });
  await linkOn(shop).click();
  await shop.getByText("elsewhere").waitFor();
  assert.equal(shop.url(), "http://elsewhere.example/page?a=1");
});
