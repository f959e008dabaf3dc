/** What a page sends to `/track`. */

import { system } from "./system.js";

/** Opens a page of the shop in a new tab that may have more to send than what happens there. */
export async function openWithBacklog(context, address = "/") {
  const page = await context.newPage();
  await page.goto(new URL(address, system.demo).href);
  const panel = page.getByRole("complementary", { name: "What this page sends" });
  await panel.getByRole("listitem").filter({ hasText: "page-view" }).filter({ hasText: "200 in" }).waitFor();
  return page;
}

/** Waits until nothing is kept in this browser for a later attempt. */
export async function nothingKept(page) {
  await page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.startsWith("tideline-kept")));
}

/** The bodies of all requests to `/track` of this browser from now on, beacons too. */
export function bodiesOf(context) {
  const bodies = [];
  context.on("request", (request) => {
    if (request.url() === `${system.edge}/track` && request.method() === "POST") {
      bodies.push(request.postDataJSON());
    }
  });
  return bodies;
}

/** How many of these bodies bring an event of this type. */
export function timesSent(bodies, type) {
  return bodies.filter(({ events }) => events.some((event) => event.type === type)).length;
}

/** Serves the demo's configuration with these changes. */
export async function configure(context, changes) {
  await context.route("**/config.js", async (route) => {
    const config = await (await route.fetch()).text();
    await route.fulfill({
      contentType: "text/javascript",
      body: `${config}Object.assign(window.tidelineOptions, ${JSON.stringify(changes)});`,
    });
  });
}

/** Tracks an event and tells how that ended. */
export async function track(page, type, properties = {}, options = {}) {
  return page.evaluate((call) => window.tracker.track(...call), [type, properties, options]);
}
