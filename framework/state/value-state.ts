/**
 * Value state: one value per key, as declared with `value()`.
 *
 * Owns the cell and what is lent out of it. During a step user code has an object of its own, which it may change in place; when the step ends, a copy
 * of it becomes the cell, if anything has changed (descriptors S1 to S3). So the cell is never reachable from outside, and undoing needs no copy.
 */
import { cloneValue } from "../record/default-codec.ts";
import type { CellCodec, CellPlace, Lender } from "./cell-place.ts";
import type { ValueState } from "./descriptors.ts";
import { isSameValue } from "./same-value.ts";

/** Whether a value can be changed in place. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value has to be looked at before it is stored: objects, and what no codec takes. */
export function needsCopy(value: unknown): boolean {
  return (typeof value === "object" && value !== null) || typeof value === "function" || typeof value === "symbol";
}

/** The cell is the value. */
export const valueCellCodec: CellCodec = {
  form: "value",
  version: 1,
  encode: (cell) => cell,
  decode: (saved) => saved,
  mapped: (saved, change) => change(saved),
};

/** The handle to a value. */
export class ValueCells<V> implements ValueState<V>, Lender {
  readonly #place: CellPlace;
  /** What user code has in this step. */
  #lent: unknown;
  #isLent = false;
  /** Known to the place, which has `settle` and `forget` called. */
  #isLender = false;

  constructor(place: CellPlace) {
    this.#place = place;
  }

  get(): V | undefined {
    if (this.#isLent) return this.#lent as V;
    const cell = this.#place.get();
    if (isObject(cell)) this.#lend(cloneValue(cell));
    return (this.#isLent ? this.#lent : cell) as V | undefined;
  }

  set(value: V | undefined): void {
    this.#place.put(value);
    this.#isLent = false;
    if (needsCopy(value)) this.#lend(value);
  }

  clear(): void {
    this.set(undefined);
  }

  settle(): void {
    if (!this.#isLent) return;
    const cell = this.#place.get();
    // A set value is its own cell until here; a got one is compared, so that reading does not soil the segment.
    if (cell === this.#lent || !isSameValue(cell, this.#lent)) this.#place.put(cloneValue(this.#lent));
  }

  forget(): void {
    this.#isLender = false;
    this.#isLent = false;
    this.#lent = undefined;
  }

  #lend(value: unknown): void {
    this.#lent = value;
    this.#isLent = true;
    if (this.#isLender) return;
    this.#isLender = true;
    this.#place.lend(this);
  }
}
