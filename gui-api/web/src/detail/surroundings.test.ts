import { expect, test } from "vitest";
import { surroundingsOf } from "./surroundings";

test("browser, screen and campaign are read where the client sent them", () => {
  const context = {
    browser: { local: { browser: { name: "chrome", language: "en" }, device: { platform: "Linux" } } },
    screen: { local: { width: 1440, height: 900 } },
    utm: { source: "news" },
  };
  expect(surroundingsOf(context)).toEqual([
    { label: "Browser", text: "chrome · Linux · en" },
    { label: "Screen", text: "1440 × 900" },
    { label: "Campaign", text: "news" },
  ]);
});

test("whatever else a client sends in their place is left out", () => {
  expect(surroundingsOf({ browser: "x", screen: { local: [] }, utm: null })).toEqual([]);
});
