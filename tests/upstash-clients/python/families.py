"""Every command family that the client offers."""

import datetime

from steps import Calls, Fails, Newer, lives_for, matches, unordered

call = Calls()

LATER = int(datetime.datetime.now().timestamp()) + 1000

# Text that breaks what does not encode it well.
TEXTS = ["", " ", "OK", "é😀", "\0\n\r\t\"\\", "null", "12345678901234567890", "x" * 100_000]

STRINGS = [
    *[step for text in TEXTS for step in (call.set("text", text) == True, call.get("text") == text)],
    call.get("absent") == None,
    call.set("k", "v", nx=True, ex=100) == True,
    call.set("k", "w", nx=True) == False,
    call.set("k", "w", xx=True, get=True, keepttl=True) == "v",
    call.ttl("k") == lives_for(100),
    call.set("document", {"a": ["é", 1.5, None, True]}) == True,
    call.get("document") == '{"a": ["\\u00e9", 1.5, null, true]}',
    call.mget("k", "absent") == ["w", None],
    call.setex("k", 50, "v") == True,
    call.psetex("k", 50_000, "v") == True,
    call.setnx("k", "x") == False,
    call.mset({"m1": "a", "m2": 2}) == True,
    call.msetnx({"m2": "x", "m3": "y"}) == False,
    call.append("k", "w") == 2,
    call.strlen("k") == 2,
    call.getrange("k", 0, 0) == "v",
    call.substr("k", 0, 0) == "v",
    call.setrange("k", 1, "xyz") == 4,
    call.getset("k", "new") == "vxyz",
    call.getex("k", ex=10) == "new",
    call.getdel("k") == "new",
]

NUMBERS = [
    call.incr("n") == 1,
    call.incrby("n", 9) == 10,
    call.decr("n") == 9,
    call.decrby("n", 10) == -1,
    call.incrbyfloat("n", 1.5) == 0.5,
    # Integers of 64 bits, to the digit, in both directions.
    call.incrby("large", 9_007_199_254_740_993) == 9_007_199_254_740_993,
    call.decrby("small", 9_223_372_036_854_775_807) == -9_223_372_036_854_775_807,
    call.incrby("large", 9_223_372_036_854_775_807) == Fails("ERR increment or decrement would overflow"),
]

BITMAPS = [
    call.setbit("b", 7, 1) == 0,
    call.getbit("b", 7) == 1,
    call.bitcount("b", 0, 0) == 1,
    call.bitpos("b", 1) == 7,
    call.bitop("OR", "all", "b", "b") == 1,
    call.bitcount("all") == 1,
]

HYPERLOGLOG = [
    call.pfadd("one", "a", "b") == True,
    call.pfadd("two", "b", "c") == True,
    call.pfcount("one", "two") == 3,
    call.pfmerge("both", "one", "two") == True,
]

HASHES = [
    call.hset("h", values={"a": 1, "b": "é"}) == 2,
    call.hset("h", "c", "OK") == 1,
    call.hget("h", "b") == "é",
    call.hgetall("h") == {"a": "1", "b": "é", "c": "OK"},
    call.hgetall("absent") == {},
    call.hmget("h", "a", "absent") == ["1", None],
    call.hmset("h", {"d": 2}) == True,
    call.hsetnx("h", "d", "x") == False,
    call.hexists("h", "d") == True,
    call.hlen("h") == 4,
    call.hkeys("h") == unordered("a", "b", "c", "d"),
    call.hvals("h") == unordered("1", "é", "OK", "2"),
    call.hstrlen("h", "b") == 2,
    call.hincrby("h", "a", 2) == 3,
    call.hincrbyfloat("h", "a", 0.5) == 3.5,
    call.hdel("h", "d", "absent") == 1,
    call.hscan("h", 0, match="[ab]") == (0, {"a": "3.5", "b": "é"}),
    call.hrandfield("h", 10, withvalues=True) == {"a": "3.5", "b": "é", "c": "OK"},
]

