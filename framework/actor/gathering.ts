/**
 * How long the first placement of a generation waits for those who are just starting.
 *
 * Workers of a fleet start together and are heard of one after the other. Whatever the first of them was given would have to move at once, a few instances at a
 * time, and sources would stay where they are (P8): all of them in one process.
 *
 * G1. It is over when nobody new has been heard of for a while, and after four times that in any case. It never begins again.
 */
import type { Cancel, Clock } from "../platform/platform.ts";

/** Between two processes that are started together, on a machine that has something else to do, ms. */
export const usualGatherMs = 250;

const waitsMax = 4;

/** The gathering of one leader epoch. */
export class Gathering {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #onOver: () => void;
  #sinceMs: number | undefined;
  #newestAtMs = 0;
  #workers = 0;
  #isOver = false;
  #cancel: Cancel | undefined;

  /** @param onOver called when it may be over; then it is asked for again */
  constructor(clock: Clock, quietMs: number, onOver: () => void) {
    this.#clock = clock;
    this.#quietMs = quietMs;
    this.#onOver = onOver;
  }

  /** Whether nobody is waited for any more, with so many workers there. */
  isOver(workers: number): boolean {
    if (this.#isOver) return true;
    const nowMs = this.#clock.monotonicMs();
    this.#sinceMs ??= nowMs;
    if (workers > this.#workers) this.#newestAtMs = nowMs;
    this.#workers = Math.max(workers, this.#workers);
    const untilMs = Math.min(this.#newestAtMs + this.#quietMs, this.#sinceMs + waitsMax * this.#quietMs);
    this.#cancel?.();
    this.#isOver = nowMs >= untilMs;
    if (!this.#isOver) this.#cancel = this.#clock.schedule(untilMs - nowMs, this.#onOver);
    return this.#isOver;
  }
}
