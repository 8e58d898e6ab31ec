/**
 * Cleaning up keyed state that has expired, a bounded number of rows at a time.
 *
 * Owns which columns have an age, and the order of clean-ups: by column, then by time. What is taken away is `aging.ts`'s decision. No step: nothing of it is
 * undone, and nothing of it can fail.
 */
import type { RowAging } from "./aging.ts";
import type { Row } from "./row.ts";

/** What a clean-up does to a row; the store's part. */
export interface SweptStore {
  /** Makes the row current. */
  focus(row: Row): void;
  /** The current row, about to be changed. */
  write(): Row;
  /** Keeps the current row if it has a cell, and drops it otherwise. */
  finish(): void;
}

interface AgedColumn {
  readonly column: number;
  readonly aging: RowAging;
}

/** The clean-ups of one store. */
export class Sweeper {
  readonly #columns: AgedColumn[] = [];

  /** Adds a column whose cells have an age; called while the program is built. */
  add(column: number, aging: RowAging): void {
    this.#columns.push({ column, aging });
  }

  /** Whether no column has an age. */
  get isEmpty(): boolean {
    return this.#columns.length === 0;
  }

  /** When the earliest clean-up in that time is due; undefined when there is none. */
  nextAt(time: RowAging["time"]): number | undefined {
    let next: number | undefined;
    for (const { aging } of this.#columns) {
      const at = aging.time === time ? aging.nextAt : undefined;
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  /** Cleans up what is due at `timeMs`, at most `rowsMax` rows. Answers whether nothing due is left. */
  sweep(store: SweptStore, time: RowAging["time"], timeMs: number, rowsMax: number): boolean {
    let rows = 0;
    for (const aged of this.#columns) {
      while (aged.aging.time === time && (aged.aging.nextAt ?? Infinity) <= timeMs) {
        if (rows >= rowsMax) return false;
        rows += 1;
        sweepRow(store, aged, timeMs);
      }
    }
    return true;
  }
}

function sweepRow(store: SweptStore, { column, aging }: AgedColumn, timeMs: number): void {
  const row = aging.takeDue(timeMs);
  const cell = row?.cells[column];
  // A row that has been dropped, or has lost the cell, has nothing to clean up.
  if (row?.isChained !== true || cell === undefined) return;
  if (!aging.isDue(cell, timeMs)) return aging.restored(row, cell);
  store.focus(row);
  store.write();
  const left = aging.swept(cell, timeMs);
  row.put(column, left);
  if (left !== undefined) aging.restored(row, left);
  store.finish();
}
