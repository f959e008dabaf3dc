import { expect, test } from "vitest";
import { jsonTokens } from "./jsonTokens";

test("the pieces are the text, each of its kind", () => {
  const json = JSON.stringify({ 'k"1': 'v: "true" 1', n: -1.5e-7, ok: [true, null, 12] }, null, 2);
  const tokens = jsonTokens(json);
  expect(tokens.map(({ text }) => text).join("")).toBe(json);
  const of = (kind: string): string[] => tokens.filter((token) => token.kind === kind).map(({ text }) => text);
  expect(of("key")).toEqual(['"k\\"1"', '"n"', '"ok"']);
  expect(of("text")).toEqual(['"v: \\"true\\" 1"']);
  expect(of("number")).toEqual(["-1.5e-7", "12"]);
  expect(of("literal")).toEqual(["true", "null"]);
});
