import assert from "node:assert/strict";

export async function sortedSets(redis) {
  const members = [
    { score: 1, member: "a" },
    { score: 2.5, member: "b" },
    { score: 3, member: "c" },
  ];
  assert.equal(await redis.zadd("z", ...members), 3);
  assert.equal(await redis.zadd("z", { nx: true, ch: true }, { score: 9, member: "a" }), 0);
  assert.equal(await redis.zadd("z", { incr: true }, { score: 0.5, member: "c" }), 3.5);
  assert.equal(await redis.zcard("z"), 3);
  assert.equal(await redis.zcount("z", 1, "(3.5"), 2);
  assert.equal(await redis.zscore("z", "b"), 2.5);
  assert.equal(await redis.zscore("z", "absent"), null);
  assert.deepEqual(await redis.zmscore("z", ["a", "absent"]), [1, null]);
  assert.equal(await redis.zincrby("z", -0.5, "c"), 3);
  assert.equal(await redis.zrank("z", "b"), 1);
  assert.equal(await redis.zrevrank("z", "a"), 2);
  assert.deepEqual(await redis.zrange("z", 0, -1), ["a", "b", "c"]);
  assert.deepEqual(await redis.zrange("z", 0, 1, { rev: true, withScores: true }), ["c", 3, "b", 2.5]);
  assert.deepEqual(await redis.zrange("z", "(1", "+inf", { byScore: true, offset: 1, count: 1 }), ["c"]);
  assert.deepEqual(await redis.zrange("z", "[a", "(c", { byLex: true }), ["a", "b"]);
  const [cursor, entries] = await redis.zscan("z", 0, { match: "a" });
  assert.deepEqual([cursor, entries], ["0", ["a", 1]]);
  assert.equal(await redis.zrem("z", "c", "absent"), 1);
  assert.deepEqual(await redis.zpopmin("z"), ["a", 1]);
  assert.deepEqual(await redis.zpopmax("z", 2), ["b", 2.5]);
}

export async function sortedSetsTogether(redis) {
  await redis.zadd("one", { score: 1, member: "a" }, { score: 2, member: "b" });
  await redis.zadd("two", { score: 3, member: "b" }, { score: 4, member: "c" });
  assert.equal(await redis.zinterstore("inter", 2, ["one", "two"], { aggregate: "max" }), 1);
  assert.deepEqual(await redis.zrange("inter", 0, -1, { withScores: true }), ["b", 3]);
  assert.equal(await redis.zunionstore("union", 2, ["one", "two"], { weights: [1, 10] }), 3);
  assert.equal(await redis.zscore("union", "b"), 32);
  assert.deepEqual(await redis.zunion(2, ["one", "two"], { withScores: true }), ["a", 1, "c", 4, "b", 5]);
  assert.equal(await redis.zdiffstore("diff", 2, "one", "two"), 1);
  await redis.zadd("lex", ...["a", "b", "c", "d", "e"].map((member) => ({ score: 0, member })));
  assert.equal(await redis.zlexcount("lex", "[a", "(c"), 2);
  assert.equal(await redis.zremrangebylex("lex", "[a", "[a"), 1);
  assert.equal(await redis.zremrangebyrank("lex", 0, 0), 1);
  assert.equal(await redis.zremrangebyscore("lex", "-inf", "+inf"), 3);
}

export async function geo(redis) {
  const palermo = { longitude: 13.361389, latitude: 38.115556, member: "Palermo" };
  const catania = { longitude: 15.087269, latitude: 37.502669, member: "Catania" };
  assert.equal(await redis.geoadd("g", palermo, catania), 2);
  assert.equal(await redis.geodist("g", "Palermo", "Catania", "KM"), 166.2742);
  assert.deepEqual(await redis.geohash("g", "Palermo", "Catania"), ["sqc8b49rny0", "sqdtr74hyu0"]);
  const [{ lng, lat }] = await redis.geopos("g", "Palermo");
  assert.ok(Math.abs(lng - palermo.longitude) < 1e-4 && Math.abs(lat - palermo.latitude) < 1e-4);
  const center = { type: "FROMLONLAT", coordinate: { lon: 15, lat: 37 } };
  const shape = { type: "BYRADIUS", radius: 200, radiusType: "KM" };
  const found = await redis.geosearch("g", center, shape, "ASC", { withDist: true, withCoord: true, withHash: true });
  assert.deepEqual(found.map(({ member, dist }) => [member, dist]), [["Catania", 56.4413], ["Palermo", 190.4424]]);
  const box = { type: "BYBOX", rect: { width: 100, height: 100 }, rectType: "KM" };
  const member = { type: "FROMMEMBER", member: "Palermo" };
  assert.equal(await redis.geosearchstore("near", "g", member, box, "ASC", { storeDist: true }), 1);
}
