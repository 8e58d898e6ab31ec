/**
 * The wake-ups of a virtual clock, ordered by due time: a binary heap with lazy removal.
 *
 * Owns their order and the count of foreground ones; knows nothing of time passing.
 */
import type { Cancel, Random } from "./platform.ts";

interface WakeUp {
  readonly dueMs: number;
  /** Decides between equal due times; drawn when the order is random. */
  readonly rank: number;
  /** Order of `add`: decides between equal ranks. */
  readonly order: number;
  readonly isBackground: boolean;
  /** Undefined once run or cancelled. */
  wake: (() => void) | undefined;
}

/** What is scheduled and not yet run. */
export class WakeUps {
  readonly #random: Random | undefined;
  readonly #heap: WakeUp[] = [];
  #added = 0;
  #foreground = 0;
  #background = 0;

  /** @param random draws the order of equal due times; absent: the order of `add` */
  constructor(random: Random | undefined) {
    this.#random = random;
  }

  get foreground(): number {
    return this.#foreground;
  }

  get background(): number {
    return this.#background;
  }

  /** When the next wake-up is due; undefined when there is none. */
  get nextDueMs(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].wake === undefined) this.#removeTop();
    return this.#heap[0]?.dueMs;
  }

  add(dueMs: number, wake: () => void, isBackground: boolean): Cancel {
    const order = this.#added++;
    const wakeUp: WakeUp = { dueMs, rank: this.#random?.next() ?? 0, order, isBackground, wake };
    this.#heap.push(wakeUp);
    this.#rise(this.#heap.length - 1);
    this.#count(wakeUp, 1);
    return () => {
      if (wakeUp.wake === undefined) return;
      wakeUp.wake = undefined;
      this.#count(wakeUp, -1);
    };
  }

  /** Removes the next wake-up and answers what it runs. */
  take(): (() => void) | undefined {
    if (this.nextDueMs === undefined) return undefined;
    const top = this.#removeTop();
    const wake = top.wake;
    top.wake = undefined;
    this.#count(top, -1);
    return wake;
  }

  #count(wakeUp: WakeUp, by: 1 | -1): void {
    if (wakeUp.isBackground) this.#background += by;
    else this.#foreground += by;
  }

  #removeTop(): WakeUp {
    const top = this.#at(0);
    const last = this.#heap.pop();
    if (this.#heap.length > 0 && last !== undefined) {
      this.#heap[0] = last;
      this.#sink();
    }
    return top;
  }

  #rise(start: number): void {
    for (let child = start; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #sink(): void {
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === parent) return;
      this.#swap(least, parent);
      parent = least;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const a = this.#at(left);
    const b = this.#at(right);
    if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs;
    return a.rank === b.rank ? a.order < b.order : a.rank < b.rank;
  }

  #swap(left: number, right: number): void {
    const kept = this.#at(left);
    this.#heap[left] = this.#at(right);
    this.#heap[right] = kept;
  }

  #at(index: number): WakeUp {
    return this.#heap[index] as WakeUp;
  }
}
