/**
 * The two times of a stage instance: event time (its watermark) and processing time.
 *
 * C1. Neither goes back.
 * C2. `watermark` is what operators see: the one that is being applied. `applied` is the last one for which everything due has fired.
 * C3. State ages by what has been applied, and while timers fire by the time of the one that does: a watermark that comes in one great step ends no life
 *     before the timers that fire within it.
 */

import type { StepTime } from "../state/step-time.ts";

/** What time it is in a stage. */
export class StageClock implements StepTime {
  watermark = -Infinity;
  applied = -Infinity;
  nowMs = 0;
  /** Timestamp of the step under way; NaN where it has none. Kept up by the program of a stage whose state ages. */
  stepMs = NaN;
  readonly #farFutureMs: number;
  #isSet = false;

  /** `farFutureMs`: how far ahead of processing time a timestamp may lie. */
  constructor(farFutureMs: number) {
    this.#farFutureMs = farFutureMs;
  }

  /** Processing time is `ms`, or what it was if that is later (C1). */
  setNow(ms: number): void {
    this.#isSet = true;
    if (ms > this.nowMs) this.nowMs = ms;
  }

  /** The largest timestamp that is not too far in the future; no bound until processing time is known. */
  get timestampMax(): number {
    return this.#isSet ? this.nowMs + this.#farFutureMs : Infinity;
  }

  /** Whether firing what is due has begun and is not over. */
  get isAdvancing(): boolean {
    return this.watermark > this.applied;
  }

  get eventMs(): number {
    return this.isAdvancing && this.stepMs > this.applied ? this.stepMs : this.applied;
  }

  get eventUseMs(): number {
    return this.stepMs > this.applied ? this.stepMs : this.applied;
  }

  get processingMs(): number {
    return this.nowMs;
  }

  restore(nowMs: number, applied: number): void {
    if (nowMs > 0) this.setNow(nowMs);
    this.applied = applied;
    this.watermark = applied;
  }
}
