/** What a session's context tells of browser, screen and campaign, where the client sent it. */
import type { JsonObject } from "../api/types";
import { factsAt } from "./factsAt";
import type { FactPaths, LabelledFact } from "./factsAt";

/** Where the parts of each fact stand in a context of the `/track` protocol. */
const FACTS: FactPaths[] = [
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
export function surroundingsOf(context: JsonObject): LabelledFact[] {
  return factsAt(context, FACTS);
}
