import { expect, test } from "vitest";
import { fieldsOf, MAX_DEPTH, MAX_TEXT } from "./fields";

test.each([
  ["a", { kind: "text", text: "a" }],
  ["", { kind: "empty", text: "empty text" }],
  [13.45, { kind: "number", text: "13.45" }],
  [false, { kind: "boolean", text: "false" }],
  [null, { kind: "null", text: "null" }],
  [[], { kind: "empty", text: "empty list" }],
  [{}, { kind: "empty", text: "empty object" }],
  [["blue", 2], { kind: "text", text: "blue, 2" }],
])("%j is shown as %j", (value, field) => {
  expect(fieldsOf({ key: value })).toEqual([{ key: "key", ...field }]);
});

test("objects are groups, items of a list are counted from one", () => {
  expect(fieldsOf({ products: [{ sku: "A" }] })).toEqual([
    { key: "products", kind: "group", fields: [{ key: "1", kind: "group", fields: [{ key: "sku", kind: "text", text: "A" }] }] },
  ]);
});

test("long texts and deep objects stay readable", () => {
  expect(fieldsOf({ text: "x".repeat(5000) })[0]).toMatchObject({ text: expect.stringMatching(/^x+… \(5000 characters/) });
  let deep: Record<string, unknown> = { end: 1 };
  for (let depth = 0; depth < 50; depth++) {
    deep = { deep };
  }
  const text = JSON.stringify(fieldsOf(deep));
  expect(text.split('"group"').length - 1).toBe(MAX_DEPTH - 1);
  expect(text.length).toBeLessThan(MAX_TEXT * 2);
});
