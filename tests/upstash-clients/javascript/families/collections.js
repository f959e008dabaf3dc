import assert from "node:assert/strict";
import { client, livesFor, newer } from "../support.js";

export async function hashes(redis) {
  assert.equal(await redis.hset("h", { a: 1, b: "é", c: { d: [1] } }), 3);
  assert.equal(await redis.hget("h", "b"), "é");
  assert.equal(await redis.hget("h", "absent"), null);
  assert.deepEqual(await redis.hgetall("h"), { a: 1, b: "é", c: { d: [1] } });
  assert.equal(await redis.hgetall("absent"), null);
  assert.deepEqual(await redis.hmget("h", "a", "absent"), { a: 1, absent: null });
  assert.equal(await redis.hmset("h", { e: "OK" }), "OK");
  assert.equal(await redis.hsetnx("h", "e", "x"), 0);
  assert.equal(await redis.hexists("h", "e"), 1);
  assert.equal(await redis.hlen("h"), 4);
  assert.deepEqual((await redis.hkeys("h")).sort(), ["a", "b", "c", "e"]);
  assert.deepEqual(await redis.hvals("h"), [1, "é", { d: [1] }, "OK"]);
  assert.equal(await redis.hstrlen("h", "b"), 2);
  assert.equal(await redis.hincrby("h", "a", 2), 3);
  assert.equal(await redis.hincrbyfloat("h", "a", 0.5), 3.5);
  assert.equal(await redis.hdel("h", "c", "absent"), 1);
  const [cursor, entries] = await redis.hscan("h", 0, { match: "[ab]", count: 100 });
  assert.equal(cursor, "0");
  assert.deepEqual([...entries].sort(), ["a", "b", "é", 3.5].sort());
  assert.ok(["a", "b", "e"].includes(await redis.hrandfield("h")));
  assert.deepEqual(await redis.hrandfield("h", 10, true), { a: 3.5, b: "é", e: "OK" });
}

export async function expiringFields(redis, options) {
  await redis.hset("h", { a: "1", b: "2" });
  const later = Math.floor(Date.now() / 1000) + 1000;
  await newer("HEXPIRE", () => redis.hexpire("h", "a", 100), [1]);
  await newer("HTTL", () => redis.httl("h", ["a", "b"]), ([a, b]) => {
    livesFor(a, 100);
    assert.equal(b, -1);
  });
  await newer("HEXPIREAT", () => redis.hexpireat("h", "a", later), [1]);
  await newer("HEXPIRETIME", () => redis.hexpiretime("h", "a"), [later]);
  await newer("HPEXPIREAT", () => redis.hpexpireat("h", "a", later * 1000), [1]);
  await newer("HPEXPIRETIME", () => redis.hpexpiretime("h", "a"), [later * 1000]);
  await newer("HPERSIST", () => redis.hpersist("h", "a"), [1]);
  await newer("HPTTL", () => redis.hpttl("h", "a"), [-1]);
  await newer("HPEXPIRE", () => redis.hpexpire("h", "a", 100_000), [1]);
  await newer("HSETEX", () => redis.hsetex("h", { expiration: { ex: 100 } }, { c: "3" }), 1);
  // When it makes pipelines by itself, the client stumbles over an error in place of these two results.
  const alone = options.enableAutoPipelining ? client({ ...options, enableAutoPipelining: false }) : redis;
  await newer("HGETEX", () => alone.hgetex("h", { persist: true }, "c"), { c: 3 });
  await newer("HGETDEL", () => alone.hgetdel("h", "c"), { c: 3 });
}

export async function lists(redis) {
  assert.equal(await redis.rpush("l", "b", { c: 1 }), 2);
  assert.equal(await redis.lpush("l", "a"), 3);
  assert.equal(await redis.rpushx("absent", "x"), 0);
  assert.equal(await redis.lpushx("absent", "x"), 0);
  assert.deepEqual(await redis.lrange("l", 0, -1), ["a", "b", { c: 1 }]);
  assert.equal(await redis.llen("l"), 3);
  assert.equal(await redis.lindex("l", -2), "b");
  assert.equal(await redis.lindex("l", 9), null);
  assert.equal(await redis.linsert("l", "before", "b", "a2"), 4);
  assert.equal(await redis.lset("l", 0, "a1"), "OK");
  assert.equal(await redis.lpos("l", "b"), 2);
  assert.deepEqual(await redis.lpos("l", "b", { count: 0 }), [2]);
  assert.equal(await redis.lrem("l", 0, "b"), 1);
  assert.equal(await redis.lmove("l", "other", "left", "right"), "a1");
  assert.deepEqual(await redis.lmpop(2, ["absent", "other"], "LEFT", 2), ["other", ["a1"]]);
  assert.equal(await redis.ltrim("l", 0, 0), "OK");
  assert.equal(await redis.lpop("l"), "a2");
  assert.equal(await redis.rpop("l"), null);
  await redis.rpush("l", 1, 2, 3);
  assert.deepEqual(await redis.lpop("l", 2), [1, 2]);
  assert.deepEqual(await redis.rpop("l", 2), [3]);
}

export async function sets(redis) {
  assert.equal(await redis.sadd("one", "a", "b", "c"), 3);
  assert.equal(await redis.sadd("two", "c", "d"), 2);
  assert.equal(await redis.scard("one"), 3);
  assert.equal(await redis.sismember("one", "a"), 1);
  assert.deepEqual(await redis.smismember("one", ["a", "x"]), [1, 0]);
  assert.deepEqual((await redis.smembers("one")).sort(), ["a", "b", "c"]);
  assert.deepEqual(await redis.sinter("one", "two"), ["c"]);
  assert.equal(await redis.sintercard(["one", "two"], { limit: 5 }), 1);
  assert.deepEqual((await redis.sunion("one", "two")).sort(), ["a", "b", "c", "d"]);
  assert.deepEqual((await redis.sdiff("one", "two")).sort(), ["a", "b"]);
  assert.equal(await redis.sinterstore("inter", "one", "two"), 1);
  assert.equal(await redis.sunionstore("union", "one", "two"), 4);
  assert.equal(await redis.sdiffstore("diff", "one", "two"), 2);
  assert.equal(await redis.smove("one", "two", "a"), 1);
  assert.equal(await redis.srem("two", "a", "x"), 1);
  assert.ok(["b", "c"].includes(await redis.srandmember("one")));
  assert.equal((await redis.srandmember("union", 2)).length, 2);
  const [cursor, members] = await redis.sscan("one", 0, { match: "*" });
  assert.deepEqual([cursor, [...members].sort()], ["0", ["b", "c"]]);
  assert.equal(await redis.spop("inter"), "c");
  assert.equal((await redis.spop("union", 3)).length, 3);
}
