import { expect, test } from "vitest";
import { MAX_MESSAGE, SseParser } from "./sse";

const STREAM = ': hello\n\nevent: event\nid: 7\ndata: {"a":1}\n\nevent: gap\ndata: {"missed":2}\n\n';
const MESSAGES = [
  { event: "event", data: '{"a":1}', id: "7" },
  { event: "gap", data: '{"missed":2}', id: "7" },
];

test("messages are read whole, comments are skipped", () => {
  expect(new SseParser().push(STREAM)).toEqual(MESSAGES);
});

test.each([["\n"], ["\r\n"], ["\r"]])("pieces may end anywhere, with lines that end in %j", (lineEnd) => {
  const text = `${STREAM.replaceAll("\n", lineEnd)}:${lineEnd}`;
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = new SseParser();
    expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(MESSAGES);
  }
});

test("several data lines are one text, one space after the colon is no part of it", () => {
  expect(new SseParser().push("data:a\ndata:  b\ndata\n\n")).toEqual([{ event: "message", data: "a\n b\n", id: "" }]);
});

test("a block without data is no message and leaves no name behind", () => {
  expect(new SseParser().push("event: gap\n\ndata: x\n\n")).toEqual([{ event: "message", data: "x", id: "" }]);
});

test("a byte order mark is dropped at the beginning only", () => {
  expect(new SseParser().push("\uFEFFdata: \uFEFFx\n\n")).toEqual([{ event: "message", data: "\uFEFFx", id: "" }]);
});

test("a message without end is refused before it fills the memory", () => {
  const parser = new SseParser();
  expect(() => parser.push(`data: ${"x".repeat(MAX_MESSAGE)}`)).toThrow("more than");
  const lines = new SseParser();
  expect(() => lines.push(`data: ${"x".repeat(MAX_MESSAGE / 2)}\n`.repeat(3))).toThrow("more than");
});
