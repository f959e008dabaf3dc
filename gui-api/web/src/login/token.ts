/**
 * The API token of this tab: from the address's fragment (`#token=…`, which browsers never send to a
 * server) or typed in; kept until the tab is closed.
 */

const KEY = "tideline.token";

/** The token of this tab; null when there is none. */
export function storedToken(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Keeps a token, or forgets it. */
export function storeToken(token: string | null): void {
  if (token === null) {
    sessionStorage.removeItem(KEY);
  } else {
    sessionStorage.setItem(KEY, token);
  }
}

/** The token that a fragment brings; null when it brings none. */
export function tokenInFragment(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("token")?.trim() || null;
}

/** Takes the token out of the address bar, so that it is in no screenshot, bookmark or history. */
export function takeTokenFromAddress(): string | null {
  const token = tokenInFragment(location.hash);
  if (token !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return token;
}
