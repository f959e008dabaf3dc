import assert from "node:assert/strict";
import { newer } from "../support.js";

export async function streams(redis) {
  assert.equal(await redis.xadd("s", "1-1", { name: "é", count: 1 }), "1-1");
  assert.match(await redis.xadd("s", "*", { name: "b" }), /^\d+-\d+$/);
  assert.equal(await redis.xadd("absent", "*", { a: 1 }, { nomkStream: true }), null);
  assert.equal(await redis.xlen("s"), 2);
  assert.deepEqual(await redis.xrange("s", "-", "+", 1), { "1-1": { name: "é", count: 1 } });
  assert.equal(Object.keys(await redis.xrevrange("s", "+", "-")).length, 2);
  const [[stream, [[id, fields]]]] = await redis.xread("s", "0", { count: 1 });
  assert.deepEqual([stream, id, fields], ["s", "1-1", ["name", "é", "count", 1]]);
  assert.equal(await redis.xread("s", "$"), null);
  await assert.rejects(redis.xread("s", "$", { blockMS: 10 }), /not available over HTTP/);
  assert.equal(await redis.xdel("s", "1-1"), 1);
  assert.equal(await redis.xtrim("s", { strategy: "MAXLEN", threshold: 0, exactness: "=" }), 1);
}

export async function consumerGroups(redis) {
  const group = { type: "CREATE", group: "g", id: "0", options: { MKSTREAM: true } };
  assert.equal(await redis.xgroup("s", group), "OK");
  await assert.rejects(redis.xgroup("s", group), /BUSYGROUP/);
  assert.equal(await redis.xgroup("s", { type: "CREATECONSUMER", group: "g", consumer: "one" }), 1);
  for (const id of ["1-1", "2-1", "3-1"]) await redis.xadd("s", id, { a: id });
  const [[, read]] = await redis.xreadgroup("g", "one", "s", ">", { count: 3 });
  assert.deepEqual(read.map(([id]) => id), ["1-1", "2-1", "3-1"]);
  assert.equal(await redis.xreadgroup("g", "one", "s", ">"), null);
  assert.equal(await redis.xack("s", "g", "1-1"), 1);
  const pending = await redis.xpending("s", "g", "-", "+", 10);
  assert.deepEqual(pending.map(([id, consumer]) => [id, consumer]), [["2-1", "one"], ["3-1", "one"]]);
  const [[claimed]] = await redis.xclaim("s", "g", "two", 0, "2-1");
  assert.equal(claimed, "2-1");
  const [next, [[taken]], deleted] = await redis.xautoclaim("s", "g", "two", 0, "3-1");
  assert.deepEqual([next, taken, deleted], ["0-0", "3-1", []]);
  const groups = await redis.xinfo("s", { type: "GROUPS" });
  assert.deepEqual(groups[0].slice(0, 4), ["name", "g", "consumers", 2]);
  assert.equal((await redis.xinfo("s", { type: "CONSUMERS", group: "g" })).length, 2);
  await newer("XACKDEL", () => redis.xackdel("s", "g", "DELREF", "2-1"), [1]);
  await newer("XDELEX", () => redis.xdelex("s", "DELREF", "3-1"), [1]);
  assert.equal(await redis.xgroup("s", { type: "SETID", group: "g", id: "$" }), "OK");
  assert.equal(await redis.xgroup("s", { type: "DELCONSUMER", group: "g", consumer: "one" }), 0);
  assert.equal(await redis.xgroup("s", { type: "DESTROY", group: "g" }), 1);
}
