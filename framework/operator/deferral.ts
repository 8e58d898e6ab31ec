/**
 * What operators have in common whose outputs come later than their inputs: asynchronous calls (R14) and batch turns.
 *
 * The contract between them, `Deferrals`, which drives them, and the actor, which makes what they wait for.
 */
import type { CallResult } from "../record/messages.ts";
import type { BatchSpec } from "./batch.ts";

/** Values that one call of a batch turn is to be made with, and how. */
export interface Batch {
  readonly spec: BatchSpec;
  readonly values: readonly unknown[];
  /** Of each value: (sequence, ordinal) as of a request. */
  readonly identities: readonly { readonly sequence: number; readonly ordinal: number }[];
}

/** What came of one value of a batch. */
export type BatchOutcome = { readonly output: unknown } | { readonly error: unknown };

/** Lets go of outputs later than it takes inputs. */
export interface Deferral {
  /** Event time behind it: everything taken before has gone. */
  readonly passed: number;
  /** Event time has come to `watermark` in front of it; one that is not larger is ignored. */
  reach(watermark: number): void;
  /** Emits what may go, in at most `stepsMax` steps; answers whether nothing is left that may. */
  release(stepsMax: number): boolean;
  /** What has to be run before the turn can go on; undefined: nothing. */
  readonly batch?: Batch | undefined;
  /** The batch has been run; one outcome per value. */
  finish?(outcomes: readonly BatchOutcome[]): void;
  /** A result has been read. Answers whether one of its requests waited for it. */
  answer?(result: CallResult): boolean;
  /** Requests that wait, and what they and their results weigh. */
  readonly pending?: { readonly requests: number; readonly bytes: number };
}
