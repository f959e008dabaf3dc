import { expect, test } from "vitest";
import type { Session } from "../api/types";
import { surroundingsOf } from "./surroundings";

const SESSION: Session = {
  id: "s",
  metadata: { time: { insert: "2026-11-22T18:42:26Z", update: "2026-11-22T18:42:26Z", duration: 0 }, status: "active" },
  profile: null,
  stats: { events: 1 },
};

test("a session of which nothing is known has no facts", () => {
  expect(surroundingsOf(SESSION)).toEqual([]);
  expect(surroundingsOf({ ...SESSION, device: {}, app: { bot: false } })).toEqual([]);
});

test("device, system, browser, language, place and what led here are told", () => {
  const session: Session = {
    ...SESSION,
    device: { name: "Pixel 7", type: "mobile", resolution: "412x915", geo: { city: "Bergen", country: { name: "Norway" } } },
    os: { name: "Android", version: "14" },
    app: { name: "Chrome Mobile", version: "159.0", language: "nb-NO", bot: false },
    utm: { source: "news", campaign: "spring" },
    referral: { kind: "campaign", name: "spring" },
  };
  expect(surroundingsOf(session)).toEqual([
    { label: "Device", text: "Pixel 7 · mobile · 412x915" },
    { label: "System", text: "Android 14" },
    { label: "Browser", text: "Chrome Mobile 159.0" },
    { label: "Language", text: "nb-NO" },
    { label: "Place", text: "Bergen, Norway" },
    { label: "Came from", text: "spring · campaign" },
    { label: "Campaign", text: "news · spring" },
  ]);
});
