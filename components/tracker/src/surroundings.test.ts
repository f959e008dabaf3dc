import { expect, test } from "vitest";
import { browserName, campaignOf } from "./surroundings";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";

test.each([
  [CHROME, "chrome"],
  [`${CHROME} Edg/130.0.0.0`, "edge"],
  [`${CHROME} OPR/115.0.0.0`, "opera"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "firefox"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "safari"],
  ["curl/8.5.0", "unknown"],
])("%s is %s", (userAgent, name) => {
  expect(browserName(userAgent)).toBe(name);
});

test("a campaign is read from the address, and absent when the address names none", () => {
  expect(campaignOf("?utm_source=news&utm_medium=mail&other=1")).toEqual({ source: "news", medium: "mail" });
  expect(campaignOf("?other=1")).toBeNull();
});
