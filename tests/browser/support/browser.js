/** One Chromium for a test file; a context of it is one visitor's, or one analyst's, browser. */

import { chromium } from "playwright-core";

/** No traffic of the browser's own: the tests run where nothing but loopback answers. */
const QUIET = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Every wait for a condition ends after this long; none of them waits longer than it must. */
const DEADLINE_MS = 15_000;

/** Starts the browser. */
export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    // Chromium has no sandbox for root, as whom containers run.
    args: process.getuid?.() === 0 ? [...QUIET, "--no-sandbox"] : QUIET,
  });
}

/** A new browser profile, closed when the test `t` ends. */
export async function freshContext(browser, t, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  t.after(() => context.close());
  return context;
}
