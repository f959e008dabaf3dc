/** The running system that the tests look at, as the file in `TIDELINE_UP` describes it. */

import { readFileSync } from "node:fs";

const KEYS = ["edge", "gui", "demo", "source", "token"];

function read() {
  const path = process.env.TIDELINE_UP;
  if (!path) {
    throw new Error("TIDELINE_UP is not set: give it the path of the up.json that `cargo xtask up` writes");
  }
  const system = JSON.parse(readFileSync(path, "utf8"));
  const missing = KEYS.filter((key) => typeof system[key] !== "string");
  if (missing.length > 0) {
    throw new Error(`${path} lacks ${missing.join(", ")}: is it the up.json that \`cargo xtask up\` writes?`);
  }
  return system;
}

export const system = read();
