/**
 * A fold over slices of time: its accumulators lie in the table, as objects.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { SliceTable } from "../window/slice-table.ts";
import type { Accumulation } from "./accumulation.ts";
import type { WindowFold } from "./window-fold.ts";

/** Computes what a fold does. */
export class FoldAccumulation implements Accumulation {
  readonly kind: string;
  readonly isMergeable: boolean;
  readonly slots = 0;
  readonly #fold: WindowFold;

  constructor(fold: WindowFold) {
    this.kind = fold.kind;
    this.isMergeable = fold.isMergeable;
    this.#fold = fold;
  }

  first(table: SliceTable, at: number, value: unknown): void {
    table.objects[at] = this.#fold.first(value);
  }

  add(table: SliceTable, at: number, value: unknown, undoLog: UndoLog): void {
    const held = table.objects[at];
    const next = this.#fold.add(held, value, undoLog);
    if (next === held) return;
    undoLog.push(restoreAccumulator, table, at, held);
    table.objects[at] = next;
  }

  result(table: SliceTable, at: number, isKept: boolean): unknown {
    return this.#fold.result(table.objects[at], isKept);
  }

  merged(table: SliceTable, places: readonly number[], from: number, to: number): unknown {
    let merged = table.objects[places[from] ?? -1];
    for (let index = from + 1; index < to; index++)
      merged = this.#fold.merge(merged, table.objects[places[index] ?? -1]);
    return [merged];
  }

  join(older: unknown, newer: unknown): unknown {
    if (older === undefined) return newer;
    return [this.#fold.merge((older as readonly [unknown])[0], (newer as readonly [unknown])[0])];
  }

  mergedResult(merged: unknown): unknown {
    return this.#fold.result((merged as readonly [unknown])[0], true);
  }

  save(table: SliceTable, at: number): unknown {
    return table.objects[at];
  }

  load(table: SliceTable, at: number, saved: unknown): boolean {
    table.objects[at] = saved;
    return true;
  }
}

function restoreAccumulator(table: SliceTable, at: number, held: unknown): void {
  table.objects[at] = held;
}
