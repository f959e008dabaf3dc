import { expect, test } from "vitest";
import type { Profile } from "../api/types";
import { personOf } from "./person";

const NOBODY: Profile = {
  id: "p",
  metadata: { time: { insert: "2026-11-22T18:42:26Z", update: "2026-11-22T18:42:26Z", visit: { count: 1 } } },
  stats: { visits: 1, views: 1 },
  active: true,
};

test("a person of whom nothing is known has no facts", () => {
  expect(personOf(NOBODY)).toEqual([]);
  expect(personOf({ ...NOBODY, data: { pii: { firstname: null }, contact: "x" }, interests: { rain: -1 } })).toEqual([]);
});

test("name, ways to reach them and what they like most are told", () => {
  const data = {
    pii: { firstname: "Ada", lastname: "Berg" },
    contact: { email: { main: "ada@mail.example" }, phone: { mobile: "+47 555 01 002" }, address: { town: "Bergen" } },
    devices: { names: ["Pixel 7", "Mac"] },
    preferences: { colors: ["blue", "red"], brands: ["Nordvind"] },
  };
  const interests = { a: 1, b: 6, c: 5, d: 4, e: 3, f: 2, g: 0 };
  expect(personOf({ ...NOBODY, primary_id: "c-7", data, interests, consents: { mail: {} } })).toEqual([
    { label: "Customer", text: "c-7" },
    { label: "Name", text: "Ada Berg" },
    { label: "E-mail", text: "ada@mail.example" },
    { label: "Phone", text: "+47 555 01 002" },
    { label: "Address", text: "Bergen" },
    { label: "Devices", text: "Pixel 7, Mac" },
    { label: "Likes", text: "Nordvind, blue, red" },
    { label: "Interests", text: "b, c, d, e, f" },
    { label: "Consents", text: "mail" },
  ]);
});
