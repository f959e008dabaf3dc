/** Nobody sees data without a token. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "../support/browser.js";
import { openGui, openLiveEvents } from "../support/gui.js";
import { system } from "../support/system.js";

/** What Chromium logs by itself when the service refuses a token, which these tests provoke. */
const REFUSED = /status of 401/;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("without a token there is the login page, and no data is asked for", async (t) => {
  const gui = await openGui(browser, t, "/?type=page-view");
  const asked = [];
  gui.on("request", (request) => asked.push(request.url()));
  await gui.reload();
  await gui.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await gui.getByRole("table").count(), 0);
  assert.deepEqual(asked.filter((url) => url.includes("/api/")), []);
});

test("a wrong token is told, whether it came by link or was typed", async (t) => {
  const gui = await openGui(browser, t, "/#token=wrong", { expected: [REFUSED] });
  await gui.getByRole("alert").getByText("does not accept this token").waitFor();
  await gui.getByLabel("API token").fill("wrong as well");
  await gui.getByRole("button", { name: "Sign in" }).click();
  await gui.getByRole("alert").getByText("does not accept this token").waitFor();
  assert.equal(await gui.getByRole("table").count(), 0);
});

test("a typed token signs in, until the user signs out", async (t) => {
  const gui = await openGui(browser, t, "/");
  await gui.getByLabel("API token").fill(system.token);
  await gui.getByRole("button", { name: "Sign in" }).click();
  await gui.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await gui.getByRole("button", { name: "Sign out" }).click();
  await gui.reload();
  await gui.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("a token that came by link leaves the address bar, and lasts as long as the tab", async (t) => {
  const gui = await openLiveEvents(browser, t, "?type=page-view");
  assert.equal(gui.url(), `${system.gui}/?type=page-view`);
  await gui.reload();
  await gui.getByRole("status").getByText("Live", { exact: true }).waitFor();
});
