/**
 * Built-in aggregates as a fold: an accumulator is an array of numbers, laid out as `numeric-parts.ts` says.
 */
import { inputOf, mergeSlots, partsOf, resultOf, type NumericSpec, type Part } from "./numeric-parts.ts";
import type { WindowFold } from "./window-fold.ts";

/** Computes one or several built-in aggregates. */
export class NumericFold implements WindowFold {
  readonly kind: string;
  readonly isMergeable = true;
  readonly #parts: readonly Part[];
  /** Slots are counted from 1. */
  readonly #initial: readonly number[];
  readonly #isSingle: boolean;

  constructor(spec: NumericSpec) {
    const { parts, initial, isSingle, kind } = partsOf(spec);
    this.#parts = parts;
    this.#initial = [0, ...initial];
    this.#isSingle = isSingle;
    this.kind = kind;
  }

  first(value: unknown): unknown {
    return this.add(this.#initial, value);
  }

  add(accumulator: unknown, value: unknown): unknown {
    const numbers = (accumulator as readonly number[]).slice();
    for (const part of this.#parts) {
      const { kind, slot } = part;
      const held = numbers[slot] ?? 0;
      const input = kind === "count" ? 1 : inputOf(part, value);
      if (kind === "min") numbers[slot] = Math.min(held, input);
      else if (kind === "max") numbers[slot] = Math.max(held, input);
      else numbers[slot] = held + input;
      if (kind === "average") numbers[slot + 1] = (numbers[slot + 1] ?? 0) + 1;
    }
    return numbers;
  }

  merge(older: unknown, newer: unknown): unknown {
    const merged = (older as readonly number[]).slice();
    mergeSlots(this.#parts, merged, newer as readonly number[], 0);
    return merged;
  }

  result(accumulator: unknown): unknown {
    return resultOf(this.#parts, this.#isSingle, accumulator as readonly number[], 0);
  }

  resultOf(values: readonly unknown[]): unknown {
    return this.result(values.reduce<unknown>((held, value) => this.add(held, value), this.#initial));
  }
}
