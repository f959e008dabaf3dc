import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

/** Every visitor of every page loads this script: it may not grow unnoticed. */
const MAX_GZIPPED_BYTES = 8 * 1024;

const sizeLimit = {
  name: "size-limit",
  generateBundle(_options, bundle) {
    for (const { fileName, code } of Object.values(bundle)) {
      const size = gzipSync(code).length;
      if (size > MAX_GZIPPED_BYTES) {
        this.error(`${fileName} has ${size} bytes gzipped, more than the ${MAX_GZIPPED_BYTES} that are allowed`);
      }
    }
  },
};

// One classic script, so that it works from any `<script async src>` without a module loader.
export default defineConfig({
  plugins: [sizeLimit],
  build: {
    target: "es2020",
    lib: { entry: "src/main.ts", formats: ["iife"], name: "tideline", fileName: () => "tracker.js" },
  },
});
