/** The token of this tab as state. */
import { useCallback, useEffect, useState } from "react";
import { storedToken, storeToken, takeTokenFromAddress } from "./token";

/** Whether and how this tab is signed in. */
export interface SignIn {
  token: string | null;
  /** The service did not accept the last token. */
  refused: boolean;
  signIn: (token: string) => void;
  signOut: () => void;
  refuse: () => void;
}

function initialToken(): string | null {
  const brought = takeTokenFromAddress();
  if (brought !== null) {
    storeToken(brought);
  }
  return brought ?? storedToken();
}

export function useToken(): SignIn {
  const [state, setState] = useState(() => ({ token: initialToken(), refused: false }));

  const change = useCallback((token: string | null, refused: boolean) => {
    storeToken(token);
    setState({ token, refused });
  }, []);

  // A link with a token that is opened in this very tab changes the fragment alone.
  useEffect(() => {
    const take = (): void => {
      const token = takeTokenFromAddress();
      if (token !== null) {
        change(token, false);
      }
    };
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, [change]);

  return {
    ...state,
    signIn: useCallback((token) => change(token, false), [change]),
    signOut: useCallback(() => change(null, false), [change]),
    refuse: useCallback(() => change(null, true), [change]),
  };
}
