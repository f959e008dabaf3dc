/** A filter and what is wrong with it: which part, and what the filter would be with the suggestion in its place. */
import type { FilterProblem } from "../api/types";

/** The text around the part that is wrong. */
export interface Parts {
  before: string;
  wrong: string;
  after: string;
}

/** Cuts a filter where it is wrong. Places are code points, which a text of JavaScript is not made of. */
export function partsOf(text: string, { start, end }: FilterProblem): Parts {
  const points = [...text];
  return { before: points.slice(0, start).join(""), wrong: points.slice(start, end).join(""), after: points.slice(end).join("") };
}

/** The filter with what may have been meant; null when nobody knows. */
export function mended(text: string, problem: FilterProblem): string | null {
  if (problem.suggestion === undefined) {
    return null;
  }
  const { before, after } = partsOf(text, problem);
  return before + problem.suggestion + after;
}
