import { isFiltered, NO_FILTER } from "../api/types";
import type { EventFilter, FilterProblem } from "../api/types";
import type { Row } from "./feed";
import styles from "./FilterBar.module.css";
import { FilterField } from "./FilterField";
import { WhereField } from "./WhereField";

type Part = "type" | "source" | "profile" | "session";

/** How each part of the filter is shown; `seen` are the values to propose. */
const FIELDS: Record<Part, { label: string; placeholder: string; seen: (row: Row) => string | null }> = {
  type: { label: "Type", placeholder: "page-view", seen: ({ event }) => event.type },
  source: { label: "Source", placeholder: "any", seen: ({ event }) => event.source.id },
  profile: { label: "Profile", placeholder: "id", seen: () => null },
  session: { label: "Session", placeholder: "id", seen: () => null },
};

const PARTS = Object.keys(FIELDS) as Part[];

const MAX_PROPOSALS = 50;

/** Types are stored like this, so that `Page View` finds `page-view`. */
function typeOf(text: string): string {
  return text.toLowerCase().replaceAll(" ", "-");
}

interface Properties {
  filter: EventFilter;
  /** What is wrong with `filter.where`. */
  problem: FilterProblem | null;
  rows: Row[];
  onChange: (filter: EventFilter) => void;
}

/** Narrows the list by type, source, profile and session, and by anything else in the filter language. */
export function FilterBar({ filter, problem, rows, onChange }: Properties) {
  const proposals = (key: Part): string[] => {
    const values = new Set(rows.map(FIELDS[key].seen).filter((value) => value !== null));
    return [...values].toSorted().slice(0, MAX_PROPOSALS);
  };
  return (
    <search className={styles["bar"]} aria-label="Filter events">
      {PARTS.map((key) => (
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
      <WhereField value={filter.where} problem={problem} onApply={(where) => onChange({ ...filter, where })} />
    </search>
  );
}
