"""The unmodified upstash-redis client against the gateway, over every command family that it offers: alone, in a
pipeline, in a transaction and asynchronously, each with base64 and without. The last test proves that no method was
forgotten."""

import asyncio
import hashlib
import os
import re
import sys
import unittest
from contextlib import contextmanager
from functools import lru_cache

from families import FAMILIES
from steps import Fails, Newer
from upstash_redis import Redis
from upstash_redis.asyncio import Redis as AsyncRedis
from upstash_redis.commands import Commands
from upstash_redis.errors import UpstashError

try:
    URL = os.environ["UPSTASH_REDIS_REST_URL"]
    TOKEN = os.environ["UPSTASH_REDIS_REST_TOKEN"]
except KeyError as missing:
    sys.exit(f"{missing} is not set: run `cargo xtask test --only clients`")

ENCODINGS = ["base64", None]

CALLED = set()


@lru_cache(maxsize=None)
def client(encoding="base64", token=TOKEN):
    """A client, kept: to make one takes longer than all that a family of tests does with it."""
    return Redis(URL, token, rest_encoding=encoding, rest_retries=0)


@contextmanager
def alone(encoding):
    yield lambda step: getattr(client(encoding), step.method)(*step.arguments, **step.options)


@contextmanager
def in_a_pipeline(encoding):
    yield lambda step: in_a_batch(client(encoding).pipeline(), step)


@contextmanager
def in_a_transaction(encoding):
    yield lambda step: in_a_batch(client(encoding).multi(), step)


def in_a_batch(batch, step):
    getattr(batch, step.method)(*step.arguments, **step.options)
    [result] = batch.exec()
    return result


@contextmanager
def asynchronously(encoding):
    loop = asyncio.new_event_loop()
    redis = AsyncRedis(URL, TOKEN, rest_encoding=encoding, rest_retries=0)
    try:
        yield lambda step: loop.run_until_complete(getattr(redis, step.method)(*step.arguments, **step.options))
    finally:
        loop.run_until_complete(redis.close())
        loop.close()


WAYS = [alone, in_a_pipeline, in_a_transaction, asynchronously]


class FamilyTest(unittest.TestCase):
    def check(self, way, run, step):
        CALLED.add(step.method)
        expected = step.expected
        if isinstance(expected, Newer):
            [known] = client().execute(["COMMAND", "INFO", expected.command])
            expected = expected.expected if known else Fails("(?i)ERR unknown (sub)?command")
        if isinstance(expected, Fails):
            try:
                result = run(step)
            except UpstashError as error:
                self.assertRegex(str(error), expected.pattern)
            except (TypeError, AttributeError):
                # The client takes the one error of a transaction that is discarded for a list.
                self.assertIs(way, in_a_transaction)
            else:
                self.fail(f"{step} gave {result!r}")
            return
        result = run(step)
        if callable(expected):
            self.assertTrue(expected(result), f"{step} gave {result!r}")
        else:
            self.assertEqual(result, expected, step)


def family_test(way, encoding, steps):
    def test(self):
        client().flushall()
        with way(encoding) as run:
            for step in steps:
                self.check(way, run, step)

    return test


for family, steps in FAMILIES.items():
    for way in WAYS:
        for encoding in ENCODINGS:
            name = f"test_{family}_{way.__name__}_{'with' if encoding else 'without'}_base64"
            setattr(FamilyTest, name, family_test(way, encoding, steps))


class TogetherTest(unittest.TestCase):
    def setUp(self):
        client().flushall()

    def test_scripts_are_kept_and_run_by_their_hash(self):
        CALLED.update(["evalsha", "evalsha_ro", "script_load"])
        for encoding in ENCODINGS:
            redis = client(encoding)
            sha = redis.script_load("return ARGV[1]")
            self.assertEqual(sha, hashlib.sha1(b"return ARGV[1]").hexdigest())
            self.assertEqual(redis.evalsha(sha, args=["é"]), "é")
            self.assertEqual(redis.evalsha_ro(sha, args=["OK"]), "OK")
            self.assertEqual(redis.script_exists(sha), [True])

    def test_bitfields_are_one_command(self):
        CALLED.update(["bitfield", "bitfield_ro"])
        for encoding in ENCODINGS:
            redis = client(encoding)
            redis.delete("f")
            fields = redis.bitfield("f").set("u8", 0, 255).get("u8", 0).overflow("SAT").incrby("u8", 0, 10)
            self.assertEqual(fields.execute(), [0, 255, 255])
            self.assertEqual(redis.bitfield_ro("f").get("u8", 0).execute(), [255])

    def test_a_pipeline_is_answered_in_order(self):
        for encoding in ENCODINGS:
            client().flushall()
            pipeline = client(encoding).pipeline()
            pipeline.set("k", "OK").get("k").incr("n").lrange("absent", 0, -1).get("absent").hset("h", "a", "é")
            pipeline.hgetall("h")
            self.assertEqual(pipeline.exec(), [True, "OK", 1, [], None, 1, {"a": "é"}])

    def test_a_transaction_is_executed_as_a_whole_or_not_at_all(self):
        for encoding in ENCODINGS:
            redis = client(encoding)
            redis.flushall()
            self.assertEqual(redis.multi().set("k", "OK").mget("k", "x").incr("n").exec(), [True, ["OK", None], 1])
            # The client takes the one error for a list, whose elements it cannot read.
            with self.assertRaises((TypeError, AttributeError)):
                redis.multi().incr("n").execute(["NOSUCH"]).exec()
            self.assertEqual(redis.get("n"), "1")

    def test_own_writes_are_seen_by_the_token_that_comes_with_each(self):
        redis = client()
        tokens = [redis._sync_token]
        redis.set("k", "v")
        tokens.append(redis._sync_token)
        redis.pipeline().set("k", "w").exec()
        tokens.append(redis._sync_token)
        redis.multi().set("k", "x").exec()
        tokens.append(redis._sync_token)
        self.assertEqual(len(set(tokens)), 4, tokens)

    def test_a_token_that_does_not_open_the_gateway_is_said_to_be_wrong(self):
        with self.assertRaisesRegex(UpstashError, "WRONGPASS invalid or missing"):
            client(token="wrong").get("k")

    def test_commands_that_this_server_lacks_fail_with_its_own_words(self):
        redis = client()
        for command, run in [
            ("JSON.SET", lambda: redis.json.set("j", "$", {"a": 1})),
            ("SEARCH.COUNT", lambda: redis.search.index("i").count(filter={})),
        ]:
            [known] = redis.execute(["COMMAND", "INFO", command])
            if not known:
                with self.assertRaisesRegex(UpstashError, "ERR unknown command"):
                    run()


class CompletenessTest(unittest.TestCase):
    def test_every_method_of_the_client_was_called(self):
        methods = {name for name in vars(Commands) if re.fullmatch("[a-z][a-z_]*", name)}
        self.assertEqual(methods - CALLED, set())


def load_tests(loader, _standard, _pattern):
    """The last test looks at what the others did."""
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in [FamilyTest, TogetherTest, CompletenessTest]
    )


if __name__ == "__main__":
    result = unittest.main(exit=False, testRunner=unittest.TextTestRunner(stream=sys.stdout)).result
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)
