/**
 * Accumulators of the built-in aggregates: a few numbers per slice.
 *
 * Owns the layout of these numbers (*slots*): count, sum, min and max have one each, an average has two, its sum and its count.
 *
 * N1. Slots change one after the other, each with its entry in the undo log: an input that is refused half-way leaves all as they were.
 */
import { StreamError } from "../errors.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { SliceTable } from "../window/slice-table.ts";
import type { Accumulation } from "./accumulation.ts";
import type { AggregateFields, NumericAggregate, NumericKind } from "./aggregates.ts";

/** One aggregate and its first slot, counted from the slice's place. */
interface Part {
  readonly name: string;
  readonly kind: NumericKind;
  readonly slot: number;
  readonly aggregate: NumericAggregate<unknown>;
}

const initial: Readonly<Record<NumericKind, readonly number[]>> = {
  count: [0],
  sum: [0],
  average: [0, 0],
  min: [Infinity],
  max: [-Infinity],
};

/** Computes one or several built-in aggregates. */
export class NumericAccumulation implements Accumulation {
  readonly kind: string;
  readonly isMergeable = true;
  readonly #parts: readonly Part[];
  readonly #initial: readonly number[];
  /** The result is the number itself, not an object of them. */
  readonly #isSingle: boolean;
  readonly slots: number;

  constructor(aggregates: NumericAggregate<unknown> | { readonly fields: AggregateFields<unknown> }) {
    const isSingle = "kind" in aggregates;
    const named = isSingle ? [["value", aggregates] as const] : Object.entries(aggregates.fields);
    const start: number[] = [];
    this.#parts = named.map(([name, aggregate]) => {
      checkAggregate(name, aggregate);
      const end = start.push(...initial[aggregate.kind]);
      return { name, kind: aggregate.kind, slot: 1 + end - initial[aggregate.kind].length, aggregate };
    });
    if (named.length === 0) throw new StreamError("OPTION_INVALID", "aggregate((of) => ({ … })) names no aggregate");
    this.#initial = start;
    this.slots = start.length;
    this.#isSingle = isSingle;
    this.kind = isSingle ? aggregates.kind : "aggregate";
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

  mergedResult({ numbers }: SliceTable, places: readonly number[], from: number, to: number): unknown {
    const merged = [0, ...this.#initial];
    for (let index = from; index < to; index++) this.#merge(merged, numbers, places[index] ?? -1);
    return this.#result(merged, 0);
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

  #merge(into: number[], numbers: Float64Array, at: number): void {
    for (const { kind, slot } of this.#parts) {
      const held = into[slot] ?? 0;
      const other = numbers[at + slot] ?? 0;
      if (kind === "min") into[slot] = Math.min(held, other);
      else if (kind === "max") into[slot] = Math.max(held, other);
      else into[slot] = held + other;
      if (kind === "average") into[slot + 1] = (into[slot + 1] ?? 0) + (numbers[at + slot + 1] ?? 0);
    }
  }

  #result(numbers: ArrayLike<number>, at: number): unknown {
    if (this.#isSingle) return resultOf(this.#parts[0], numbers, at);
    return Object.fromEntries(this.#parts.map((part) => [part.name, resultOf(part, numbers, at)]));
  }
}

function resultOf(part: Part | undefined, numbers: ArrayLike<number>, at: number): number {
  const slot = at + (part?.slot ?? 1);
  const held = numbers[slot] ?? 0;
  return part?.kind === "average" ? held / (numbers[slot + 1] ?? 1) : held;
}

/** The number of a record. @throws TypeError when it is none (A1) */
function inputOf(part: Part, value: unknown): number {
  const input: unknown = part.aggregate.of(value);
  if (typeof input !== "number" || Number.isNaN(input)) throw notANumber(part, input);
  return input;
}

function restoreSlot(table: SliceTable, slot: number, held: number): void {
  table.numbers[slot] = held;
}

function checkAggregate(name: string, aggregate: NumericAggregate<unknown> | undefined): void {
  if (aggregate !== undefined && Object.hasOwn(initial, aggregate.kind) && typeof aggregate.of === "function") return;
  throw new StreamError(
    "OPTION_INVALID",
    `"${name}" is no built-in aggregate: use of.count(), of.sum((r) => …), of.average, of.min or of.max`,
  );
}

function notANumber({ name, kind }: Part, input: unknown): TypeError {
  const which = name === "value" ? kind : `${kind} "${name}"`;
  return new TypeError(`${which} was given ${describe(input)}, which is no number`);
}

function describe(input: unknown): string {
  if (typeof input === "string") return JSON.stringify(input.slice(0, 80));
  if (typeof input === "number" || input === undefined || input === null) return String(input);
  return `a value of type ${typeof input}`;
}
