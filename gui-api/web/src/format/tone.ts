/** Kinds of event, each with a tone of its own in the list. */

/** What an event is about. */
export type Tone = "platform" | "page" | "product" | "order" | "person" | "other";

const PLATFORM = new Set(["session-opened", "visit-started", "visit-ended", "profile-created"]);

const BY_WORD: [RegExp, Tone][] = [
  [/basket|product/, "product"],
  [/checkout|order|purchase|sale|payment|delivery/, "order"],
  [/sign-|identif|profile|consent|account|newsletter/, "person"],
  [/page|screen|search|view/, "page"],
];

/** The tone of an event type. */
export function toneOf(type: string): Tone {
  return PLATFORM.has(type) ? "platform" : (BY_WORD.find(([pattern]) => pattern.test(type))?.[1] ?? "other");
}
