/**
 * A waiting line: first in, first out, however long it is.
 *
 * L1. Joining and leaving take the same time in a line of any length: an array's `shift` moves all that is left.
 */

/** Waiting things, in the order in which they came. */
export class WaitingLine<T> {
  #waiting: T[] = [];
  #gone = 0;

  get length(): number {
    return this.#waiting.length - this.#gone;
  }

  push(one: T): void {
    this.#waiting.push(one);
  }

  /** Takes the first; undefined when nobody waits. */
  take(): T | undefined {
    const first = this.#waiting[this.#gone];
    if (first === undefined) return undefined;
    this.#gone += 1;
    if (this.#gone * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#gone);
      this.#gone = 0;
    }
    return first;
  }
}
