/**
 * The contract between the window operator and what it computes.
 *
 * An accumulator is opaque to the operator; it lies in the slice table, in numbers or as an object.
 *
 * C1. `add` undone gives the accumulator that was: what it changes in place or replaces, it writes into the undo log. So does a throw half-way.
 * C2. An accumulator in a slice is never reachable for user code: what user code gets is a copy, or is not needed any more.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { SliceTable } from "../window/slice-table.ts";

/** Computes over the records of a slice. */
export interface Accumulation {
  /** Default name of the operator: `average`, `aggregate`, `reduce`. */
  readonly kind: string;
  /** Whether accumulators of neighbouring slices can be put together. */
  readonly isMergeable: boolean;
  /** How many numbers an accumulator is; 0: it is an object. */
  readonly slots: number;
  /** Takes the first record of the slice at `at`. When it throws, the slice is gone. */
  first(table: SliceTable, at: number, value: unknown): void;
  /** Takes a record into the slice at `at` (C1). */
  add(table: SliceTable, at: number, value: unknown, undoLog: UndoLog): void;
  /** The result of the slice at `at`; `isKept`: its accumulator will be used again (C2). */
  result(table: SliceTable, at: number, isKept: boolean): unknown;
  /** The slices at `places`, from number `from` up to, and without, `to`, in one; they stay as they are (C2). Mergeable ones only. */
  merged(table: SliceTable, places: readonly number[], from: number, to: number): unknown;
  /** Both of what `merged` has answered in one. `older` may be changed, `newer` stays as it is; undefined: there is none. */
  join(older: unknown, newer: unknown): unknown;
  /** The result of what `merged` or `join` has answered, which is not used again. */
  mergedResult(merged: unknown): unknown;
  /** The accumulator of the slice at `at`, as a value of the default codec. */
  save(table: SliceTable, at: number): unknown;
  /** Takes the accumulator of the slice at `at` from a snapshot; answers whether it can be one. */
  load(table: SliceTable, at: number, saved: unknown): boolean;
}
