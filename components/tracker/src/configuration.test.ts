import { expect, test } from "vitest";
import { readConfiguration } from "./configuration";

const COMPLETE = { api: "https://edge.example", source: "s" };

test("the window's options win over the script tag's attributes", () => {
  const attributes = { api: "https://tag.example", source: "tag", domains: "tag.example", doNotTrack: "" };
  expect(readConfiguration({ api: "https://page.example/", doNotTrack: false }, attributes)).toEqual({
    api: "https://page.example",
    source: "tag",
    domains: ["tag.example"],
    doNotTrack: false,
  });
});

test.each([
  [undefined, []],
  ["", []],
  [["a.example", "B.example:8443"], ["a.example", "b.example:8443"]],
  ["a.example, b.example\n c.example", ["a.example", "b.example", "c.example"]],
  [["https://a.example/page", "http://b.example", "bücher.example"], ["a.example", "b.example", "xn--bcher-kva.example"]],
])("domains %j are the hosts %j", (domains, hosts) => {
  expect(readConfiguration({ ...COMPLETE, domains }, undefined)).toMatchObject({ domains: hosts });
});

test.each([
  [undefined, false],
  ["false", false],
  ["true", true],
  ["", true],
  [true, true],
])("doNotTrack %j is %s", (doNotTrack, respected) => {
  expect(readConfiguration({ ...COMPLETE, doNotTrack }, undefined)).toMatchObject({ doNotTrack: respected });
});

test.each([
  [undefined, "address of the edge"],
  [{ api: "javascript:alert(1)", source: "s" }, "address of the edge"],
  [{ api: "https://edge.example" }, "event source"],
  [{ ...COMPLETE, domains: ["a b"] }, "`a b` is no host"],
])("%j is refused with a sentence that says what to do", (options, sentence) => {
  expect(readConfiguration(options, undefined)).toContain(sentence);
});
