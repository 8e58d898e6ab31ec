/**
 * Timers in the order in which they fire.
 *
 * Owns the order: a binary heap in which each timer knows its place, so that one can be taken out. Which timers a key has is a column's business.
 *
 * Q1. Timers fire in order of (time, registration number); numbers are unique, so the order is total and a restored queue has the same.
 * Q2. A timer is in at most one queue, once.
 */
import { InvariantViolation } from "../errors.ts";
import type { Row } from "./row.ts";

/** One registered timer. */
export class Timer {
  readonly time: number;
  readonly number: number;
  readonly row: Row;
  /** Place in its queue; -1 when in none. */
  place = -1;

  constructor(time: number, number: number, row: Row) {
    this.time = time;
    this.number = number;
    this.row = row;
  }
}

/** The timers of one operator in one time domain. */
export class TimerQueue {
  readonly #heap: Timer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The timer that fires next; undefined when there is none. */
  get next(): Timer | undefined {
    return this.#heap[0];
  }

  add(timer: Timer): void {
    if (timer.place !== -1) throw new InvariantViolation(`timer ${timer.number} is queued already`);
    this.#heap.push(timer);
    this.#rise(timer, this.#heap.length - 1);
  }

  remove(timer: Timer): void {
    const place = timer.place;
    const heap = this.#heap;
    if (heap[place] !== timer) throw new InvariantViolation(`timer ${timer.number} is not in this queue`);
    const last = heap.pop();
    timer.place = -1;
    if (last === undefined || last === timer) return;
    this.#rise(last, place);
    if (last.place === place) this.#sink(last, place);
  }

  /** Puts `timer` at `place` or above. */
  #rise(timer: Timer, place: number): void {
    const heap = this.#heap;
    let at = place;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[at] = above;
      above.place = at;
      at = parent;
    }
    heap[at] = timer;
    timer.place = at;
  }

  /** Puts `timer` at `place` or below. */
  #sink(timer: Timer, place: number): void {
    const heap = this.#heap;
    const size = heap.length;
    let at = place;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) break;
      let child = heap[left];
      let childAt = left;
      const right = heap[left + 1];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt = left + 1;
      }
      if (!isBefore(child, timer)) break;
      heap[at] = child;
      child.place = at;
      at = childAt;
    }
    heap[at] = timer;
    timer.place = at;
  }
}

/** Q1. */
function isBefore(a: Timer, b: Timer): boolean {
  return a.time < b.time || (a.time === b.time && a.number < b.number);
}
