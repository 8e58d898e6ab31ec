/**
 * Spreads the records of a split over time.
 *
 * Owns how many records have gone since the reader was opened and the one wake-up that is due. What is read never depends on it.
 *
 * A1. The n-th record after the opening (from 0) goes no earlier than n / rate seconds after it.
 * A2. A reader that was held up catches up: the rate is kept on average since the opening.
 */
import { StreamError } from "../errors.ts";
import type { SplitOpening } from "../log/source.ts";

/** What a pace needs of a split's opening. */
export type PaceOpening = Pick<SplitOpening, "schedule" | "monotonicMs" | "onReadable">;

/** The pace of one reader: at most `recordsPerSecond` on average, or as fast as they are taken. */
export class Pace {
  readonly #msPerRecord: number;
  readonly #opening: PaceOpening;
  readonly #openedMs: number;
  #taken = 0;
  #cancelWake: (() => void) | undefined;

  constructor(recordsPerSecond: number | undefined, opening: PaceOpening) {
    this.#msPerRecord = recordsPerSecond === undefined ? 0 : 1_000 / recordsPerSecond;
    this.#opening = opening;
    this.#openedMs = opening.monotonicMs();
  }

  /** Whether the next record may go now. If not, `onReadable` is called when it may. */
  isDue(): boolean {
    if (this.#msPerRecord === 0) return true;
    const waitMs = this.#openedMs + this.#taken * this.#msPerRecord - this.#opening.monotonicMs();
    if (waitMs <= 0) return true;
    this.#cancelWake ??= this.#opening.schedule(Math.ceil(waitMs), () => {
      this.#cancelWake = undefined;
      this.#opening.onReadable();
    });
    return false;
  }

  /** Counts a record that has gone. */
  took(): void {
    this.#taken += 1;
  }

  close(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
  }
}

/** The share of one split in a rate for the whole source. @throws OPTION_INVALID when the rate is no number above 0 */
export function rateOfSplit(recordsPerSecond: number | undefined, splits: number): number | undefined {
  if (recordsPerSecond === undefined) return undefined;
  if (!(recordsPerSecond > 0 && recordsPerSecond < Infinity)) {
    throw new StreamError("OPTION_INVALID", `rate is ${recordsPerSecond}; it takes records per second, more than 0`);
  }
  return recordsPerSecond / splits;
}
