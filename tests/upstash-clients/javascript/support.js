// Clients for the gateway that the environment names, and what every family of tests needs.
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env;
if (!url || !token) {
  throw new Error("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN are not set: run `cargo xtask test --only clients`");
}

/** Longest that anything may take that is waited for. */
const DEADLINE_MS = 20_000;

/** Every way in which the client can be set up that changes what it sends or expects. */
export const SETUPS = [true, false].flatMap((base64) =>
  [false, true].map((enableAutoPipelining) => ({
    name: `${base64 ? "base64" : "plain"}, ${enableAutoPipelining ? "auto-pipelined" : "one request each"}`,
    options: { responseEncoding: base64 ? "base64" : false, enableAutoPipelining },
  })),
);

export function client(options = {}) {
  return new Redis({ url, token, retry: false, ...options });
}

/** The names of everything that can be called on a client. */
export function methodsOf(redis) {
  const names = new Set();
  for (let object = redis; object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) {
      const { get, value } = Object.getOwnPropertyDescriptor(object, name);
      if (!get && typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  return names;
}

/** The client itself, with a note in `called` of each of its methods that is called. */
export function noting(redis, called) {
  return new Proxy(redis, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== "function") return value;
      called.add(name);
      return value.bind(target);
    },
  });
}

/** That a time to live was set to this a moment ago, however busy the machine is. */
export function livesFor(left, set) {
  assert.ok(left > set / 2 && left <= set, `${left} of ${set}`);
}

/**
 * Checks a command that only newer servers have; an older one's own error has to come through. `expected` is a value,
 * or a function that checks one.
 */
export async function newer(command, call, expected) {
  const [known] = await client({ enableAutoPipelining: false }).exec(["COMMAND", "INFO", command]);
  if (known && typeof expected === "function") {
    expected(await call());
  } else if (known) {
    assert.deepEqual(await call(), expected, command);
  } else {
    await assert.rejects(call, /ERR unknown (sub)?command/i, command);
  }
}

/** Asks again and again until the answer is true. */
export async function until(what, condition) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `${what} did not come`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
