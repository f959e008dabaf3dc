import { expect, test } from "vitest";
import { tokenInFragment } from "./token";

test.each([
  ["#token=abc", "abc"],
  ["#token=a%2Fb%3D", "a/b="],
  ["#token=", null],
  ["#other=1", null],
  ["", null],
])("%j brings %j", (fragment, token) => {
  expect(tokenInFragment(fragment)).toBe(token);
});
