import { expect, test } from "vitest";
import { Visitor } from "./visitor";
import type { IdKeepers } from "./visitor";

/** A browser's cookies and storage, shared by its tabs. */
class Browser {
  jar = new Map<string, string>();
  lastCookie = "";
  stored = new Map<string, string>();
  ids = 0;

  keepers(changes: Partial<IdKeepers> = {}): IdKeepers {
    const { jar, stored } = this;
    const note = (text: string): void => {
      this.lastCookie = text;
    };
    return {
      cookies: {
        get cookie() {
          return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
        },
        set cookie(text: string) {
          note(text);
          const [name = "", value = ""] = text.split(";", 1)[0]!.split("=");
          jar.set(name, value);
        },
      },
      storage: {
        getItem: (key) => stored.get(key) ?? null,
        setItem: (key, value) => void stored.set(key, value),
      },
      secure: false,
      exclusively: async (task) => task(),
      newId: () => `id-${++this.ids}`,
      ...changes,
    };
  }
}

test("ids stay the same from request to request, and every request prolongs the session", async () => {
  const browser = new Browser();
  const first = await new Visitor(browser.keepers()).ids();
  browser.lastCookie = "";
  expect(await new Visitor(browser.keepers()).ids()).toEqual(first);
  expect(browser.lastCookie).toContain("max-age=1800");
});

test("an expired session is followed by a new one of the same profile", async () => {
  const browser = new Browser();
  const visitor = new Visitor(browser.keepers());
  const first = await visitor.ids();
  visitor.remember("profile-1");
  browser.jar.clear();
  const second = await visitor.ids();
  expect(second.session).not.toBe(first.session);
  expect(second.profile).toBe("profile-1");
});

test("the latest answer's profile replaces an earlier one", async () => {
  const visitor = new Visitor(new Browser().keepers());
  visitor.remember("profile-1");
  visitor.remember("profile-2");
  expect((await visitor.ids()).profile).toBe("profile-2");
});

test("tabs that begin together share the session of the one that came first", async () => {
  const browser = new Browser();
  let queue: Promise<unknown> = Promise.resolve();
  const exclusively = <T>(task: () => T): Promise<T> => {
    const turn = queue.then(task);
    queue = turn;
    return turn;
  };
  const tabs = [1, 2, 3].map(() => new Visitor(browser.keepers({ exclusively })));
  const ids = await Promise.all(tabs.map((tab) => tab.ids()));
  expect(new Set(ids.map(({ session }) => session)).size).toBe(1);
});

test("a browser that keeps nothing still has the same ids while the page lives", async () => {
  const forbidden = {
    getItem: () => null,
    setItem: () => {
      throw new Error("forbidden");
    },
  };
  const deaf = { get cookie() { return ""; }, set cookie(_) {} };
  const visitor = new Visitor(new Browser().keepers({ cookies: deaf, storage: forbidden }));
  const first = await visitor.ids();
  visitor.remember("profile-1");
  expect(await visitor.ids()).toEqual({ ...first, profile: "profile-1" });
});

test("on a secure page the cookie never leaves TLS", async () => {
  const browser = new Browser();
  await new Visitor(browser.keepers({ secure: true })).ids();
  expect(browser.lastCookie).toContain("; secure");
});
