/**
 * Accumulators of the built-in aggregates: a few numbers per slice. Their layout is in `numeric-parts.ts`.
 *
 * N1. Slots change one after the other, each with its entry in the undo log: an input that is refused half-way leaves all as they were.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { SliceTable } from "../window/slice-table.ts";
import type { Accumulation } from "./accumulation.ts";
import { inputOf, mergeSlots, partsOf, resultOf, type NumericSpec, type Part } from "./numeric-parts.ts";

/** Computes one or several built-in aggregates. */
export class NumericAccumulation implements Accumulation {
  readonly kind: string;
  readonly isMergeable = true;
  readonly #parts: readonly Part[];
  readonly #initial: readonly number[];
  /** The result is the number itself, not an object of them. */
  readonly #isSingle: boolean;
  readonly slots: number;

  constructor(spec: NumericSpec) {
    const { parts, initial, isSingle, kind } = partsOf(spec);
    this.#parts = parts;
    this.#initial = initial;
    this.slots = initial.length;
    this.#isSingle = isSingle;
    this.kind = kind;
  }

  first(table: SliceTable, at: number, value: unknown): void {
    for (let slot = 0; slot < this.slots; slot++) table.numbers[at + 1 + slot] = this.#initial[slot] ?? 0;
    this.#take(table, at, value, undefined);
  }

  add(table: SliceTable, at: number, value: unknown, undoLog: UndoLog): void {
    this.#take(table, at, value, undoLog);
  }

  result(table: SliceTable, at: number): unknown {
    return this.#result(table.numbers, at);
  }

  merged({ numbers }: SliceTable, places: readonly number[], from: number, to: number): unknown {
    const merged = [0, ...this.#initial];
    for (let index = from; index < to; index++) mergeSlots(this.#parts, merged, numbers, places[index] ?? -1);
    return merged;
  }

  join(older: unknown, newer: unknown): unknown {
    if (older === undefined) return (newer as readonly number[]).slice();
    mergeSlots(this.#parts, older as number[], newer as readonly number[], 0);
    return older;
  }

  mergedResult(merged: unknown): unknown {
    return this.#result(merged as readonly number[], 0);
  }

  save({ numbers }: SliceTable, at: number): unknown {
    return Array.from(numbers.subarray(at + 1, at + 1 + this.slots));
  }

  load({ numbers }: SliceTable, at: number, saved: unknown): boolean {
    if (!Array.isArray(saved) || saved.length !== this.slots) return false;
    for (const [slot, number] of saved.entries()) {
      if (typeof number !== "number") return false;
      numbers[at + 1 + slot] = number;
    }
    return true;
  }

  /** N1. */
  #take(table: SliceTable, at: number, value: unknown, undoLog: UndoLog | undefined): void {
    const parts = this.#parts;
    const { numbers } = table;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index];
      if (part === undefined) continue;
      const { kind } = part;
      const slot = at + part.slot;
      const held = numbers[slot] ?? 0;
      const input = kind === "count" ? 1 : inputOf(part, value);
      undoLog?.pushNumber(restoreSlot, table, slot, held);
      if (kind === "min") {
        if (input < held) numbers[slot] = input;
      } else if (kind === "max") {
        if (input > held) numbers[slot] = input;
      } else numbers[slot] = held + input;
      if (kind !== "average") continue;
      const records = numbers[slot + 1] ?? 0;
      undoLog?.pushNumber(restoreSlot, table, slot + 1, records);
      numbers[slot + 1] = records + 1;
    }
  }

  #result(numbers: ArrayLike<number>, at: number): unknown {
    return resultOf(this.#parts, this.#isSingle, numbers, at);
  }
}

function restoreSlot(table: SliceTable, slot: number, held: number): void {
  table.numbers[slot] = held;
}
