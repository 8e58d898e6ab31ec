/**
 * The contract between the window operator and what it computes.
 *
 * An accumulator is opaque to the operator; it lies in the slices of a key.
 *
 * C1. `add` undone gives the accumulator that was: what it changes in place or replaces, it writes into the undo log.
 * C2. An accumulator in a slice is never reachable for user code: what user code gets is a copy, or is not needed any more.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { Slices } from "../window/slices.ts";

/** Computes over the records of a slice. */
export interface Accumulation {
  /** Default name of the operator: `average`, `aggregate`, `reduce`. */
  readonly kind: string;
  /** Whether accumulators of neighbouring slices can be put together. */
  readonly isMergeable: boolean;
  /** The accumulator after its first record. */
  first(value: unknown): unknown;
  /** Takes a record into the slice at `at` (C1). */
  add(slices: Slices, at: number, value: unknown, undoLog: UndoLog): void;
  /** The result of the slice at `at`; `isKept`: its accumulator will be used again (C2). */
  result(slices: Slices, at: number, isKept: boolean): unknown;
  /** The result of the slices `from` up to, and without, `to`, which stay as they are (C2). Mergeable ones only. */
  mergedResult(slices: Slices, from: number, to: number): unknown;
  /** Whether a value from a snapshot can be an accumulator; accumulators are values of the default codec. */
  accepts(saved: unknown): boolean;
}
