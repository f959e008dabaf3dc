import assert from "node:assert/strict";
import { client, livesFor } from "../support.js";

/** Text that breaks what does not encode it well, none of it JSON, which the client would parse. */
const TEXTS = ["", " ", "OK", "é😀", "\u0000\n\r\t\"\\", "null?", "a/b%2Fc?d=e&f#g", "x".repeat(100_000)];

export async function strings(redis) {
  for (const [index, text] of TEXTS.entries()) {
    assert.equal(await redis.set(`text${index}`, text), "OK");
    assert.equal(await redis.get(`text${index}`), text);
  }
  assert.deepEqual(await redis.mget(...TEXTS.map((_, index) => `text${index}`)), TEXTS);
  const document = { a: [1, 2.5, null, true], "b\"": { c: "é" } };
  await redis.set("document", document);
  assert.deepEqual(await redis.get("document"), document);
  assert.equal(await redis.get("absent"), null);
  assert.deepEqual(await redis.mget("document", "absent"), [document, null]);

  assert.equal(await redis.set("k", "v", { nx: true, ex: 100 }), "OK");
  assert.equal(await redis.set("k", "w", { nx: true }), null);
  assert.equal(await redis.set("k", "w", { xx: true, get: true, keepTtl: true }), "v");
  livesFor(await redis.ttl("k"), 100);
  assert.equal(await redis.setex("k", 50, "v"), "OK");
  assert.equal(await redis.psetex("k", 50_000, "v"), "OK");
  assert.equal(await redis.setnx("k", "x"), 0);
  assert.equal(await redis.mset({ m1: "a", m2: 2 }), "OK");
  assert.equal(await redis.msetnx({ m2: "x", m3: "y" }), 0);
  assert.equal(await redis.append("k", "w"), 2);
  assert.equal(await redis.strlen("k"), 2);
  assert.equal(await redis.getrange("k", 0, 0), "v");
  assert.equal(await redis.setrange("k", 1, "xyz"), 4);
  assert.equal(await redis.getset("k", "new"), "vxyz");
  assert.equal(await redis.getex("k", { ex: 10 }), "new");
  livesFor(await redis.ttl("k"), 10);
  assert.equal(await redis.getdel("k"), "new");
  assert.equal(await redis.getdel("k"), null);
}

export async function numbers(redis) {
  assert.equal(await redis.incr("n"), 1);
  assert.equal(await redis.incrby("n", 9), 10);
  assert.equal(await redis.decr("n"), 9);
  assert.equal(await redis.decrby("n", 10), -1);
  assert.equal(await redis.incrbyfloat("n", 1.5), 0.5);
  assert.equal(await redis.set("safe", Number.MAX_SAFE_INTEGER - 1), "OK");
  assert.equal(await redis.incr("safe"), Number.MAX_SAFE_INTEGER);
  // JavaScript has no such integer; the client gives the text when the gateway has kept the digits.
  await redis.set("big", "12345678901234567890");
  assert.equal(await redis.get("big"), "12345678901234567890");
  await assert.rejects(redis.incr("big"), /ERR value is not an integer or out of range/);
}

export async function bitmaps(redis, options) {
  assert.equal(await redis.setbit("b", 7, 1), 0);
  assert.equal(await redis.getbit("b", 7), 1);
  assert.equal(await redis.bitcount("b"), 1);
  assert.equal(await redis.bitcount("b", 0, 0), 1);
  assert.equal(await redis.bitpos("b", 1), 7);
  assert.equal(await redis.bitpos("b", 1, 0, 0), 7);
  assert.equal(await redis.bitop("not", "inverse", "b"), 1);
  assert.equal(await redis.bitop("or", "all", "b", "inverse"), 1);
  assert.equal(await redis.bitcount("all"), 8);
  // The client cannot chain this command when it makes pipelines by itself.
  const chaining = options.enableAutoPipelining ? client({ ...options, enableAutoPipelining: false }) : redis;
  const fields = chaining.bitfield("fields").set("u8", 0, 255).get("u8", 0).overflow("SAT").incrby("u8", 0, 10);
  assert.deepEqual(await fields.exec(), [0, 255, 255]);
}

export async function hyperloglog(redis) {
  assert.equal(await redis.pfadd("one", "a", "b"), 1);
  assert.equal(await redis.pfadd("two", "b", "c"), 1);
  assert.equal(await redis.pfcount("one", "two"), 3);
  assert.equal(await redis.pfmerge("both", "one", "two"), "OK");
  assert.equal(await redis.pfcount("both"), 3);
}
