/** The GUI as an analyst uses it. */

import assert from "node:assert/strict";
import { freshContext } from "./browser.js";
import { system } from "./system.js";

/**
 * Opens the GUI at `address` in a browser of its own. The test fails when the page logs an error, throws, breaks its
 * content security policy or talks to any other host; `expected` are the console errors that the test provokes.
 */
export async function openGui(browser, t, address, { expected = [] } = {}) {
  const context = await freshContext(browser, t);
  const page = await context.newPage();
  const faults = [];
  const fault = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) {
      faults.push(text);
    }
  };
  page.on("console", (message) => message.type() === "error" && fault(`console: ${message.text()}`));
  page.on("pageerror", (error) => fault(`uncaught: ${error.message}`));
  page.on("request", (request) => request.url().startsWith(system.gui) || fault(`foreign request: ${request.url()}`));
  await context.exposeFunction("reportViolation", (text) => fault(`content security policy: ${text}`));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  t.after(() => assert.deepEqual(faults, [], "the GUI did what it may not"));
  const response = await page.goto(new URL(address, system.gui).href);
  const policy = response.headers()["content-security-policy"] ?? "";
  assert.match(policy, /default-src 'self'/, "the GUI is served without its content security policy");
  return page;
}

/** Opens the GUI signed in, and waits until events come in by themselves. */
export async function openLiveEvents(browser, t, view = "", options = {}) {
  const page = await openGui(browser, t, `/${view}#token=${encodeURIComponent(system.token)}`, options);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  return page;
}

/** How the GUI shortens an id in its list. */
export function shortId(id) {
  return id.slice(-8);
}

/** The rows of this event type, of the session of this id. */
export function rowsOf(page, type, session) {
  return page
    .getByRole("row")
    .filter({ has: page.getByRole("button", { name: type, exact: true }) })
    .filter({ hasText: shortId(session) });
}
