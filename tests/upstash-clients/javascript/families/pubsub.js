import assert from "node:assert/strict";
import { until } from "../support.js";

/** Messages that the client gives back as they were; line breaks are no part of one in server-sent events. */
const MESSAGES = ["plain", "with, commas, ", { a: ["é"] }, 5, "😀", "x".repeat(100_000)];

async function listening(subscriber, event) {
  let count = 0;
  subscriber.on(event, (value) => {
    count = value;
  });
  await until(event, () => count === 1);
}

export async function subscriptions(redis) {
  const errors = [];
  const subscriber = redis.subscribe("chat");
  const messages = [];
  subscriber.on("error", (error) => errors.push(error));
  subscriber.on("message", ({ channel, message }) => messages.push([channel, message]));
  await listening(subscriber, "subscribe");
  for (const message of MESSAGES) {
    assert.equal(await redis.publish("chat", message), 1);
  }
  assert.equal(await redis.publish("other", "x"), 0);
  await until("every message", () => messages.length === MESSAGES.length);
  assert.deepEqual(messages, MESSAGES.map((message) => ["chat", message]));
  await subscriber.unsubscribe();
  await until("no subscriber", async () => (await redis.publish("chat", "x")) === 0);
  assert.deepEqual(errors, []);
}

export async function patterns(redis) {
  const subscriber = redis.psubscribe("news.*");
  const messages = [];
  subscriber.on("pmessage", (event) => messages.push(event));
  await listening(subscriber, "psubscribe");
  assert.equal(await redis.publish("news.art", { a: 1 }), 1);
  await until("the message", () => messages.length === 1);
  assert.deepEqual(messages, [{ pattern: "news.*", channel: "news.art", message: { a: 1 } }]);
  await subscriber.unsubscribe(["news.*"]);
  await until("no subscriber", async () => (await redis.publish("news.art", 1)) === 0);
}

export async function severalChannels(redis) {
  const subscriber = redis.subscribe(["one", "two"]);
  const seen = [];
  subscriber.on("message:one", ({ message }) => seen.push(message));
  await until("a subscriber", async () => (await redis.publish("one", "x")) === 1);
  await until("its message", () => seen.length > 0);
  assert.deepEqual(subscriber.getSubscribedChannels(), ["one", "two"]);
  await subscriber.unsubscribe();
}
