import { expect, test } from "vitest";
import { takePass, withPass } from "./pass";

const PASS = { profile: "p 1", source: "shop&web" };

test.each([
  ["https://b.example/", "https://b.example/?__tr_pid=p%201&__tr_src=shop%26web"],
  ["https://b.example/x?a=%20b&c#part", "https://b.example/x?a=%20b&c&__tr_pid=p%201&__tr_src=shop%26web#part"],
  ["https://b.example/?__tr_pid=old&a=1", "https://b.example/?a=1&__tr_pid=p%201&__tr_src=shop%26web"],
])("%s gets the pass and keeps the rest as it is written", (address, onward) => {
  expect(withPass(new URL(address), PASS)).toBe(onward);
});

test("a pass that was added is taken out again", () => {
  const address = "https://b.example/x?a=%20b&c&&d=#part";
  const session = { ...PASS, session: "s" };
  expect(takePass(new URL(withPass(new URL("https://b.example/x?a=%20b#part"), session)))).toEqual({
    pass: session,
    address: "https://b.example/x?a=%20b#part",
  });
  expect(takePass(new URL(address))).toEqual({ pass: null, address });
});

test.each([
  ["?__tr_src=s", "the profile is missing"],
  ["?__tr_pid=&__tr_src=s", "the profile is empty"],
  [`?__tr_pid=${"x".repeat(257)}`, "the profile is longer than any id"],
])("%s is no pass, and taken out all the same: %s", (search) => {
  expect(takePass(new URL(`https://b.example/${search}`))).toEqual({ pass: null, address: "https://b.example/" });
});
