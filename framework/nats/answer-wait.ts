/**
 * How long a call waits for its answer: as long as answers take.
 *
 * Owns the limit. A server that is starved answers late, and a call that is repeated meanwhile gives it more to do; one that is dead does not answer at all,
 * and must not be waited for longer each time. What tells them apart is the answer that comes late.
 *
 * W1. The limit is at least `minMs` and at most `maxMs`. An answer that took half of the limit or more raises it to twice what it took; every faster one
 *     lowers it a little; a call without an answer changes nothing.
 * W2. Calls that wait together do not give up together: each waits up to an eighth longer, by its number.
 */

/** Bounds of the limit, ms. */
export interface WaitBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

const lowering = 0.95;
const spread = 8;

/** The limit of the calls of one connection. */
export class AnswerWait {
  readonly #bounds: WaitBounds;
  #limitMs: number;
  #calls = 0;

  constructor(bounds: WaitBounds) {
    this.#bounds = bounds;
    this.#limitMs = bounds.minMs;
  }

  /** For how long an answer is still of interest to {@link AnswerWait.answered}. */
  get maxMs(): number {
    return this.#bounds.maxMs;
  }

  /** How long the call that begins now waits. */
  next(): number {
    this.#calls = (this.#calls + 1) % spread;
    return this.#limitMs * (1 + this.#calls / spread ** 2);
  }

  /** An answer has come, late or not, `tookMs` after the call. */
  answered(tookMs: number): void {
    const { minMs, maxMs } = this.#bounds;
    const limitMs = tookMs >= this.#limitMs / 2 ? Math.max(this.#limitMs, 2 * tookMs) : this.#limitMs * lowering;
    this.#limitMs = Math.min(maxMs, Math.max(minMs, limitMs));
  }
}
