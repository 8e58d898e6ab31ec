/**
 * How long the phases of one incarnation's way to work took, for the one log line that says so.
 */
import type { Clock } from "../platform/platform.ts";

/** What the line says. */
export interface RecoveryPhases {
  /** R5 (1) to (3): the pointer, the own fence, the fences downstream and their acks. */
  readonly claimMs: number;
  /** Snapshot, program, sinks, and a feed that is open. */
  readonly restoreMs: number;
  /** From the first turn to the own fence; 0 for a source, which has none. */
  readonly replayMs: number;
  /** Positions read again. */
  readonly replayed: number;
}

/** The times of one incarnation. */
export class RecoveryTimes {
  readonly #clock: Clock;
  readonly #beganMs: number;
  #claimedMs = 0;
  #restoredMs = 0;
  #position = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
  }

  claimed(): void {
    this.#claimedMs = this.#clock.monotonicMs();
  }

  /** `position`: what the snapshot covers. */
  restored(position: number): void {
    this.#restoredMs = this.#clock.monotonicMs();
    this.#position = position;
  }

  /** Called once, when everything that was there has been read. */
  caughtUp(position: number): RecoveryPhases {
    return {
      claimMs: tenths(this.#claimedMs - this.#beganMs),
      restoreMs: tenths(this.#restoredMs - this.#claimedMs),
      replayMs: tenths(this.#clock.monotonicMs() - this.#restoredMs),
      replayed: position - this.#position,
    };
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
