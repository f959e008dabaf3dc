/** One document of the API as data. */
import { useCallback, useEffect, useState } from "react";
import { ApiError } from "../api/client";

/** A document on its way. `missing`: the service has none of this id. */
export type Document<T> =
  | { state: "loading" }
  | { state: "ready"; value: T }
  | { state: "missing" }
  | { state: "failed"; error: string };

interface Loaded<T> {
  key: string;
  document: Document<T>;
}

/**
 * Reads the document of `key` (none for null), anew whenever `version` changes; the last one of the same
 * key is shown meanwhile. `read` must be stable.
 */
export function useDocument<T>(
  key: string | null,
  version: string,
  read: (key: string, signal: AbortSignal) => Promise<T>,
): [Document<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T> | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (key === null) {
      return;
    }
    const controller = new AbortController();
    const settle = (document: Document<T>): void => {
      if (!controller.signal.aborted) {
        setLoaded({ key, document });
      }
    };
    read(key, controller.signal).then(
      (value) => settle({ state: "ready", value }),
      (error: unknown) =>
        settle(
          error instanceof ApiError && error.status === 404
            ? { state: "missing" }
            : { state: "failed", error: error instanceof Error ? error.message : String(error) },
        ),
    );
    return () => controller.abort();
  }, [key, version, attempt, read]);

  const retry = useCallback(() => setAttempt((count) => count + 1), []);
  return [loaded !== null && loaded.key === key ? loaded.document : { state: "loading" }, retry];
}
