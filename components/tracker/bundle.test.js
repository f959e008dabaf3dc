import { createHash } from "node:crypto";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundle, MAX_GZIPPED_BYTES } from "./bundle.js";

test("the script is one classic script of less than 8 kB gzipped", async () => {
  const files = await bundle();
  expect(files["tracker.js.gz"].length).toBeLessThanOrEqual(MAX_GZIPPED_BYTES);
  expect(() => new Function(files["tracker.js"].toString())).not.toThrow();
});

test("the compressed forms are the script, and the hash is the script's", async () => {
  const files = await bundle();
  expect(gunzipSync(files["tracker.js.gz"])).toEqual(files["tracker.js"]);
  expect(brotliDecompressSync(files["tracker.js.br"])).toEqual(files["tracker.js"]);
  expect(createHash("sha256").update(files["tracker.js"]).digest("hex")).toMatch(new RegExp(`^${files["tracker.hash"]}`));
  expect(files["tracker.hash"].toString()).toMatch(/^[0-9a-f]{16}$/);
});

test("the same sources give the same bytes", async () => {
  expect(await bundle()).toEqual(await bundle());
});
