import { useState } from "react";
import type { FormEvent } from "react";
import { apiFor, ApiError } from "../api/client";
import { NO_FILTER } from "../api/types";
import { Logo } from "../ui/Logo";
import styles from "./LoginPage.module.css";

const REFUSED = "The service does not accept this token. Check that it is complete, or ask for a new one.";

/** Asks for a token, and lets it pass when the service accepts it. */
export function LoginPage({ refused, onToken }: { refused: boolean; onToken: (token: string) => void }) {
  const [token, setToken] = useState("");
  const [checking, setChecking] = useState(false);
  const [error, setError] = useState(refused ? REFUSED : null);

  const check = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setChecking(true);
    setError(null);
    try {
      await apiFor(token.trim(), () => undefined).events(NO_FILTER, { limit: 1 }, new AbortController().signal);
      onToken(token.trim());
    } catch (cause) {
      setError(cause instanceof ApiError && cause.status === 401 ? REFUSED : String(cause instanceof Error ? cause.message : cause));
      setChecking(false);
    }
  };

  return (
    <main className={styles["page"]}>
      <form className={styles["card"]} onSubmit={(event) => void check(event)}>
        <Logo />
        <h1>Sign in</h1>
        <label htmlFor="token">API token</label>
        <input
          id="token"
          className="field mono"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
          aria-invalid={error !== null}
          aria-describedby="token-help"
        />
        {error !== null && (
          <p className={styles["error"]} role="alert">
            {error}
          </p>
        )}
        <button className="button primary" type="submit" disabled={checking || token.trim() === ""}>
          {checking ? "Checking…" : "Sign in"}
        </button>
        <p id="token-help" className={styles["help"]}>
          The token stays in this tab and is forgotten when you close it.
        </p>
      </form>
    </main>
  );
}
