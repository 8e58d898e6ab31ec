/**
 * How records of a window become one value, with accumulators as values of their own: for windows that are no slices of time.
 *
 * Owns the contract and the fold of an aggregate of the user's own; built-in ones are in `numeric-fold.ts`. The same computations over slices are in
 * `accumulation.ts`.
 *
 * F1. `merge` changes neither of its accumulators. `add` answers another one, or changes the one that it has, and writes into the undo log how to take that back.
 */
import { cloneValue } from "../record/default-codec.ts";
import { needsCopy } from "../state/value-state.ts";
import type { UndoLog } from "../state/undo-log.ts";
import type { Aggregate } from "./aggregates.ts";

/** Computes over the records of a window. */
export interface WindowFold {
  /** Default name of the operator: `average`, `aggregate`, `reduce`. */
  readonly kind: string;
  /** Whether accumulators can be put together, as sessions need it. */
  readonly isMergeable: boolean;
  /** The accumulator of a first record. */
  first(value: unknown): unknown;
  /** The accumulator with one more record (F1). */
  add(accumulator: unknown, value: unknown, undoLog: UndoLog): unknown;
  /** Both in one; `older` has the earlier session or pane (F1). Mergeable ones only. */
  merge(older: unknown, newer: unknown): unknown;
  /** The result; `isKept`: the accumulator will be used again. */
  result(accumulator: unknown, isKept: boolean): unknown;
  /** The result of records, which may be none. They are the fold's to change. */
  resultOf(values: readonly unknown[]): unknown;
}

/** Computes with functions of the user's. */
export class CustomFold implements WindowFold {
  readonly kind: string;
  readonly isMergeable: boolean;
  readonly #aggregate: Aggregate<unknown, unknown, unknown>;

  constructor(kind: string, aggregate: Aggregate<unknown, unknown, unknown>) {
    this.kind = kind;
    this.#aggregate = aggregate;
    this.isMergeable = aggregate.merge !== undefined;
  }

  first(value: unknown): unknown {
    const first = this.#aggregate.add(this.#aggregate.create(), value);
    return needsCopy(first) ? cloneValue(first) : first;
  }

  add(accumulator: unknown, value: unknown): unknown {
    return this.#checked(this.#aggregate.add(this.#copy(accumulator), value));
  }

  merge(older: unknown, newer: unknown): unknown {
    return this.#checked(this.#aggregate.merge?.(this.#copy(older), this.#copy(newer)));
  }

  result(accumulator: unknown, isKept: boolean): unknown {
    return this.#aggregate.result(isKept ? this.#copy(accumulator) : accumulator);
  }

  resultOf(values: readonly unknown[]): unknown {
    const aggregate = this.#aggregate;
    return aggregate.result(values.reduce((held, value) => aggregate.add(held, value), aggregate.create()));
  }

  #copy(accumulator: unknown): unknown {
    if (!needsCopy(accumulator)) return accumulator;
    return this.#aggregate.copy === undefined ? cloneValue(accumulator) : this.#aggregate.copy(accumulator);
  }

  /** What no snapshot can hold is refused with the record that brings it; with a `copy` of one's own, only a window's first record is looked at. */
  #checked(accumulator: unknown): unknown {
    if (!needsCopy(accumulator) || this.#aggregate.copy !== undefined) return accumulator;
    return cloneValue(accumulator);
  }
}

/** `reduce(f)`: the first record is the accumulator, and the result; sessions are put together with the same function. */
export class ReduceFold implements WindowFold {
  readonly kind = "reduce";
  readonly isMergeable = true;
  readonly #reduce: (held: unknown, value: unknown) => unknown;

  constructor(reduce: (held: unknown, value: unknown) => unknown) {
    this.#reduce = reduce;
  }

  first(value: unknown): unknown {
    return copied(value);
  }

  add(accumulator: unknown, value: unknown): unknown {
    return copied(this.#reduce(copied(accumulator), value));
  }

  merge(older: unknown, newer: unknown): unknown {
    return copied(this.#reduce(copied(older), copied(newer)));
  }

  result(accumulator: unknown, isKept: boolean): unknown {
    return isKept ? copied(accumulator) : accumulator;
  }

  resultOf(values: readonly unknown[]): unknown {
    const [first, ...others] = values;
    return others.reduce((held, value) => this.#reduce(held, value), first);
  }
}

function copied(value: unknown): unknown {
  return needsCopy(value) ? cloneValue(value) : value;
}
