/**
 * Whether what an incarnation has said stays unacknowledged: whoever is to read it may be gone, and its inbox full.
 *
 * AS1. A stall lasts when nothing has been acknowledged for five seconds though something waits for it; as soon as anything is, it counts anew.
 */
import type { Clock } from "../platform/platform.ts";

const stalledMsMax = 5_000;

/** What has been said, as {@link Outputs} counts it. */
export interface Said {
  /** Count of outputs so far. */
  readonly ordinal: number;
  /** Everything up to this ordinal has been acknowledged. */
  readonly acknowledged: number;
}

/** Watches the acknowledgements of one incarnation. */
export class AckStall {
  readonly #clock: Clock;
  readonly #said: Said;
  #acknowledged: number;
  #sinceMs: number;

  constructor(clock: Clock, said: Said) {
    this.#clock = clock;
    this.#said = said;
    this.#acknowledged = said.acknowledged;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Whether everything that was said is acknowledged. */
  get isOver(): boolean {
    return this.#said.acknowledged >= this.#said.ordinal;
  }

  /** Looks again; called now and then, or a stall of less than that is taken for a longer one. */
  lasts(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const { acknowledged } = this.#said;
    if (this.isOver || acknowledged !== this.#acknowledged) this.#sinceMs = nowMs;
    this.#acknowledged = acknowledged;
    return nowMs - this.#sinceMs >= stalledMsMax;
  }
}
