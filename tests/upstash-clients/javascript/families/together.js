// Several commands in one request: pipelines, transactions, and what the client makes pipelines of by itself.
import assert from "node:assert/strict";
import { client } from "../support.js";

export async function pipelines(redis) {
  const pipeline = redis.pipeline().set("k", { a: 1 }).get("k").incr("n").lrange("absent", 0, -1).get("absent");
  assert.equal(pipeline.length(), 5);
  assert.deepEqual(await pipeline.exec(), ["OK", { a: 1 }, 1, [], null]);
  const failing = () => redis.pipeline().incr("n").lpush("k", "x").incr("n");
  await assert.rejects(failing().exec(), /Command 2 \[ lpush \] failed: WRONGTYPE/);
  const kept = await failing().exec({ keepErrors: true });
  assert.deepEqual([kept[0].result, kept[2].result], [4, 5]);
  assert.match(kept[1].error, /^WRONGTYPE/);
  const many = redis.pipeline();
  for (let number = 0; number < 200; number += 1) many.echo(String(number));
  assert.deepEqual(await many.exec(), Array.from({ length: 200 }, (_, number) => number));
}

export async function transactions(redis) {
  const results = await redis.multi().set("k", "OK").mget("k", "absent").incr("n").hset("h", { a: 1 }).hgetall("h").exec();
  assert.deepEqual(results, ["OK", ["OK", null], 1, 1, { a: 1 }]);
  const kept = await redis.multi().lpush("k", "x").incr("n").exec({ keepErrors: true });
  assert.match(kept[0].error, /^WRONGTYPE/);
  assert.equal(kept[1].result, 2, "the others are executed all the same");
  const discarded = redis.multi().incr("n").del();
  await assert.rejects(discarded.exec(), /ERR wrong number of arguments for 'del' command/);
  assert.equal(await redis.get("n"), 2, "nothing was executed");

  await redis.set("n", 0);
  await Promise.all(Array.from({ length: 50 }, () => redis.multi().incr("n").incr("n").exec()));
  assert.equal(await redis.get("n"), 100);
}

export async function manyAtOnce(redis, options) {
  const echoes = await Promise.all(Array.from({ length: 300 }, (_, number) => redis.incrby("n", 1).then(() => number)));
  assert.deepEqual(echoes, Array.from({ length: 300 }, (_, number) => number));
  assert.equal(await redis.get("n"), 300);
  if (options.enableAutoPipelining) {
    const before = redis.pipelineCounter;
    await Promise.all([redis.set("a", 1), redis.incr("a"), redis.decr("a")]);
    assert.equal(redis.pipelineCounter, before + 1, "one request for all three");
    const [set, wrong] = await Promise.allSettled([redis.set("a", 1), redis.lpush("a", 1)]);
    assert.deepEqual([set.value, wrong.status], ["OK", "rejected"]);
    assert.match(wrong.reason.message, /WRONGTYPE/);
  }
}

export async function requests(redis) {
  const seen = [];
  redis.use((request, next) => {
    seen.push(request.body);
    return next(request);
  });
  await redis.get("k");
  assert.equal(seen.length, 1);
}

export async function ownWrites() {
  const redis = client({ enableAutoPipelining: false });
  const tokens = [redis.readYourWritesSyncToken];
  await redis.set("k", "v");
  tokens.push(redis.readYourWritesSyncToken);
  await redis.pipeline().set("k", "w").exec();
  tokens.push(redis.readYourWritesSyncToken);
  await redis.multi().set("k", "x").exec();
  tokens.push(redis.readYourWritesSyncToken);
  assert.equal(new Set(tokens).size, 4, String(tokens));
  assert.equal(await redis.get("k"), "x");
}

export async function refusals(redis, options) {
  const stranger = client({ ...options, token: "wrong" });
  await assert.rejects(stranger.get("k"), /WRONGPASS invalid or missing auth token/);
  await assert.rejects(redis.set("k", undefined), /ERR null args are not supported/);
}
