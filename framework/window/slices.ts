/**
 * What a key holds for its windows: slices of time (a slice is a window or a pane), and one timer.
 *
 * Owns the slices' order. Where they lie is the table's business; when the timer is due, the operator's.
 *
 * W1. Slices are sorted by start and unique.
 * W2. A key with slices has exactly one timer: for the earliest firing or clean-up among them.
 * W3. The row's `newest` is the place of the newest slice, -1 while there is none: most records fall there, and find it without looking here.
 */
import type { Row } from "../state/row.ts";
import type { Timer } from "../state/timer-queue.ts";
import type { SliceTable } from "./slice-table.ts";

/** The slices of one key; `new Slices(table, row, start)` has one. */
export class Slices {
  /** Places in the table, in order of start. To read from; changed by the methods alone. */
  readonly places: number[];
  timer: Timer | undefined;
  readonly #table: SliceTable;
  readonly #row: Row;

  constructor(table: SliceTable, row: Row, start: number) {
    // As long as it has to be: mostly there is one slice, and an array that grows takes room for many.
    this.places = [table.allocate(start)];
    this.#table = table;
    this.#row = row;
    this.#remember();
  }

  /** Index of the slice that begins at `start`; else `-1 - index` of where it belongs. Looks from the end: that is where records fall. */
  find(start: number): number {
    const places = this.places;
    let index = places.length - 1;
    for (let looked = 0; index >= 0 && looked < linearMax; index--, looked++) {
      const other = this.startOf(index);
      if (other === start) return index;
      if (other < start) return -2 - index;
    }
    return index < 0 ? -1 : this.#search(start, index);
  }

  /** When slice number `index` begins. */
  startOf(index: number): number {
    return this.#table.start(this.places[index] ?? -1);
  }

  /** Puts in, as number `index`, a slice that begins at `start`; answers its place. */
  insert(index: number, start: number): number {
    const place = this.#table.allocate(start);
    if (index === this.places.length) this.places.push(place);
    else this.places.splice(index, 0, place);
    this.#remember();
    return place;
  }

  removeAt(index: number): void {
    for (const place of this.places.splice(index, 1)) this.#table.free(place);
    this.#remember();
  }

  /** Removes the first `count` slices; they are few. */
  removeFirst(count: number): void {
    for (let removed = 0; removed < count; removed++) {
      const place = this.places.shift();
      if (place !== undefined) this.#table.free(place);
    }
    this.#remember();
  }

  /** Index of the first slice at or behind `start`. */
  firstFrom(start: number): number {
    const index = this.find(start);
    return index < 0 ? -1 - index : index;
  }

  /** W3. */
  #remember(): void {
    this.#row.newest = this.places[this.places.length - 1] ?? -1;
  }

  /** As `find`, in [0, last]. */
  #search(start: number, last: number): number {
    let low = 0;
    let high = last + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.startOf(middle) < start) low = middle + 1;
      else high = middle;
    }
    return this.startOf(low) === start ? low : -1 - low;
  }
}

const linearMax = 4;
