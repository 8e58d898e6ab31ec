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
  readonly starts: number[] = [];
  readonly accumulators: unknown[] = [];
  timer: Timer | undefined;

  /** Index of the slice that begins at `start`; else `-1 - index` of where it belongs. Looks from the end: that is where records fall. */
  find(start: number): number {
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
  }

  removeAt(at: number): void {
    this.starts.splice(at, 1);
    this.accumulators.splice(at, 1);
  }

  /** Removes the first `count` slices; they are few. */
  removeFirst(count: number): void {
    for (let removed = 0; removed < count; removed++) {
      this.starts.shift();
      this.accumulators.shift();
    }
  }

  /** Index of the first slice at or behind `start`. */
  firstFrom(start: number): number {
    const at = this.find(start);
    return at < 0 ? -1 - at : at;
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
