/**
 * Which dead letters an instance has been given again.
 *
 * Owns the set of their numbers and the decision; what is done with the record is the feed's business.
 *
 * RD1. A number is taken once: a pure function of the inbox, like everything that is decided on it.
 * RD2. The set is kept as runs of numbers: who gives all letters again, in whatever order, leaves one entry.
 */
import type { NumberRange } from "../record/snapshot-record.ts";

/** A set of numbers that only grows. */
export class TakenNumbers {
  #ranges: readonly NumberRange[] = [];

  /** The runs, ascending, with a gap between any two; never changed afterwards. */
  get ranges(): readonly NumberRange[] {
    return this.#ranges;
  }

  /** Takes the runs of a snapshot; called before anything else. */
  restore(ranges: readonly NumberRange[]): void {
    this.#ranges = ranges;
  }

  /** Takes `number`; answers false when it has been taken before (RD1). */
  take(number: number): boolean {
    if (isWithin(this.#ranges, number)) return false;
    const before = this.#ranges.filter(({ last }) => last < number);
    const after = this.#ranges.slice(before.length);
    const left = before.at(-1)?.last === number - 1 ? before.pop() : undefined;
    const right = after[0]?.first === number + 1 ? after.shift() : undefined;
    this.#ranges = [...before, { first: left?.first ?? number, last: right?.last ?? number }, ...after];
    return true;
  }
}

/** Whether one of the runs has `number`. */
export function isWithin(ranges: readonly NumberRange[], number: number): boolean {
  return ranges.some(({ first, last }) => first <= number && number <= last);
}
