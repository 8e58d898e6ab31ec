/**
 * How a source stage makes watermarks from timestamps.
 *
 * Owns the largest timestamp seen; a function of the split's prefix, so a replay makes the same ones. When they are published is the
 * supervisor's business.
 *
 * W1. A watermark w promises that no record with a timestamp <= w follows in order (semantics 1.1.1); it never goes back.
 * W2. Bounded disorder answers `largest - bound - 1`, monotonic time is a bound of 0 (semantics 1.1.2).
 */

/** Watermarks for records that are at most `outOfOrdernessMs` out of order. */
export class BoundedDisorder {
  readonly #outOfOrdernessMs: number;
  #largest = -Infinity;

  constructor(outOfOrdernessMs: number) {
    this.#outOfOrdernessMs = outOfOrdernessMs;
  }

  /** Takes the timestamp of a record that has been emitted. */
  observe(timestamp: number): void {
    if (timestamp > this.#largest) this.#largest = timestamp;
  }

  /** The watermark now: -Infinity before the first record. */
  get watermark(): number {
    return this.#largest - this.#outOfOrdernessMs - 1;
  }

  /** The largest timestamp seen: all there is to snapshot. */
  get largest(): number {
    return this.#largest;
  }

  restore(largest: number): void {
    this.#largest = largest;
  }
}
