/**
 * What users of Tidemark test with: a whole job on one virtual clock, and the harness for single operators.
 */
export { CollectingSink, type TakenRow } from "./collecting-sink.ts";
export { ManualSource } from "./manual-source.ts";
export {
  operatorHarness,
  type Collected,
  type Emitted,
  type HarnessOptions,
  type HarnessState,
  type OperatorHarness,
} from "./operator-harness.ts";
export {
  testJob,
  type CrashKind,
  type TestDeadLetter,
  type TestJob,
  type TestJobOptions,
  type TestTurn,
} from "./test-job.ts";
export type { TestOrigin } from "./test-joining.ts";
