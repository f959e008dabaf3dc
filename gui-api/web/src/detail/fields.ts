/** How JSON that a site sent is laid out for reading. */
import type { JsonObject } from "../api/types";

/** The most characters of one text that are shown. */
export const MAX_TEXT = 1000;

/** Deeper than this, objects are shown as JSON. */
export const MAX_DEPTH = 6;

/** One field: a value to show, or fields of its own. */
export type Field =
  | { key: string; kind: "text" | "number" | "boolean" | "null" | "empty"; text: string }
  | { key: string; kind: "group"; fields: Field[] };

/** The fields of an object, in its order. */
export function fieldsOf(value: JsonObject | unknown[], depth = 1): Field[] {
  return Object.entries(value).map(([key, item]) => fieldOf(Array.isArray(value) ? String(Number(key) + 1) : key, item, depth));
}

function fieldOf(key: string, value: unknown, depth: number): Field {
  switch (typeof value) {
    case "string":
      return value === "" ? { key, kind: "empty", text: "empty text" } : { key, kind: "text", text: shortened(value) };
    case "number":
      return { key, kind: "number", text: String(value) };
    case "boolean":
      return { key, kind: "boolean", text: String(value) };
    case "object":
      return value === null ? { key, kind: "null", text: "null" } : nested(key, value as JsonObject | unknown[], depth);
    default:
      return { key, kind: "null", text: "unknown" };
  }
}

function nested(key: string, value: JsonObject | unknown[], depth: number): Field {
  const items = Object.values(value);
  if (items.length === 0) {
    return { key, kind: "empty", text: Array.isArray(value) ? "empty list" : "empty object" };
  }
  if (Array.isArray(value) && items.every((item) => typeof item === "string" || typeof item === "number")) {
    return { key, kind: "text", text: shortened(items.join(", ")) };
  }
  return depth >= MAX_DEPTH
    ? { key, kind: "text", text: shortened(JSON.stringify(value)) }
    : { key, kind: "group", fields: fieldsOf(value, depth + 1) };
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters, see the raw JSON)`;
}
