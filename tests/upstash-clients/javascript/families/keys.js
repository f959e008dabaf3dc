import assert from "node:assert/strict";
import { livesFor, newer } from "../support.js";

export async function keys(redis) {
  await redis.mset({ a: "1", b: "2", "c*d": "3" });
  assert.equal(await redis.exists("a", "b", "absent"), 2);
  assert.equal(await redis.type("a"), "string");
  assert.equal(await redis.type("absent"), "none");
  assert.equal(await redis.touch("a", "absent"), 1);
  assert.equal(await redis.copy("a", "a2"), "COPIED");
  assert.equal(await redis.copy("a", "a2"), "NOT_COPIED");
  assert.equal(await redis.rename("a2", "a3"), "OK");
  assert.equal(await redis.renamenx("a3", "b"), 0);
  await assert.rejects(redis.rename("absent", "x"), /ERR no such key/);
  assert.deepEqual((await redis.keys("a*")).sort(), ["a", "a3"]);
  assert.ok(["a", "a3", "b", "c*d"].includes(await redis.randomkey()));
  assert.equal(await redis.dbsize(), 4);
  assert.equal(await redis.del("a", "absent"), 1);
  assert.equal(await redis.unlink("a3"), 1);
  assert.equal(await redis.flushdb(), "OK");
  assert.equal(await redis.randomkey(), null);
  assert.equal(await redis.flushall({ async: true }), "OK");
}

export async function scans(redis) {
  const names = Array.from({ length: 200 }, (_, index) => `key:${index}`);
  await redis.mset(Object.fromEntries(names.map((name) => [name, "v"])));
  await redis.sadd("set", "member");
  const seen = new Set();
  let cursor = "0";
  do {
    const [next, found] = await redis.scan(cursor, { match: "key:*", count: 50 });
    found.forEach((name) => seen.add(name));
    cursor = next;
  } while (cursor !== "0");
  assert.deepEqual([...seen].sort(), names.sort());
  assert.deepEqual(await redis.scan(0, { type: "set", count: 1000 }), ["0", ["set"]]);
  // Only Upstash knows WITHTYPE.
  await assert.rejects(redis.scan(0, { withType: true }), /ERR syntax error/);
}

export async function expiry(redis) {
  await redis.set("k", "v");
  const later = Math.floor(Date.now() / 1000) + 1000;
  assert.equal(await redis.ttl("k"), -1);
  assert.equal(await redis.ttl("absent"), -2);
  assert.equal(await redis.expire("k", 100), 1);
  assert.equal(await redis.expire("k", 200, "NX"), 0);
  livesFor(await redis.ttl("k"), 100);
  assert.equal(await redis.pexpire("k", 50_000), 1);
  livesFor(await redis.pttl("k"), 50_000);
  assert.equal(await redis.expireat("k", later), 1);
  assert.equal(await redis.pexpireat("k", later * 1000), 1);
  assert.equal(await redis.persist("k"), 1);
  assert.equal(await redis.expire("k", -1), 1);
  assert.equal(await redis.exists("k"), 0);
}

export async function server(redis) {
  assert.equal(await redis.ping(), "PONG");
  assert.equal(await redis.ping(["é"]), "é");
  assert.equal(await redis.echo("OK"), "OK");
  const [seconds, micros] = await redis.time();
  assert.ok(Number.isInteger(seconds) && Number.isInteger(micros));
  await newer("CLIENT|SETINFO", () => redis.clientSetinfo("LIB-NAME", "x"), "OK");
  assert.deepEqual(await redis.exec(["CONFIG", "GET", "databases"]), ["databases", 16]);
  await assert.rejects(redis.exec(["NOSUCH", "a"]), /ERR unknown command 'NOSUCH', with args beginning with: 'a'/);
  await assert.rejects(redis.exec(["BLPOP", "l", "0"]), /not available over HTTP/);
}
