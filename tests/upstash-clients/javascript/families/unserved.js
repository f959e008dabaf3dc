// Commands that the client offers and a plain Redis lacks: the server's own error has to come through.
import { newer } from "../support.js";

/** The client's methods for Redis' arrays. */
export const UNSERVED = /^ar[a-z]+$/;

export async function unserved(redis) {
  await redis.del("j", "array");
  await newer("JSON.SET", () => redis.json.set("j", "$", { a: 1 }), "OK");
  await newer("JSON.GET", () => redis.json.get("j", "$.a"), [1]);
  await newer("ARSET", () => redis.arset("array", 0, "a"), 1);
}
