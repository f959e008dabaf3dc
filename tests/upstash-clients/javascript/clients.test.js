// The unmodified @upstash/redis client against the gateway, over every command family that it offers, set up in
// every way that changes what it sends or expects. The last test proves that no method was forgotten.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { client, methodsOf, noting, SETUPS } from "./support.js";
import * as collections from "./families/collections.js";
import * as keys from "./families/keys.js";
import * as scripts from "./families/scripts.js";
import * as sortedSets from "./families/sorted-sets.js";
import * as streams from "./families/streams.js";
import * as strings from "./families/strings.js";
import * as together from "./families/together.js";
import * as pubsub from "./families/pubsub.js";
import { unserved, UNSERVED } from "./families/unserved.js";

const FAMILIES = { ...strings, ...collections, ...sortedSets, ...streams, ...keys, ...scripts, ...together, ...pubsub };

/** What sends nothing by itself. */
const NO_COMMANDS = ["addTelemetry", "autoPipeline"];

const called = new Set();

for (const { name, options } of SETUPS) {
  describe(name, () => {
    for (const [family, run] of Object.entries(FAMILIES)) {
      test(family, async () => {
        await client().flushall();
        await run(noting(client(options), called), options);
      });
    }
    test("commands that this server lacks", () => unserved(client(options)));
  });
}

test("every method of the client was called", () => {
  const known = new Set([...called, ...NO_COMMANDS]);
  const forgotten = [...methodsOf(client({ enableAutoPipelining: false }))].filter(
    (method) => !known.has(method) && !UNSERVED.test(method),
  );
  assert.deepEqual(forgotten, []);
});

after(() => client().flushall());