EXPIRING_FIELDS = [
    call.hset("h", values={"a": 1, "b": 2}) == 2,
    call.hexpire("h", "a", 100) == Newer("HEXPIRE", [1]),
    call.httl("h", ["a", "b"]) == Newer("HTTL", lambda left: lives_for(100)(left[0]) and left[1] == -1),
    call.hexpireat("h", "a", LATER) == Newer("HEXPIREAT", [1]),
    call.hexpiretime("h", "a") == Newer("HEXPIRETIME", [LATER]),
    call.hpexpireat("h", "a", LATER * 1000) == Newer("HPEXPIREAT", [1]),
    call.hpexpiretime("h", "a") == Newer("HPEXPIRETIME", [LATER * 1000]),
    call.hpersist("h", "a") == Newer("HPERSIST", [1]),
    call.hpttl("h", "a") == Newer("HPTTL", [-1]),
    call.hpexpire("h", "a", 100_000) == Newer("HPEXPIRE", [1]),
    call.hsetex("h", "c", "3", ex=100) == Newer("HSETEX", 1),
    call.hgetex("h", "c", persist=True) == Newer("HGETEX", ["3"]),
    call.hgetdel("h", "c") == Newer("HGETDEL", ["3"]),
]

LISTS = [
    call.rpush("l", "b", "c") == 2,
    call.lpush("l", "a") == 3,
    call.rpushx("absent", "x") == 0,
    call.lpushx("absent", "x") == 0,
    call.lrange("l", 0, -1) == ["a", "b", "c"],
    call.llen("l") == 3,
    call.lindex("l", -2) == "b",
    call.linsert("l", "BEFORE", "b", "a2") == 4,
    call.lset("l", 0, "a1") == True,
    call.lpos("l", "b", count=0) == [2],
    call.lrem("l", 0, "b") == 1,
    call.lmove("l", "other") == "a1",
    call.rpoplpush("other", "l") == "a1",
    call.ltrim("l", 0, 1) == "OK",
    call.lpop("l") == "a1",
    call.rpop("l", 2) == ["a2"],
    call.lpop("l") == None,
]

SETS = [
    call.sadd("one", "a", "b", "c") == 3,
    call.sadd("two", "c", "d") == 2,
    call.scard("one") == 3,
    call.sismember("one", "a") == True,
    call.smismember("one", "a", "x") == [True, False],
    call.smembers("one") == unordered("a", "b", "c"),
    call.sinter("one", "two") == ["c"],
    call.sunion("one", "two") == unordered("a", "b", "c", "d"),
    call.sdiff("one", "two") == unordered("a", "b"),
    call.sinterstore("inter", "one", "two") == 1,
    call.sunionstore("union", "one", "two") == 4,
    call.sdiffstore("diff", "one", "two") == 2,
    call.smove("one", "two", "a") == True,
    call.srem("two", "a", "x") == 1,
    call.srandmember("union", 4) == unordered("a", "b", "c", "d"),
    call.sscan("one", 0, match="b") == (0, ["b"]),
    call.spop("inter") == "c",
]

