import { useState } from "react";
import type { KeyboardEvent } from "react";
import { Icon } from "../ui/Icon";
import styles from "./FilterField.module.css";

interface Properties {
  name: string;
  label: string;
  placeholder: string;
  /** What the list is filtered by now. */
  value: string;
  proposals: string[];
  /** Takes the whole width. */
  wide?: boolean;
  /** The element that says what is wrong with the value. */
  problemId?: string | null;
  onApply: (value: string) => void;
}

/** One part of the filter: applied by Enter, on leaving the field, or by choosing a proposal. */
export function FilterField({ name, label, placeholder, value, proposals, wide = false, problemId = null, onApply }: Properties) {
  const [text, setText] = useState(value);
  const [applied, setApplied] = useState(value);
  if (applied !== value) {
    setApplied(value);
    setText(value);
  }

  const apply = (next: string): void => {
    if (next.trim() !== value) {
      onApply(next.trim());
    }
  };
  const change = (next: string): void => {
    const chosen = proposals.includes(next) && Math.abs(next.length - text.length) > 1;
    setText(next);
    if (chosen) {
      apply(next);
    }
  };
  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "Enter") {
      apply(text);
    } else if (event.key === "Escape") {
      setText(value);
      event.currentTarget.blur();
    }
  };

  const boxStyles = [styles["box"], value !== "" && styles["active"], wide && styles["wide"], problemId !== null && styles["wrong"]];
  return (
    <div className={boxStyles.filter(Boolean).join(" ")}>
      <label htmlFor={`filter-${name}`}>{label}</label>
      <input
        id={`filter-${name}`}
        className="mono"
        value={text}
        placeholder={placeholder}
        list={proposals.length > 0 ? `proposals-${name}` : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        aria-invalid={problemId !== null}
        aria-describedby={problemId ?? undefined}
        onChange={(event) => change(event.target.value)}
        onKeyDown={press}
        onBlur={() => apply(text)}
      />
      {proposals.length > 0 && (
        <datalist id={`proposals-${name}`}>
          {proposals.map((proposal) => (
            <option key={proposal} value={proposal}>
              {proposal}
            </option>
          ))}
        </datalist>
      )}
      {value !== "" && (
        <button type="button" className="button bare small" onClick={() => onApply("")} aria-label={`Remove the filter by ${name}`}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
