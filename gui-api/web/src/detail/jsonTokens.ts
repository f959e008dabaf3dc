/** Splits indented JSON into coloured pieces. */

/** A piece of JSON text. */
export interface JsonToken {
  kind: "key" | "text" | "number" | "literal" | "plain";
  text: string;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/g;

/** The pieces of `json`; together they are the same text. */
export function jsonTokens(json: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  let end = 0;
  for (const match of json.matchAll(TOKEN)) {
    const [whole, string, colon, number] = match;
    if (match.index > end) {
      tokens.push({ kind: "plain", text: json.slice(end, match.index) });
    }
    if (string === undefined) {
      tokens.push({ kind: number === undefined ? "literal" : "number", text: whole });
    } else {
      tokens.push({ kind: colon === undefined ? "text" : "key", text: string });
      if (colon !== undefined) {
        tokens.push({ kind: "plain", text: colon });
      }
    }
    end = match.index + whole.length;
  }
  tokens.push({ kind: "plain", text: json.slice(end) });
  return tokens;
}
