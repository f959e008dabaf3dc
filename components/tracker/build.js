/** `npm run build`: writes the script into `dist`. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.js";

const folder = join(import.meta.dirname, "dist");

/** What is in a file; nothing if there is none. */
function contentOf(path) {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.of();
  }
}

mkdirSync(folder, { recursive: true });
for (const [name, content] of Object.entries(await bundle())) {
  const path = join(folder, name);
  // Programs embed these files: they are not built again when nothing has changed.
  if (!contentOf(path).equals(content)) {
    writeFileSync(path, content);
  }
  console.log(`dist/${name} ${content.length} bytes`);
}
