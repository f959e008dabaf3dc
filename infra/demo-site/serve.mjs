/**
 * Serves the demo shop on loopback: `node serve.mjs PORT EDGE SOURCE`, for example
 * `node serve.mjs 8787 http://127.0.0.1:8585 shop-web`.
 *
 * It serves the files named below and nothing else, so that no path can lead out of the folder.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const [port, api, source] = process.argv.slice(2);
if (!/^\d+$/.test(port ?? "") || !api || !source) {
  console.error("usage: node serve.mjs PORT EDGE SOURCE, for example node serve.mjs 8787 http://127.0.0.1:8585 shop-web");
  process.exit(2);
}

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

const PAGES = ["index.html", "product.html", "checkout.html"];
const SCRIPTS = ["home.js", "product.js", "checkout.js", "basket.js", "catalogue.js", "element.js", "panel.js"];
const IMAGES = ["images/lantern.svg", "images/blanket.svg", "images/mug.svg"];

/** The shop's two names: a visitor stays the same from one to the other. */
const DOMAINS = ["127.0.0.1", "localhost"];

/** Which file answers which path. */
const FILES = new Map([
  ["/", "index.html"],
  ...[...PAGES, ...SCRIPTS, ...IMAGES, "shop.css"].map((name) => [`/${name}`, name]),
]);

async function contentOf(path) {
  if (path === "/config.js") {
    return { type: TYPES.js, body: `window.tidelineOptions = ${JSON.stringify({ api, source, domains: DOMAINS })};\n` };
  }
  const name = FILES.get(path);
  if (name === undefined) {
    return null;
  }
  const body = await readFile(new URL(name, import.meta.url));
  // A site writes the edge's address into its pages; here it is known only now.
  return { type: TYPES[name.split(".").at(-1)], body: PAGES.includes(name) ? String(body).replaceAll("{{edge}}", api) : body };
}

const server = createServer(async (request, response) => {
  const answer = (status, type, body) => {
    response.writeHead(status, { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  if (request.method !== "GET" && request.method !== "HEAD") {
    return answer(405, "text/plain", "only GET\n");
  }
  try {
    const content = await contentOf(new URL(request.url, "http://demo").pathname);
    return content === null ? answer(404, "text/plain", "no such page\n") : answer(200, content.type, content.body);
  } catch (error) {
    console.error(`${request.url} cannot be served: ${error.message}`);
    return answer(500, "text/plain", "this file cannot be read\n");
  }
});

server.on("error", (error) => {
  console.error(`the demo shop cannot listen on 127.0.0.1:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(port), "127.0.0.1");
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
