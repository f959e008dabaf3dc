/** Facts for people, found at known places of a document. */
import type { JsonObject } from "../api/types";

/** A labelled fact. */
export interface LabelledFact {
  label: string;
  text: string;
}

/** Where the parts of a fact stand, and what stands between them. */
export interface FactPaths {
  label: string;
  paths: string[][];
  join: string;
}

/** Those of the facts that the document has. */
export function factsAt(document: JsonObject, facts: FactPaths[]): LabelledFact[] {
  return facts
    .map(({ label, paths, join }) => ({ label, text: paths.map((path) => textAt(document, path)).filter(Boolean).join(join) }))
    .filter(({ text }) => text !== "");
}

function textAt(document: JsonObject, path: string[]): string {
  let value: unknown = document;
  for (const key of path) {
    value = typeof value === "object" && value !== null ? (value as JsonObject)[key] : undefined;
  }
  if (Array.isArray(value)) {
    return value.filter((part) => typeof part === "string" || typeof part === "number").join(", ");
  }
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
