/**
 * The ids that this browser keeps: session, profile and device.
 *
 * The names of cookie and storage keys are those that trackers of this protocol already use, so a
 * visitor whom a site knows stays known when the site changes to this script. A browser that refuses
 * cookies or storage still sends events: its ids then live as long as the page.
 */
import type { VisitorIds } from "./wire";

const SESSION_COOKIE = "tracardi-session-id";
const PROFILE_KEY = "tracardi-profile-id";
const DEVICE_KEY = "tracardi-device-id";

/** A session ends after this many seconds without an event. */
export const SESSION_SECONDS = 30 * 60;

/** The parts of a browser that keep ids. */
export interface IdKeepers {
  /** `document`, for its cookies. */
  cookies: { cookie: string };
  /** `localStorage`; null where the browser refuses it. */
  storage: Pick<Storage, "getItem" | "setItem"> | null;
  /** Whether the page came over TLS: its cookie then never leaves TLS. */
  secure: boolean;
  /** Runs a task while no other tab runs one; tasks run at once where the browser has no locks. */
  exclusively: <T>(task: () => T) => Promise<T>;
  /** A new random UUID. */
  newId: () => string;
}

/** Reads, creates and remembers the ids. */
export class Visitor {
  readonly #keepers: IdKeepers;
  /** What the browser would not keep. */
  readonly #memory = new Map<string, string>();

  constructor(keepers: IdKeepers) {
    this.#keepers = keepers;
  }

  /** The ids for a request that goes out now; it prolongs the session. */
  async ids(): Promise<VisitorIds> {
    // Two tabs that open at the same moment must not begin two sessions.
    return this.#session() === null ? this.#keepers.exclusively(() => this.idsNow()) : this.idsNow();
  }

  /** The same without waiting for other tabs: for the moment when the page goes away. */
  idsNow(): VisitorIds {
    const session = this.#session() ?? this.#keepers.newId();
    this.#keepSession(session);
    return { session: this.#session() ?? session, profile: this.profile(), device: this.#device() };
  }

  /** The profile id of the latest answer; null before there was one. */
  profile(): string | null {
    return this.#stored(PROFILE_KEY);
  }

  /** Keeps the profile id of the latest answer: the server decides who this is. */
  remember(profile: string): void {
    this.#store(PROFILE_KEY, profile);
  }

  #session(): string | null {
    for (const pair of this.#keepers.cookies.cookie.split(";")) {
      const [name, value] = pair.trim().split("=", 2);
      if (name === SESSION_COOKIE && value) {
        return value;
      }
    }
    return this.#memory.get(SESSION_COOKIE) ?? null;
  }

  #keepSession(id: string): void {
    const secure = this.#keepers.secure ? "; secure" : "";
    this.#keepers.cookies.cookie = `${SESSION_COOKIE}=${id}; path=/; max-age=${SESSION_SECONDS}; samesite=lax${secure}`;
    if (!this.#keepers.cookies.cookie.includes(SESSION_COOKIE)) {
      this.#memory.set(SESSION_COOKIE, id);
    }
  }

  #device(): string {
    const known = this.#stored(DEVICE_KEY);
    if (known !== null) {
      return known;
    }
    const id = this.#keepers.newId();
    this.#store(DEVICE_KEY, id);
    return id;
  }

  #stored(key: string): string | null {
    return this.#memory.get(key) ?? this.#keepers.storage?.getItem(key) ?? null;
  }

  #store(key: string, value: string): void {
    try {
      if (this.#keepers.storage !== null) {
        this.#keepers.storage.setItem(key, value);
        this.#memory.delete(key);
        return;
      }
    } catch {
      // Full, or forbidden for this site.
    }
    this.#memory.set(key, value);
  }
}
