/**
 * What the browser tells about itself and the page, under the protocol's key names.
 *
 * Only what a page sees anyway: no cookies, no stored values, no fingerprint of the hardware, no
 * call to any other host.
 */
import type { JsonObject } from "./wire";

const UTM = ["source", "medium", "campaign", "term", "content"];

/** Order matters: each of these also names those below it in its user agent. */
const BROWSERS: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "edge"],
  [/OPR\//, "opera"],
  [/SamsungBrowser\//, "samsung"],
  [/Firefox\/|FxiOS\//, "firefox"],
  [/Chrom(e|ium)\/|CriOS\//, "chrome"],
  [/Safari\//, "safari"],
];

/** The name of a browser by its user agent. */
export function browserName(userAgent: string): string {
  return BROWSERS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? "unknown";
}

/** The campaign of a page's address; null when it names none. */
export function campaignOf(query: string): JsonObject | null {
  const given = new URLSearchParams(query);
  const utm: JsonObject = {};
  for (const name of UTM) {
    const value = given.get(`utm_${name}`);
    if (value !== null) {
      utm[name] = value;
    }
  }
  return Object.keys(utm).length === 0 ? null : utm;
}

/** The context of a request: time, browser, screen, campaign. */
export function requestContext(view: Window, now: Date): JsonObject {
  const { navigator, screen } = view;
  const utm = campaignOf(view.location.search);
  return {
    time: { local: now.toISOString(), tz: new Intl.DateTimeFormat().resolvedOptions().timeZone },
    browser: {
      local: {
        browser: {
          name: browserName(navigator.userAgent),
          engine: navigator.product,
          appVersion: navigator.appVersion,
          userAgent: navigator.userAgent,
          language: navigator.language,
          onLine: navigator.onLine,
          javaEnabled: false,
          cookieEnabled: navigator.cookieEnabled,
        },
        device: { platform: navigator.platform },
      },
    },
    screen: {
      local: {
        width: screen.width,
        height: screen.height,
        innerWidth: view.innerWidth,
        innerHeight: view.innerHeight,
        availWidth: screen.availWidth,
        availHeight: screen.availHeight,
        colorDepth: screen.colorDepth,
        pixelDepth: screen.pixelDepth,
        orientation: screen.orientation?.type ?? null,
      },
    },
    ...(utm === null ? {} : { utm }),
  };
}

/** The page that an event happened on. */
export function pageContext(view: Window): JsonObject {
  const { location, document, history } = view;
  return {
    url: location.href,
    path: location.pathname,
    hash: location.hash,
    title: document.title,
    referer: refererOf(document.referrer),
    history: { length: history.length },
  };
}

function refererOf(address: string): JsonObject {
  try {
    const { host, search } = new URL(address);
    return { host, query: search === "" ? null : search };
  } catch {
    return { host: null, query: null };
  }
}
