/** The demo shop as a visitor uses it. */

import { system } from "./system.js";

/** Opens a page of the shop in a new tab, and waits until the edge has answered its page load. */
export async function openShop(context, address = "/") {
  const page = await context.newPage();
  await page.goto(new URL(address, system.demo).href);
  await answered(page, "page-view");
  return page;
}

/** Waits until the shop's panel shows that the edge has taken an event of this type, sent by the current page. */
export async function answered(page, type) {
  const panel = page.getByRole("complementary", { name: "What this page sends" });
  await panel.getByRole("listitem").first().filter({ hasText: type }).filter({ hasText: "200 in" }).waitFor();
}

/** The ids that the tracker keeps in this browser. */
export async function idsOf(page) {
  return page.evaluate(() => ({
    session: document.cookie.match(/tracardi-session-id=([^;]+)/)?.[1] ?? null,
    profile: localStorage.getItem("tracardi-profile-id"),
  }));
}
