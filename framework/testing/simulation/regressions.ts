/**
 * Seeds that have found something, each with what it found: run by the tests for ever.
 *
 * A seed is what it is as long as nothing draws more or fewer numbers before it fails; where a schedule matters, there is a directed test besides.
 */

/** A seed that failed once. */
export interface Regression {
  readonly seed: number;
  readonly mix: string;
  /** What was wrong, in one sentence. */
  readonly found: string;
}

/** The seeds. */
export const regressions: readonly Regression[] = [];
