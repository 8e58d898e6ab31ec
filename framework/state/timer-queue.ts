/**
 * Timers in the order in which they fire.
 *
 * Owns the order: chains of timers of one time, in a binary heap by their first ones. Timers come in crowds (all keys' windows end together), so a crowd
 * is one entry of the heap, and to add or take out one of it costs the same however many there are.
 *
 * Q1. Timers fire in order of (time, registration number); numbers are unique, so the order is total and a restored queue has the same.
 * Q2. A timer is in at most one queue, once.
 * Q3. A chain holds timers of one time in order of their numbers. One time may have several chains: what comes out of order begins its own.
 */
import { InvariantViolation } from "../errors.ts";
import type { Row } from "./row.ts";

const inNone = -1;
const behindAnother = -2;
/** Ends of chains that are remembered, by time: prime, so that times on a grid do not meet. */
const tailCount = 61;

/** One registered timer. */
export class Timer {
  readonly time: number;
  readonly number: number;
  readonly row: Row;
  /** Of the first of a chain, the place in its queue's heap; else `behindAnother`, or `inNone`. */
  place: number = inNone;
  /** Neighbours in the chain. */
  before: Timer | undefined = undefined;
  after: Timer | undefined = undefined;

  constructor(time: number, number: number, row: Row) {
    this.time = time;
    this.number = number;
    this.row = row;
  }
}

/** The timers of one operator in one time domain. */
export class TimerQueue {
  /** The first timers of the chains. */
  readonly #heap: Timer[] = [];
  /** Where the next timer of a time may be hung on: last timers of chains of this queue. */
  readonly #tails: (Timer | undefined)[] = Array.from({ length: tailCount });
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The timer that fires next; undefined when there is none. */
  get next(): Timer | undefined {
    return this.#heap[0];
  }

  add(timer: Timer): void {
    if (timer.place !== inNone) throw new InvariantViolation(`timer ${timer.number} is queued already`);
    this.#size += 1;
    const slot = slotOf(timer);
    const tail = this.#tails[slot];
    if (tail !== undefined && tail.time === timer.time && tail.number < timer.number) {
      tail.after = timer;
      timer.before = tail;
      timer.place = behindAnother;
    } else {
      this.#heap.push(timer);
      this.#rise(timer, this.#heap.length - 1);
    }
    this.#tails[slot] = timer;
  }

  remove(timer: Timer): void {
    const { place, before, after } = timer;
    if (place === inNone || (place >= 0 && this.#heap[place] !== timer))
      throw new InvariantViolation(`timer ${timer.number} is not in this queue`);
    this.#size -= 1;
    this.#forgetTail(timer);
    timer.place = inNone;
    timer.before = undefined;
    timer.after = undefined;
    if (after !== undefined) after.before = before;
    if (before !== undefined) before.after = after;
    else if (after !== undefined) this.#sink(after, place);
    else this.#removeChain(place);
  }

  /** The timer is gone: what is before it in its chain is the end, if it was. */
  #forgetTail(timer: Timer): void {
    const slot = slotOf(timer);
    if (this.#tails[slot] === timer) this.#tails[slot] = timer.before;
  }

  #removeChain(place: number): void {
    const last = this.#heap.pop();
    if (last === undefined || place === this.#heap.length) return;
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

/** Where the tail of the timer's time is remembered; times may be infinite. */
function slotOf({ time }: Timer): number {
  return Math.abs(time % tailCount) || 0;
}

/** Q1. */
function isBefore(a: Timer, b: Timer): boolean {
  return a.time < b.time || (a.time === b.time && a.number < b.number);
}