SORTED_SETS = [
    call.zadd("z", {"a": 1, "b": 2.5, "c": 3}) == 3,
    call.zadd("z", {"c": 0.5}, incr=True) == 3.5,
    call.zcard("z") == 3,
    call.zcount("z", 1, "(3.5") == 2,
    call.zscore("z", "b") == 2.5,
    call.zscore("z", "absent") == None,
    call.zmscore("z", ["a", "absent"]) == [1.0, None],
    call.zincrby("z", -0.5, "c") == 3.0,
    call.zrank("z", "b") == 1,
    call.zrevrank("z", "a") == 2,
    call.zrange("z", 0, -1, withscores=True) == [("a", 1.0), ("b", 2.5), ("c", 3.0)],
    call.zrangebyscore("z", "(1", "+inf", offset=1, count=1) == ["c"],
    call.zrevrangebyscore("z", "+inf", "-inf") == ["c", "b", "a"],
    call.zrangebylex("z", "[a", "(c") == ["a", "b"],
    call.zrevrangebylex("z", "(c", "[a") == ["b", "a"],
    call.zrevrange("z", 0, 0) == ["c"],
    call.zrangestore("copy", "z", 0, 1) == 2,
    call.zlexcount("z", "-", "+") == 3,
    call.zrandmember("copy", 2) == unordered("a", "b"),
    call.zscan("z", 0, match="a") == (0, [("a", 1.0)]),
    call.zadd("y", {"b": 10}) == 1,
    call.zinter(["z", "y"], aggregate="MAX", withscores=True) == [("b", 10.0)],
    call.zinterstore("inter", ["z", "y"]) == 1,
    call.zunion(["z", "y"], weights=[1, 2], withscores=True) == [("a", 1.0), ("c", 3.0), ("b", 22.5)],
    call.zunionstore("union", ["z", "y"]) == 3,
    call.zdiff(["z", "y"]) == ["a", "c"],
    call.zdiffstore("diff", ["z", "y"]) == 2,
    call.zrem("z", "c", "absent") == 1,
    call.zpopmin("z") == [("a", 1.0)],
    call.zpopmax("z") == [("b", 2.5)],
    call.zremrangebylex("diff", "[a", "[a") == 1,
    call.zremrangebyrank("diff", 0, 0) == 1,
    call.zremrangebyscore("union", "-inf", "+inf") == 3,
]


def members_and_distances(*expected):
    return lambda value: [(found.member, found.distance) for found in value] == list(expected)


GEO = [
    call.geoadd("g", (13.361389, 38.115556, "Palermo"), (15.087269, 37.502669, "Catania")) == 2,
    call.geodist("g", "Palermo", "Catania", unit="KM") == 166.2742,
    call.geohash("g", "Palermo") == ["sqc8b49rny0"],
    call.geopos("g", "absent") == [None],
    call.geosearch("g", longitude=15, latitude=37, unit="KM", radius=200, order="ASC", withdist=True)
    == members_and_distances(("Catania", 56.4413), ("Palermo", 190.4424)),
    call.geosearchstore("near", "g", member="Palermo", unit="KM", width=100, height=100) == 1,
    call.georadius("g", 15, 37, 200, "KM", order="DESC") == ["Palermo", "Catania"],
    call.georadius_ro("g", 15, 37, 100, "KM") == ["Catania"],
    call.georadiusbymember("g", "Palermo", 100, "KM") == ["Palermo"],
    call.georadiusbymember_ro("g", "Palermo", 100, "KM") == ["Palermo"],
]

STREAMS = [
    call.xadd("s", "1-1", {"name": "é"}) == "1-1",
    call.xadd("s", "2-1", {"a": 1, "b": 2}, maxlen=100, approximate_trim=False) == "2-1",
    call.xadd("absent", "*", {"a": 1}, nomkstream=True) == None,
    call.xlen("s") == 2,
    call.xrange("s", count=1) == [["1-1", ["name", "é"]]],
    call.xrevrange("s", count=1) == [["2-1", ["a", "1", "b", "2"]]],
    call.xread({"s": "1-1"}) == [["s", [["2-1", ["a", "1", "b", "2"]]]]],
    call.xread({"s": "$"}) == [],
    call.xgroup_create("s", "g", "0") == "OK",
    call.xgroup_create("s", "g", "0") == Fails("BUSYGROUP"),
    call.xgroup_createconsumer("s", "g", "one") == 1,
    call.xreadgroup("g", "one", {"s": ">"}, count=5) == (lambda value: len(value[0][1]) == 2),
    call.xreadgroup("g", "one", {"s": ">"}) == [],
    call.xpending("s", "g") == [2, "1-1", "2-1", [["one", "2"]]],
    call.xclaim("s", "g", "two", 0, "1-1", justid=True) == ["1-1"],
    call.xautoclaim("s", "g", "two", 0, "2-1", justid=True) == ["0-0", ["2-1"], []],
    call.xack("s", "g", "1-1") == 1,
    call.xinfo_groups("s") == (lambda value: value[0][:2] == ["name", "g"]),
    call.xinfo_consumers("s", "g") == (lambda value: len(value) == 2),
    call.xackdel("s", "g", "2-1", option="DELREF") == Newer("XACKDEL", [1]),
    call.xdelex("s", "1-1", option="DELREF") == Newer("XDELEX", [1]),
    call.xgroup_setid("s", "g", "$") == "OK",
    call.xgroup_delconsumer("s", "g", "one") == 0,
    call.xgroup_destroy("s", "g") == 1,
    call.xdel("s", "9-9") == 0,
    call.xtrim("s", maxlen=0, approximate=False) == (lambda value: value in (0, 1, 2)),
]

