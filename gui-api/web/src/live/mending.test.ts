import { expect, test } from "vitest";
import { mended, partsOf } from "./mending";

test("the part that is wrong is found behind characters of any width", () => {
  const text = '"ü 👍🏽" AND tpye = 1';
  const start = [...text].indexOf("t");
  const problem = { message: "events have no field `tpye`", start, end: start + 4, suggestion: "type" };
  expect(partsOf(text, problem)).toEqual({ before: '"ü 👍🏽" AND ', wrong: "tpye", after: " = 1" });
  expect(mended(text, problem)).toBe('"ü 👍🏽" AND type = 1');
});

test("what is missing has a place, and nothing is mended without a suggestion", () => {
  const problem = { message: "the filter ends where a value is expected", start: 6, end: 6 };
  expect(partsOf("type =", problem)).toEqual({ before: "type =", wrong: "", after: "" });
  expect(mended("type =", problem)).toBeNull();
});
