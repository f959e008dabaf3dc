/** What a session tells of where its visit happened, and what led to it. */
import type { JsonObject, Session } from "../api/types";
import { factsAt } from "./factsAt";
import type { FactPaths, LabelledFact } from "./factsAt";

const FACTS: FactPaths[] = [
  { label: "Device", paths: [["device", "name"], ["device", "type"], ["device", "resolution"]], join: " · " },
  { label: "System", paths: [["os", "name"], ["os", "version"]], join: " " },
  { label: "Browser", paths: [["app", "name"], ["app", "version"]], join: " " },
  { label: "Language", paths: [["app", "language"]], join: "" },
  { label: "Place", paths: [["device", "geo", "city"], ["device", "geo", "country", "name"]], join: ", " },
  { label: "Came from", paths: [["referral", "name"], ["referral", "kind"]], join: " · " },
  { label: "Campaign", paths: [["utm", "source"], ["utm", "medium"], ["utm", "campaign"]], join: " · " },
];

/** The facts that a session has. */
export function surroundingsOf(session: Session): LabelledFact[] {
  return factsAt(session as unknown as JsonObject, FACTS);
}