KEYS = [
    call.mset({"a": 1, "b": 2, "c*d": 3}) == True,
    call.exists("a", "b", "absent") == 2,
    call.type("a") == "string",
    call.touch("a", "absent") == 1,
    call.copy("a", "a2") == True,
    call.copy("a", "a2") == False,
    call.rename("a2", "a3") == True,
    call.renamenx("a3", "b") == False,
    call.rename("absent", "x") == Fails("ERR no such key"),
    call.keys("a*") == unordered("a", "a3"),
    call.randomkey() == (lambda value: value in ("a", "a3", "b", "c*d")),
    call.dbsize() == 4,
    call.scan(0, match="a*", count=1000) == (lambda value: (value[0], sorted(value[1])) == (0, ["a", "a3"])),
    call.scan(0, type="set", count=1000) == (0, []),
    call.delete("a", "absent") == 1,
    call.unlink("a3") == 1,
    call.expire("b", 100) == True,
    call.expire("b", datetime.timedelta(seconds=200), nx=True) == False,
    call.ttl("b") == lives_for(100),
    call.pexpire("b", 50_000) == True,
    call.pttl("b") == lives_for(50_000),
    call.expireat("b", LATER) == True,
    call.pexpireat("b", LATER * 1000) == True,
    call.persist("b") == True,
    call.flushdb() == True,
    call.flushall("ASYNC") == True,
]

SERVER = [
    call.ping() == "PONG",
    call.ping("é") == "é",
    call.echo("OK") == "OK",
    call.time() == (lambda value: len(value) == 2),
    call.publish("nobody", "x") == 0,
    call.client_setinfo("LIB-NAME", "x") == Newer("CLIENT|SETINFO", "OK"),
    call.execute(["CONFIG", "GET", "databases"]) == ["databases", "16"],
    call.execute(["NOSUCH", "a"]) == Fails("ERR unknown command 'NOSUCH'"),
    call.execute(["BLPOP", "l", "0"]) == Fails("not available over HTTP"),
]

SCRIPTS = [
    call.eval("return {KEYS[1], ARGV[1], 1, false}", ["k"], ["é"]) == ["k", "é", 1, None],
    call.eval("return {{1, {'a'}}, redis.status_reply('OK')}") == [[1, ["a"]], "OK"],
    call.eval_ro("return ARGV[1]", args=["OK"]) == "OK",
    call.script_flush("SYNC") == True,
    call.script_load("return ARGV[1]") == matches("[0-9a-f]{40}"),
    call.script_exists("0" * 40) == [False],
    call.evalsha("0" * 40) == Fails("NOSCRIPT"),
    call.evalsha_ro("0" * 40) == Fails("NOSCRIPT"),
    call.eval("return redis.error_reply('OWN words')") == Fails("OWN words"),
]

FAMILIES = {
    name.lower(): steps
    for name, steps in list(globals().items())
    if name.isupper() and isinstance(steps, list) and name != "TEXTS"
}
