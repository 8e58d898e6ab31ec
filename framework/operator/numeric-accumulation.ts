/**
 * Accumulators of the built-in aggregates: a few numbers per slice.
 *
 * Owns the layout of these numbers (*slots*): count, sum, min and max have one each, an average has two, its sum and its count.
 *
 * N1. All inputs are taken and checked before the first slot changes.
 * N2. Undo puts back single numbers.
 */
import { StreamError } from "../errors.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { Slices } from "../window/slices.ts";
import type { Accumulation } from "./accumulation.ts";
import type { AggregateFields, NumericAggregate, NumericKind } from "./aggregates.ts";

type Slots = number[];

/** One aggregate and its first slot. */
interface Part {
  readonly name: string;
  readonly kind: NumericKind;
  readonly slot: number;
  readonly of: (value: unknown) => unknown;
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
  readonly #inputs: number[];
  /** The result is the number itself, not an object of them. */
  readonly #isSingle: boolean;
  readonly #merged: Slots;

  constructor(aggregates: NumericAggregate<unknown> | { readonly fields: AggregateFields<unknown> }) {
    const isSingle = "kind" in aggregates;
    const named = isSingle ? [["value", aggregates] as const] : Object.entries(aggregates.fields);
    const start: number[] = [];
    this.#parts = named.map(([name, aggregate]) => {
      checkAggregate(name, aggregate);
      const slot = start.push(...initial[aggregate.kind]) - initial[aggregate.kind].length;
      return { name, kind: aggregate.kind, slot, of: (value) => aggregate.of(value) };
    });
    if (named.length === 0) throw new StreamError("OPTION_INVALID", "aggregate((of) => ({ … })) names no aggregate");
    this.#initial = start;
    this.#inputs = named.map(() => 0);
    this.#merged = [...start];
    this.#isSingle = isSingle;
    this.kind = isSingle ? aggregates.kind : "aggregate";
  }

  first(value: unknown): unknown {
    this.#read(value);
    const slots = this.#initial.slice();
    this.#apply(slots);
    return slots;
  }

  add(slices: Slices, at: number, value: unknown, undoLog: UndoLog): void {
    this.#read(value);
    const slots = slices.accumulator(at) as Slots;
    for (let slot = 0; slot < slots.length; slot++) undoLog.push(restoreSlot, slots, slot, slots[slot] ?? 0);
    this.#apply(slots);
  }

  result(slices: Slices, at: number): unknown {
    return this.#result(slices.accumulators[at] as Slots);
  }

  mergedResult(slices: Slices, from: number, to: number): unknown {
    const merged = this.#merged;
    for (let slot = 0; slot < merged.length; slot++) merged[slot] = this.#initial[slot] ?? 0;
    for (let at = from; at < to; at++) this.#merge(merged, slices.accumulators[at] as Slots);
    return this.#result(merged);
  }

  accepts(saved: unknown): boolean {
    const isMine = Array.isArray(saved) && saved.length === this.#initial.length;
    return isMine && saved.every((slot) => typeof slot === "number");
  }

  /** N1. */
  #read(value: unknown): void {
    const parts = this.#parts;
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at];
      if (part === undefined || part.kind === "count") continue;
      const input = part.of(value);
      if (typeof input !== "number" || Number.isNaN(input)) throw notANumber(part, input);
      this.#inputs[at] = input;
    }
  }

  #apply(slots: Slots): void {
    const parts = this.#parts;
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at];
      if (part === undefined) continue;
      const slot = part.slot;
      const held = slots[slot] ?? 0;
      const input = this.#inputs[at] ?? 0;
      switch (part.kind) {
        case "count":
          slots[slot] = held + 1;
          break;
        case "sum":
          slots[slot] = held + input;
          break;
        case "average":
          slots[slot] = held + input;
          slots[slot + 1] = (slots[slot + 1] ?? 0) + 1;
          break;
        case "min":
          if (input < held) slots[slot] = input;
          break;
        case "max":
          if (input > held) slots[slot] = input;
          break;
      }
    }
  }

  #merge(into: Slots, from: Slots): void {
    for (const { kind, slot } of this.#parts) {
      const held = into[slot] ?? 0;
      const other = from[slot] ?? 0;
      if (kind === "min") into[slot] = Math.min(held, other);
      else if (kind === "max") into[slot] = Math.max(held, other);
      else into[slot] = held + other;
      if (kind === "average") into[slot + 1] = (into[slot + 1] ?? 0) + (from[slot + 1] ?? 0);
    }
  }

  #result(slots: Slots): unknown {
    if (this.#isSingle) return resultOf(this.#parts[0], slots);
    return Object.fromEntries(this.#parts.map((part) => [part.name, resultOf(part, slots)]));
  }
}

function resultOf(part: Part | undefined, slots: Slots): number {
  const at = part?.slot ?? 0;
  const held = slots[at] ?? 0;
  return part?.kind === "average" ? held / (slots[at + 1] ?? 1) : held;
}

function restoreSlot(slots: Slots, slot: number, held: number): void {
  slots[slot] = held;
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
