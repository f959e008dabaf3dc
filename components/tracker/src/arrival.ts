/**
 * A visitor who arrives from another site of the same owner: the address tells who it is.
 *
 * The pass is taken out of the address bar at once, so that an address that is copied or shared passes
 * nobody on, and goes out with every request until the edge has answered one. Should a page go before
 * that, for example because it leads on by itself, the next page of the tab does so.
 */
import { takePass } from "./pass";
import type { Pass } from "./pass";
import { isObject } from "./wire";
import type { JsonObject } from "./wire";

const KEY = "tideline-pass";

/** The pass of this tab's arrival, until it is delivered. */
export class Arrival {
  readonly #storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  #pass: Pass | null;

  /** `pass` is that of the address; `storage` lives as long as the tab. */
  constructor(pass: Pass | null, storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null) {
    this.#storage = storage;
    this.#pass = pass ?? this.#remembered();
    if (pass !== null) {
      this.#try((kept) => kept.setItem(KEY, JSON.stringify(pass)));
    }
  }

  /** What it adds to a request's context. */
  context(): JsonObject {
    return this.#pass === null ? {} : { tracardi: { pass: this.#pass } };
  }

  /** The edge has answered a request. */
  delivered(): void {
    if (this.#pass !== null) {
      this.#pass = null;
      this.#try((storage) => storage.removeItem(KEY));
    }
  }

  #remembered(): Pass | null {
    return this.#try((storage) => {
      const pass: unknown = JSON.parse(storage.getItem(KEY) ?? "null");
      return isObject(pass) && typeof pass["profile"] === "string" ? (pass as unknown as Pass) : null;
    });
  }

  #try<T>(task: (storage: Pick<Storage, "getItem" | "setItem" | "removeItem">) => T): T | null {
    try {
      return this.#storage && task(this.#storage);
    } catch {
      return null;
    }
  }
}

/** Takes the pass out of a page's address. */
export function passOfAddress({ location, history }: Pick<Window, "location" | "history">): Pass | null {
  const { pass, address } = takePass(new URL(location.href));
  if (address !== location.href) {
    try {
      history.replaceState(history.state, "", address);
    } catch {
      // A sandboxed page may not: its address keeps the pass.
    }
  }
  return pass;
}
