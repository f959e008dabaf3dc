/** Makes the script from its sources, in all forms in which it is served. The same sources give the same bytes. */

import { createHash } from "node:crypto";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

/** Every visitor of every page loads this script: it may not grow unnoticed. */
export const MAX_GZIPPED_BYTES = 8 * 1024;

/** The files of `dist`, by name. */
export async function bundle() {
  const script = await compile();
  const files = {
    "tracker.js": script,
    "tracker.js.gz": gzip(script),
    "tracker.js.br": brotliCompressSync(script, {
      params: {
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: script.length,
      },
    }),
    // Part of the name under which browsers may keep it for ever.
    "tracker.hash": Buffer.from(createHash("sha256").update(script).digest("hex").slice(0, 16)),
  };
  const size = files["tracker.js.gz"].length;
  if (size > MAX_GZIPPED_BYTES) {
    throw new Error(`the script has ${size} bytes gzipped, more than the ${MAX_GZIPPED_BYTES} that are allowed`);
  }
  return files;
}

/** One classic script, so that it works from any `<script async src>` without a module loader. */
async function compile() {
  const [{ output }] = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "warn",
    build: {
      target: "es2020",
      write: false,
      lib: { entry: "src/main.ts", formats: ["iife"], name: "tideline", fileName: () => "tracker.js" },
    },
  });
  return Buffer.from(output[0].code);
}

function gzip(script) {
  const compressed = gzipSync(script, { level: constants.Z_BEST_COMPRESSION });
  // The header names the system that compressed: 255 is "unknown" (RFC 1952 §2.3.1).
  compressed[9] = 255;
  return compressed;
}
