/**
 * Reads server-sent events (HTML standard, section 9.2.6) out of text that comes in pieces.
 *
 * `EventSource` cannot send an `Authorization` header, so the stream is read with fetch and parsed
 * here. `retry` is left out: the reader has its own backoff.
 */

/** One message of the stream. */
export interface SseMessage {
  /** Its name; `message` when the stream gives none. */
  event: string;
  data: string;
  /** The latest id that the stream gave. */
  id: string;
}

/** The most characters that one message may have before it is complete. */
export const MAX_MESSAGE = 4 * 1024 * 1024;

/** A parser for one stream, fed from its beginning to its end. */
export class SseParser {
  #rest = "";
  #started = false;
  #event = "";
  #data: string[] = [];
  #size = 0;
  #id = "";

  /** Takes the next piece and returns the messages that it completes. */
  push(piece: string): SseMessage[] {
    let text = this.#rest + piece;
    if (!this.#started && text !== "") {
      this.#started = true;
      text = text.replace(/^\uFEFF/, "");
    }
    const messages: SseMessage[] = [];
    let begin = 0;
    // A carriage return at the very end may be half of a line end: it waits for the next piece.
    for (const end of text.matchAll(/\r\n|\n|\r(?!$)/g)) {
      const message = this.#line(text.slice(begin, end.index));
      begin = end.index + end[0].length;
      if (message !== null) {
        messages.push(message);
      }
    }
    this.#rest = text.slice(begin);
    if (this.#rest.length + this.#size > MAX_MESSAGE) {
      throw new Error(`a message of the stream has more than ${MAX_MESSAGE} characters`);
    }
    return messages;
  }

  #line(line: string): SseMessage | null {
    if (line === "") {
      return this.#dispatch();
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") {
      this.#event = value;
    } else if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    }
    return null;
  }

  #dispatch(): SseMessage | null {
    const data = this.#data.join("\n");
    const message = this.#data.length === 0 ? null : { event: this.#event || "message", data, id: this.#id };
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    return message;
  }
}
