/**
 * What a key holds for its windows: accumulators over slices of time (a slice is a window or a pane), and one timer.
 *
 * Owns the slices in order of their start. What an accumulator is, and when the timer is due, is the operator's business.
 *
 * W1. Slices are sorted by start and unique.
 * W2. A key with slices has exactly one timer: for the earliest firing or clean-up among them.
 */
import type { Timer } from "../state/timer-queue.ts";

/** The slices of one key. */
export class Slices {
  /** To read from; changed by the methods alone. */
  readonly starts: number[] = [];
  /** As `starts`. */
  readonly accumulators: unknown[] = [];
  timer: Timer | undefined;
  /** The newest slice again, where most records fall: nothing behind this object has to be looked at to find it. */
  #newestAt = -1;
  #newestStart = Number.NaN;
  #newest: unknown;

  /** Index of the slice that begins at `start`; else `-1 - index` of where it belongs. Looks from the end: that is where records fall. */
  find(start: number): number {
    if (start === this.#newestStart) return this.#newestAt;
    const starts = this.starts;
    let at = starts.length - 1;
    for (let looked = 0; at >= 0 && looked < linearMax; at--, looked++) {
      const other = starts[at] ?? 0;
      if (other === start) return at;
      if (other < start) return -2 - at;
    }
    return at < 0 ? -1 : this.#search(start, at);
  }

  insert(at: number, start: number, accumulator: unknown): void {
    if (at === this.starts.length) {
      this.starts.push(start);
      this.accumulators.push(accumulator);
    } else {
      this.starts.splice(at, 0, start);
      this.accumulators.splice(at, 0, accumulator);
    }
    this.#remember();
  }

  /** The accumulator of slice number `at`. */
  accumulator(at: number): unknown {
    return at === this.#newestAt ? this.#newest : this.accumulators[at];
  }

  /** Puts another accumulator in the place of the one of slice number `at`. */
  replace(at: number, accumulator: unknown): void {
    this.accumulators[at] = accumulator;
    if (at === this.#newestAt) this.#newest = accumulator;
  }

  removeAt(at: number): void {
    this.starts.splice(at, 1);
    this.accumulators.splice(at, 1);
    this.#remember();
  }

  /** Removes the first `count` slices; they are few. */
  removeFirst(count: number): void {
    for (let removed = 0; removed < count; removed++) {
      this.starts.shift();
      this.accumulators.shift();
    }
    this.#remember();
  }

  /** Index of the first slice at or behind `start`. */
  firstFrom(start: number): number {
    const at = this.find(start);
    return at < 0 ? -1 - at : at;
  }

  #remember(): void {
    const at = this.starts.length - 1;
    this.#newestAt = at;
    this.#newestStart = this.starts[at] ?? Number.NaN;
    this.#newest = this.accumulators[at];
  }

  /** As `find`, in [0, last]. */
  #search(start: number, last: number): number {
    let low = 0;
    let high = last + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? 0) < start) low = middle + 1;
      else high = middle;
    }
    return this.starts[low] === start ? low : -1 - low;
  }
}

const linearMax = 4;
