import { expect, test } from "vitest";
import { NO_FILTER } from "../api/types";
import { addressOf, viewOf } from "./view";

test("a view survives its address", () => {
  const view = { filter: { ...NO_FILTER, type: "page-view", profile: "a b&c", where: 'hit.url CONTAINS "é+ä"' }, event: "e/1" };
  const address = addressOf(view);
  expect(viewOf(address.slice(1))).toEqual(view);
});

test("the plain page has the plain address", () => {
  expect(addressOf({ filter: NO_FILTER, event: null })).toBe("/");
  expect(viewOf("")).toEqual({ filter: NO_FILTER, event: null });
});
