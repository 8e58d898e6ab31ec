/**
 * Time as a worker that may stand still can judge others by: only what it was awake for counts.
 *
 * Owns how long the worker has been attentive. A process that was stopped, starved or busy for long finds its timers due before it has read what the others
 * have said meanwhile; by the plain clock they have all been silent, and it would take over what is not lost.
 *
 * T1. Between two looks at most `gapMsMax` count, however long they are apart.
 * T2. While looks come in time, it is the plain clock's time.
 */
import type { Cancel, Clock, ScheduleOptions } from "../platform/platform.ts";

/** More than this between two looks was no attention, ms; looks come about four times a second. */
const gapMsMax = 500;

/** A clock whose monotonic time is attention. */
export class Attention implements Clock {
  readonly #clock: Clock;
  #lookedAtMs: number;
  #untilThenMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAtMs = clock.monotonicMs();
  }

  /** Called about four times a second by a timer of the worker: it is awake. */
  look(): void {
    this.#untilThenMs = this.monotonicMs();
    this.#lookedAtMs = this.#clock.monotonicMs();
  }

  monotonicMs(): number {
    return this.#untilThenMs + Math.min(gapMsMax, this.#clock.monotonicMs() - this.#lookedAtMs);
  }

  now(): number {
    return this.#clock.now();
  }

  schedule(delayMs: number, wake: () => void, options?: ScheduleOptions): Cancel {
    return this.#clock.schedule(delayMs, wake, options);
  }
}
