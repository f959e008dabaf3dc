/**
 * Where events go and under which source: from `window.tidelineOptions`, else from the script tag.
 */

/** What a page configures. */
export interface Configuration {
  /** The edge's address, without `/track`: `https://collect.example.com`. */
  api: string;
  /** The event source's id. */
  source: string;
}

/**
 * Reads the configuration: `options` (`window.tidelineOptions`) wins over `attributes`
 * (`data-api`, `data-source` of the script tag). A string is what is wrong, for the page's developer.
 */
export function readConfiguration(options: unknown, attributes: DOMStringMap | undefined): Configuration | string {
  const given = (name: "api" | "source"): string => {
    const option = typeof options === "object" && options !== null ? (options as Record<string, unknown>)[name] : null;
    return String(option ?? attributes?.[name] ?? "").trim();
  };
  const api = given("api").replace(/\/+$/, "");
  const source = given("source");
  if (!/^https?:\/\/[^/]/.test(api)) {
    return `the address of the edge is missing or no http address (\`${api}\`): set data-api="https://…" on the script tag or window.tidelineOptions.api`;
  }
  if (source === "") {
    return 'the event source is missing: set data-source="…" on the script tag or window.tidelineOptions.source';
  }
  return { api, source };
}
