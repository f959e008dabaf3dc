import assert from "node:assert/strict";

const LIBRARY = `#!lua name=clients
redis.register_function('clients_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='clients_get', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}`;

export async function scripts(redis) {
  assert.deepEqual(await redis.eval("return {KEYS[1], ARGV[1], 1, false}", ["k"], ["é"]), ["k", "é", 1, null]);
  assert.equal(await redis.evalRo("return ARGV[1]", [], ["OK"]), "OK");
  const nested = "return {{1, {'a', {'b'}}}, redis.status_reply('OK')}";
  assert.deepEqual(await redis.eval(nested, [], []), [[1, ["a", ["b"]]], "OK"]);
  const sha = await redis.scriptLoad("return ARGV[1]");
  assert.match(sha, /^[0-9a-f]{40}$/);
  assert.equal(await redis.evalsha(sha, [], ["a"]), "a");
  assert.equal(await redis.evalshaRo(sha, [], ["a"]), "a");
  assert.deepEqual(await redis.scriptExists(sha, "0".repeat(40)), [1, 0]);
  assert.equal(await redis.scriptFlush({ sync: true }), "OK");
  await assert.rejects(redis.evalsha(sha, [], ["a"]), /NOSCRIPT/);
  await assert.rejects(redis.eval("return redis.error_reply('OWN words')", [], []), /OWN words/);

  const script = redis.createScript("return ARGV[2]");
  assert.equal(await script.exec([], ["a", "b"]), "b", "loads itself after NOSCRIPT");
  assert.equal(await script.evalsha([], ["a", "b"]), "b");
  const readonly = redis.createScript("return ARGV[1]", { readonly: true });
  assert.equal(await readonly.exec([], ["a"]), "a");
}

export async function functions(redis) {
  const { functions } = redis;
  assert.equal(await functions.flush(), "OK");
  assert.equal(await functions.load({ code: LIBRARY }), "clients");
  assert.equal(await functions.load({ code: LIBRARY, replace: true }), "clients");
  await assert.rejects(functions.load({ code: LIBRARY }), /already exists/);
  assert.equal(await functions.call("clients_set", ["k"], ["v"]), "OK");
  assert.equal(await functions.callRo("clients_get", ["k"]), "v");
  const [library] = await functions.list({ libraryName: "clients", withCode: true });
  assert.deepEqual([library.libraryName, library.engine, library.libraryCode], ["clients", "LUA", LIBRARY]);
  assert.deepEqual(library.functions.map(({ name }) => name).sort(), ["clients_get", "clients_set"]);
  assert.deepEqual(await functions.stats(), { engines: { LUA: { librariesCount: 1, functionsCount: 2 } } });
  assert.equal(await functions.delete("clients"), "OK");
}
