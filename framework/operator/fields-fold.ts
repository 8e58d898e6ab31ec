/**
 * Several aggregates at once, of which some are not just numbers: each folds for itself.
 *
 * Owns the list of accumulators, in the order of the names.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { WindowFold } from "./window-fold.ts";

/** Computes an object of results. */
export class FieldsFold implements WindowFold {
  readonly kind = "aggregate";
  readonly isMergeable: boolean;
  readonly #names: readonly string[];
  readonly #folds: readonly WindowFold[];

  constructor(fields: readonly (readonly [name: string, fold: WindowFold])[]) {
    this.#names = fields.map(([name]) => name);
    this.#folds = fields.map(([, fold]) => fold);
    this.isMergeable = this.#folds.every((fold) => fold.isMergeable);
  }

  first(value: unknown): unknown {
    return this.#folds.map((fold) => fold.first(value));
  }

  add(accumulator: unknown, value: unknown, undoLog: UndoLog): unknown {
    const held = accumulator as readonly unknown[];
    return this.#folds.map((fold, index) => fold.add(held[index], value, undoLog));
  }

  merge(older: unknown, newer: unknown): unknown {
    const [a, b] = [older as readonly unknown[], newer as readonly unknown[]];
    return this.#folds.map((fold, index) => fold.merge(a[index], b[index]));
  }

  result(accumulator: unknown, isKept: boolean): unknown {
    const held = accumulator as readonly unknown[];
    return this.#named((fold, index) => fold.result(held[index], isKept));
  }

  resultOf(values: readonly unknown[]): unknown {
    return this.#named((fold) => fold.resultOf(values));
  }

  #named(resultOf: (fold: WindowFold, index: number) => unknown): unknown {
    return Object.fromEntries(this.#folds.map((fold, index) => [this.#names[index] ?? "", resultOf(fold, index)]));
  }
}
