import { useMemo } from "react";
import { CopyButton } from "../ui/CopyButton";
import { jsonTokens } from "./jsonTokens";
import styles from "./RawJson.module.css";

/** A document as it is stored, to be read or copied. */
export function RawJson({ value }: { value: unknown }) {
  const json = useMemo(() => JSON.stringify(value, null, 2), [value]);
  const tokens = useMemo(() => jsonTokens(json), [json]);
  return (
    <div className={styles["raw"]}>
      <CopyButton text={json} label="Copy" withText />
      <pre tabIndex={0} aria-label="Raw JSON">
        {tokens.map(({ kind, text }, index) =>
          kind === "plain" ? (
            text
          ) : (
            <span key={index} className={styles[kind]}>
              {text}
            </span>
          ),
        )}
      </pre>
    </div>
  );
}
