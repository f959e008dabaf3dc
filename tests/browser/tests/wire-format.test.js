/** A page on another origin that speaks the `/track` protocol by itself, as pages with other trackers do. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { freshContext, launch } from "../support/browser.js";
import { openLiveEvents, rowsOf } from "../support/gui.js";
import { system } from "../support/system.js";

let browser;
let site;
before(async () => {
  browser = await launch();
  site = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end("<!doctype html><title>A shop</title>");
  });
  await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
});
after(async () => {
  await browser.close();
  site.close();
});

/** What such a tracker does in a page: it runs there, and knows nothing of this file. */
async function visit({ edge, source, session }) {
  const payload = (profile, events) => ({
    source: { id: source },
    context: { time: { local: new Date().toISOString(), tz: "Europe/Oslo" }, screen: { local: { width: screen.width } } },
    profile,
    device: { id: crypto.randomUUID() },
    session: { id: session },
    options: {},
    events: events.map((type) => ({ time: { create: new Date().toISOString() }, type, properties: {}, context: {} })),
  });
  const post = async (profile, events) => {
    const response = await fetch(`${edge}/track`, {
      method: "POST",
      credentials: "omit",
      headers: { "content-type": "application/json", "x-timestamp": String(Date.now()) },
      body: JSON.stringify(payload(profile, events)),
    });
    return (await response.json()).profile.id;
  };
  // The page load and an event that is sent at once leave in parallel, before any profile is known.
  const first = await Promise.all([post(null, ["wire-load", "wire-view"]), post(null, ["wire-click"])]);
  const later = await post({ id: first[0] }, ["wire-later"]);
  const beacon = new Blob([JSON.stringify(payload({ id: first[0] }, ["wire-leave"]))], { type: "application/json" });
  return { profiles: [...first, later], handedOver: navigator.sendBeacon(`${edge}/track`, beacon) };
}

test("a page that speaks the protocol by itself is one visitor with one profile, beacon and all", async (t) => {
  const context = await freshContext(browser, t);
  const page = await context.newPage();
  // Another site than the edge's, which is addressed as 127.0.0.1.
  await page.goto(`http://localhost:${site.address().port}/`);
  const session = `wire-${Date.now().toString(36)}`;
  const { profiles, handedOver } = await page.evaluate(visit, { edge: system.edge, source: system.source, session });
  assert.equal(new Set(profiles).size, 1, `profiles ${profiles}`);
  assert.ok(handedOver);

  const gui = await openLiveEvents(browser, t, `?session=${session}`);
  for (const type of ["wire-load", "wire-view", "wire-click", "wire-later", "wire-leave"]) {
    await rowsOf(gui, type, session).waitFor();
  }
  await rowsOf(gui, "wire-leave", session).click();
  const details = gui.getByRole("complementary", { name: "Event details" });
  await details.getByText("Raw JSON").click();
  const { profile } = JSON.parse(await details.getByLabel("Raw JSON").innerText());
  assert.equal(profile.id, profiles[0]);
});
