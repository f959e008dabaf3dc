import { expect, test } from "vitest";
import { readConfiguration } from "./configuration";

test("the window's options win over the script tag's attributes", () => {
  const attributes = { api: "https://tag.example", source: "tag" };
  expect(readConfiguration({ api: "https://page.example/" }, attributes)).toEqual({
    api: "https://page.example",
    source: "tag",
  });
});

test.each([
  [undefined, "address of the edge"],
  [{ api: "javascript:alert(1)", source: "s" }, "address of the edge"],
  [{ api: "https://edge.example" }, "event source"],
])("%j is refused with a sentence that says what to do", (options, sentence) => {
  expect(readConfiguration(options, undefined)).toContain(sentence);
});
