/**
 * A pause that somebody else has asked for: nothing is read until it is over.
 */
import type { Clock } from "../platform/platform.ts";

/** The pause of one split. */
export class ReadingPause {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #untilMs = -Infinity;

  /** `onOver` is called when it may be over. */
  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  get lasts(): boolean {
    return this.#clock.monotonicMs() < this.#untilMs;
  }

  /** From now on for so long, whatever was said before; 0: it is over. */
  for(ms: number): void {
    this.#untilMs = this.#clock.monotonicMs() + ms;
    this.#clock.schedule(ms, () => this.#onOver(), { background: true });
  }
}
