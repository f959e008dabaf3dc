/**
 * What travels in a link's query with a visitor who goes from one site of an owner to another.
 *
 * The names of the parameters are those that clients of the protocol use, so sites with this tracker
 * and sites with another understand each other.
 */

/** Who comes, and by which event source that is known; under the protocol's key names. */
export interface Pass {
  profile: string;
  source?: string;
  session?: string;
}

const PARAMETERS = { profile: "__tr_pid", source: "__tr_src", session: "__tr_sid" };

/** Ids are no longer than this at the edge: a longer one is nobody's, and would have the first request refused. */
const MAX_ID_LENGTH = 256;

/** A link's address with the pass; whatever else its query holds stays as it is written. */
export function withPass(address: URL, pass: Pass): string {
  const given = new URL(address.href);
  const parameters = (Object.keys(PARAMETERS) as (keyof Pass)[]).flatMap((name) => {
    const value = pass[name];
    return value === undefined ? [] : [`${PARAMETERS[name]}=${encodeURIComponent(value)}`];
  });
  given.search = [...foreign(given.search).filter((part) => part !== ""), ...parameters].join("&");
  return given.href;
}

/** The pass in an address, null if it brings none, and the address without it. */
export function takePass(address: URL): { pass: Pass | null; address: string } {
  const rest = new URL(address.href);
  rest.search = foreign(address.search).join("&");
  const read = (name: keyof Pass): string => {
    const value = address.searchParams.get(PARAMETERS[name])?.trim() ?? "";
    return value.length > MAX_ID_LENGTH ? "" : value;
  };
  const [profile, source, session] = [read("profile"), read("source"), read("session")];
  const pass = profile === "" ? null : { profile, ...(source && { source }), ...(session && { session }) };
  return { pass, address: rest.href };
}

/** The parts of a query that are not ours. */
function foreign(search: string): string[] {
  const ours = Object.values(PARAMETERS);
  return search.slice(1).split("&").filter((part) => !ours.includes(part.split("=", 1)[0]!));
}
