/**
 * How late the event loop is: what Node measures of itself, from one reading to the next.
 *
 * Owns the histogram; one per reader, begun only when somebody wants to know.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

const resolutionMs = 20;
const nsPerMs = 1e6;

/** The delays since the reading before. */
export interface LoopDelays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Watches the event loop until it is closed. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });

  constructor() {
    this.#histogram.enable();
  }

  /** The delays since the last reading, or since the beginning. */
  read(): LoopDelays {
    const { count, max } = this.#histogram;
    const delays =
      count === 0
        ? { p99Ms: 0, maxMs: 0 }
        : { p99Ms: overdueMs(this.#histogram.percentile(99)), maxMs: overdueMs(max) };
    this.#histogram.reset();
    return delays;
  }

  close(): void {
    this.#histogram.disable();
  }
}

/** Node measures from one tick to the next: what is longer than asked for is delay. */
function overdueMs(ns: number): number {
  return Math.max(0, ns / nsPerMs - resolutionMs);
}
