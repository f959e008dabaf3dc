import { useEffect, useState } from "react";
import { Icon } from "./Icon";

const SHOWN_MS = 1500;

/** Copies `text` and says so for a moment. */
export function CopyButton({ text, label, withText = false }: { text: string; label: string; withText?: boolean }) {
  const [result, setResult] = useState<"copied" | "refused" | null>(null);

  useEffect(() => {
    if (result === null) {
      return;
    }
    const timer = setTimeout(() => setResult(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [result]);

  const copy = (): void => {
    // Browsers offer the clipboard on https and localhost only.
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => setResult("copied"),
      () => setResult("refused"),
    );
  };
  const said = result === "copied" ? "Copied" : result === "refused" ? "Not allowed by the browser" : label;

  return (
    <button type="button" className={withText ? "button small" : "button bare small"} onClick={copy} title={said} aria-label={said}>
      <Icon name={result === "copied" ? "check" : result === "refused" ? "warning" : "copy"} />
      {withText && <span>{said}</span>}
    </button>
  );
}
