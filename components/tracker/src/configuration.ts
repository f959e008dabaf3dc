/**
 * What a page configures: in `window.tidelineOptions`, else as attributes of the script tag.
 */

/** The configuration, complete. */
export type Configuration = Required<Tideline.Options>;

/**
 * Reads the configuration: `options` (`window.tidelineOptions`) wins over `attributes`
 * (`data-api`, `data-source`, … of the script tag). A string is what is wrong, for the page's developer.
 */
export function readConfiguration(options: unknown, attributes: DOMStringMap | undefined): Configuration | string {
  const given = (name: keyof Configuration): unknown => {
    const option = typeof options === "object" && options !== null ? (options as Record<string, unknown>)[name] : null;
    return option ?? attributes?.[name];
  };
  const text = (name: "api" | "source"): string => String(given(name) ?? "").trim();
  const api = text("api").replace(/\/+$/, "");
  const source = text("source");
  if (!/^https?:\/\/[^/]/.test(api)) {
    return `the address of the edge is missing or no http address (\`${api}\`): set data-api="https://…" on the script tag or window.tidelineOptions.api`;
  }
  if (source === "") {
    return 'the event source is missing: set data-source="…" on the script tag or window.tidelineOptions.source';
  }
  const domains = readDomains(given("domains"));
  if (typeof domains === "string") {
    return domains;
  }
  return { api, source, domains, doNotTrack: ["", "true", true].includes(given("doNotTrack") as string | boolean) };
}

/** Hosts as they stand in a link's address: lower case, in the form that goes over the wire. */
function readDomains(given: unknown): string[] | string {
  const names = Array.isArray(given) ? given.map(String) : String(given ?? "").split(/[\s,]+/);
  const domains: string[] = [];
  for (const name of names.filter((one) => one !== "")) {
    try {
      domains.push(new URL(/^https?:\/\//.test(name) ? name : `https://${name}`).host);
    } catch {
      return `\`${name}\` is no host: set data-domains="shop.example other.example" on the script tag or window.tidelineOptions.domains`;
    }
  }
  return domains;
}
