/** What a session's context tells of browser, screen and campaign, where the client sent it. */
import type { JsonObject } from "../api/types";

/** A labelled fact. */
export interface Surrounding {
  label: string;
  text: string;
}

/** Where the parts of each fact stand in a context of the `/track` protocol. */
const FACTS: { label: string; paths: string[][]; join: string }[] = [
  {
    label: "Browser",
    paths: [
      ["browser", "local", "browser", "name"],
      ["browser", "local", "device", "platform"],
      ["browser", "local", "browser", "language"],
    ],
    join: " · ",
  },
  {
    label: "Screen",
    paths: [
      ["screen", "local", "width"],
      ["screen", "local", "height"],
    ],
    join: " × ",
  },
  {
    label: "Campaign",
    paths: [
      ["utm", "source"],
      ["utm", "medium"],
      ["utm", "campaign"],
    ],
    join: " · ",
  },
];

/** The facts that a context has. */
export function surroundingsOf(context: JsonObject): Surrounding[] {
  return FACTS.map(({ label, paths, join }) => ({ label, text: paths.map((path) => textAt(context, path)).filter(Boolean).join(join) })).filter(
    ({ text }) => text !== "",
  );
}

function textAt(context: JsonObject, path: string[]): string {
  let value: unknown = context;
  for (const key of path) {
    value = typeof value === "object" && value !== null ? (value as JsonObject)[key] : undefined;
  }
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
