/** What a profile tells of the person: who it is, how to reach them, what they like. */
import type { Profile } from "../api/types";
import { factsAt } from "./factsAt";
import type { FactPaths, LabelledFact } from "./factsAt";

/** The most interests that are shown. */
const SHOWN_INTERESTS = 5;

const FACTS: FactPaths[] = [
  {
    label: "Name",
    paths: [
      ["pii", "firstname"],
      ["pii", "lastname"],
    ],
    join: " ",
  },
  {
    label: "E-mail",
    paths: [
      ["contact", "email", "main"],
      ["contact", "email", "private"],
      ["contact", "email", "business"],
    ],
    join: ", ",
  },
  {
    label: "Phone",
    paths: [
      ["contact", "phone", "main"],
      ["contact", "phone", "mobile"],
      ["contact", "phone", "business"],
    ],
    join: ", ",
  },
  {
    label: "Address",
    paths: [
      ["contact", "address", "street"],
      ["contact", "address", "postcode"],
      ["contact", "address", "town"],
      ["contact", "address", "country"],
    ],
    join: ", ",
  },
  { label: "Languages", paths: [["pii", "language", "spoken"]], join: "" },
  { label: "Devices", paths: [["devices", "names"]], join: "" },
  { label: "Likes", paths: [["preferences", "brands"], ["preferences", "colors"], ["preferences", "sizes"]], join: ", " },
];

/** The facts that a profile has. */
export function personOf(profile: Profile): LabelledFact[] {
  const interests = Object.entries(profile.interests ?? {})
    .filter(([, value]) => value > 0)
    .sort(([, one], [, other]) => other - one)
    .slice(0, SHOWN_INTERESTS)
    .map(([name]) => name);
  return [
    { label: "Customer", text: profile.primary_id ?? "" },
    ...factsAt(profile.data ?? {}, FACTS),
    { label: "Interests", text: interests.join(", ") },
    { label: "Consents", text: Object.keys(profile.consents ?? {}).join(", ") },
  ].filter(({ text }) => text !== "");
}
