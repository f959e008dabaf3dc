import type { FilterProblem } from "../api/types";
import { FilterField } from "./FilterField";
import { mended, partsOf } from "./mending";
import styles from "./WhereField.module.css";

interface Properties {
  /** What the list is filtered by now. */
  value: string;
  /** What is wrong with it. */
  problem: FilterProblem | null;
  onApply: (value: string) => void;
}

const PROBLEM_ID = "filter-where-problem";

/** The search box: a filter in the filter language, and below it what is wrong with it. */
export function WhereField({ value, problem, onApply }: Properties) {
  return (
    <div className={styles["where"]}>
      <FilterField
        name="where"
        label="Where"
        placeholder={'properties.total > 100 AND hit.url CONTAINS "shoe"'}
        value={value}
        proposals={[]}
        wide
        problemId={problem === null ? null : PROBLEM_ID}
        onApply={onApply}
      />
      {problem !== null && <Problem text={value} problem={problem} onApply={onApply} />}
    </div>
  );
}

function Problem({ text, problem, onApply }: { text: string; problem: FilterProblem; onApply: (value: string) => void }) {
  const { before, wrong, after } = partsOf(text, problem);
  const instead = mended(text, problem);
  return (
    <div id={PROBLEM_ID} role="alert" className={styles["problem"]}>
      <code className={styles["text"]}>
        {before}
        <mark>{wrong === "" ? "▁" : wrong}</mark>
        {after}
      </code>
      <span>{problem.message}</span>
      {instead !== null && (
        <button type="button" className="button small" onClick={() => onApply(instead)}>
          Use <code>{problem.suggestion}</code>
        </button>
      )}
    </div>
  );
}
