/**
 * Value state: one value per key, as declared with `value()`.
 *
 * Owns the cell and what is lent out of it. During a step user code has an object of its own, which it may change in place; when the step ends, a copy
 * of it becomes the cell, if anything has changed (descriptors S1 to S3). So the cell is never reachable from outside, and undoing needs no copy.
 */
import { cloneValue } from "../record/default-codec.ts";
import type { ValueState } from "./descriptors.ts";
import { restoreCell } from "./row.ts";
import { isSameValue } from "./same-value.ts";
import type { Column } from "./segment-codec.ts";
import type { KeyedStore, Lender } from "./store.ts";

/** Whether a value can be changed in place. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value has to be looked at before it is stored: objects, and what no codec takes. */
export function needsCopy(value: unknown): boolean {
  return (typeof value === "object" && value !== null) || typeof value === "function" || typeof value === "symbol";
}

/** The handle to a value of the current key. */
export class ValueCells<V> implements ValueState<V>, Column, Lender {
  readonly name: string;
  readonly #store: KeyedStore;
  readonly #column: number;
  /** What user code has in this step. */
  #lent: unknown;
  #isLent = false;
  /** The store will call `settle` and `forget` at the end of this step. */
  #isLender = false;

  constructor(store: KeyedStore, name: string) {
    this.name = name;
    this.#store = store;
    this.#column = store.addColumn(this);
  }

  get(): V | undefined {
    if (this.#isLent) return this.#lent as V;
    const cell = this.#store.current.cells[this.#column];
    if (isObject(cell)) this.#lend(cloneValue(cell));
    return (this.#isLent ? this.#lent : cell) as V | undefined;
  }

  set(value: V | undefined): void {
    this.#replace(value);
    this.#isLent = false;
    if (needsCopy(value)) this.#lend(value);
  }

  clear(): void {
    this.set(undefined);
  }

  settle(): void {
    if (!this.#isLent) return;
    const cell = this.#store.current.cells[this.#column];
    // A set value is its own cell until here; a got one is compared, so that reading does not soil the segment.
    if (cell === this.#lent || !isSameValue(cell, this.#lent)) this.#replace(cloneValue(this.#lent));
  }

  forget(): void {
    this.#isLender = false;
    this.#isLent = false;
    this.#lent = undefined;
  }

  encode(cell: unknown): unknown {
    return cell;
  }

  decode(saved: unknown): unknown {
    return saved;
  }

  #lend(value: unknown): void {
    this.#lent = value;
    this.#isLent = true;
    if (this.#isLender) return;
    this.#isLender = true;
    this.#store.lend(this);
  }

  #replace(value: unknown): void {
    const store = this.#store;
    const row = store.write();
    store.undoLog.push(restoreCell, row, this.#column, row.cells[this.#column]);
    row.put(this.#column, value);
  }
}
