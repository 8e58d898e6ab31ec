/** A mutant: the production code with one thing wrong, and the tests that must notice. */
export interface Mutant {
  readonly name: string;
  /** Below `framework/`. */
  readonly file: string;
  /** Stands exactly once in the file; spaces and line ends do not matter. */
  readonly from: string;
  readonly to: string;
  /** Test files, below `test/`; one of them must fail. */
  readonly tests: readonly string[];
}
