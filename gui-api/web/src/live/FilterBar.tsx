import { FILTER_KEYS, isFiltered, NO_FILTER } from "../api/types";
import type { EventFilter } from "../api/types";
import type { Row } from "./feed";
import styles from "./FilterBar.module.css";
import { FilterField } from "./FilterField";

/** How each part of the filter is shown; `seen` are the values to propose. */
const FIELDS: Record<keyof EventFilter, { label: string; placeholder: string; seen: (row: Row) => string | null }> = {
  type: { label: "Type", placeholder: "page-view", seen: ({ event }) => event.type },
  source: { label: "Source", placeholder: "any", seen: ({ event }) => event.source.id },
  profile: { label: "Profile", placeholder: "id", seen: () => null },
  session: { label: "Session", placeholder: "id", seen: () => null },
};

const MAX_PROPOSALS = 50;

/** Types are stored like this, so that `Page View` finds `page-view`. */
function typeOf(text: string): string {
  return text.toLowerCase().replaceAll(" ", "-");
}

/** Narrows the list by type, source, profile and session. */
export function FilterBar(props: { filter: EventFilter; rows: Row[]; onChange: (filter: EventFilter) => void }) {
  const { filter, rows, onChange } = props;
  const proposals = (key: keyof EventFilter): string[] => {
    const values = new Set(rows.map(FIELDS[key].seen).filter((value) => value !== null));
    return [...values].toSorted().slice(0, MAX_PROPOSALS);
  };
  return (
    <search className={styles["bar"]} aria-label="Filter events">
      {FILTER_KEYS.map((key) => (
        <FilterField
          key={key}
          name={key}
          label={FIELDS[key].label}
          placeholder={FIELDS[key].placeholder}
          value={filter[key]}
          proposals={proposals(key)}
          onApply={(value) => onChange({ ...filter, [key]: key === "type" ? typeOf(value) : value })}
        />
      ))}
      {isFiltered(filter) && (
        <button type="button" className="button bare" onClick={() => onChange(NO_FILTER)}>
          Clear all
        </button>
      )}
    </search>
  );
}
