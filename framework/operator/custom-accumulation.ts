/**
 * Accumulators of the user's own: `Aggregate` and `reduce`.
 *
 * Owns the copies that keep an accumulator in state apart from what user code holds (C2). Numbers, strings and the like need none.
 *
 * U1. `add` gets a copy, and its answer replaces the accumulator; so undo puts back the one that was, untouched.
 * U2. `result` and `merge` get a copy when the accumulator is used again.
 */
import { cloneValue } from "../record/default-codec.ts";
import type { UndoLog } from "../state/undo-log.ts";
import { needsCopy } from "../state/value-state.ts";
import type { SliceTable } from "../window/slice-table.ts";
import type { Accumulation } from "./accumulation.ts";
import type { Aggregate } from "./aggregates.ts";

/** Computes with functions of the user's. */
export class CustomAccumulation implements Accumulation {
  readonly kind: string;
  readonly isMergeable: boolean;
  readonly slots = 0;
  readonly #aggregate: Aggregate<unknown, unknown, unknown>;

  constructor(kind: string, aggregate: Aggregate<unknown, unknown, unknown>) {
    this.kind = kind;
    this.#aggregate = aggregate;
    this.isMergeable = aggregate.merge !== undefined;
  }

  first(table: SliceTable, at: number, value: unknown): void {
    const first = this.#aggregate.add(this.#aggregate.create(), value);
    table.objects[at] = needsCopy(first) ? cloneValue(first) : first;
  }

  add(table: SliceTable, at: number, value: unknown, undoLog: UndoLog): void {
    const held = table.objects[at];
    const next = this.#checked(this.#aggregate.add(this.#copy(held), value));
    undoLog.push(restoreAccumulator, table, at, held);
    table.objects[at] = next;
  }

  result(table: SliceTable, at: number, isKept: boolean): unknown {
    const held = table.objects[at];
    return this.#aggregate.result(isKept ? this.#copy(held) : held);
  }

  merged(table: SliceTable, places: readonly number[], from: number, to: number): unknown {
    let merged = this.#copy(table.objects[places[from] ?? -1]);
    for (let index = from + 1; index < to; index++) {
      merged = this.#aggregate.merge?.(merged, this.#copy(table.objects[places[index] ?? -1]));
    }
    return [merged];
  }

  join(older: unknown, newer: unknown): unknown {
    const next = this.#copy((newer as readonly [unknown])[0]);
    return [older === undefined ? next : this.#aggregate.merge?.((older as readonly [unknown])[0], next)];
  }

  mergedResult(merged: unknown): unknown {
    return this.#aggregate.result((merged as readonly [unknown])[0]);
  }

  save(table: SliceTable, at: number): unknown {
    return table.objects[at];
  }

  load(table: SliceTable, at: number, saved: unknown): boolean {
    table.objects[at] = saved;
    return true;
  }

  #copy(accumulator: unknown): unknown {
    if (!needsCopy(accumulator)) return accumulator;
    return this.#aggregate.copy === undefined ? cloneValue(accumulator) : this.#aggregate.copy(accumulator);
  }

  /** What no snapshot can hold is refused with the record that brings it; with a `copy` of one's own, only a slice's first record is looked at. */
  #checked(accumulator: unknown): unknown {
    if (!needsCopy(accumulator) || this.#aggregate.copy !== undefined) return accumulator;
    return cloneValue(accumulator);
  }
}

/** `reduce(f)` as an aggregate: the first record is the accumulator, and the result. */
export function reducing(reduce: (held: unknown, value: unknown) => unknown): Aggregate<unknown, unknown, unknown> {
  const none = Symbol("none");
  return {
    create: () => none,
    add: (held, value) => (held === none ? value : reduce(held, value)),
    result: (held) => held,
  };
}

function restoreAccumulator(table: SliceTable, at: number, held: unknown): void {
  table.objects[at] = held;
}
