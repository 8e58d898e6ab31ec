/**
 * How a batch turn calls its function: the author's word that it is a function of its input and of a version.
 */
import type { CallOut } from "./calls.ts";

/** How an operator takes a whole turn's values at once. */
export interface BatchSpec {
  readonly call: CallOut;
  /** What the outputs are a function of besides the values; in the snapshot, and another one does not go on from it. */
  readonly version: string;
  /** Values per call, at most. */
  readonly batchMax: number;
  /** Time after which the instance has failed. */
  readonly timeoutMs: number;
}
