/**
 * When an instance's own inbox gets a tick.
 *
 * Owns the one wake-up for the earliest processing-time timer, and whether a tick is on its way.
 *
 * R9. A tick is appended when a timer is due by the host's clock, one outstanding at a time; what it fires is decided by the log's time of it.
 */
import type { Cancel, Clock } from "../platform/platform.ts";

/** Arranges the ticks of one instance. */
export class TickSchedule {
  readonly #clock: Clock;
  readonly #append: () => Promise<unknown>;
  readonly #onAppended: () => void;
  #cancel: Cancel | undefined;
  #at: number | undefined;
  #isOutstanding = false;
  #isClosed = false;

  /** `append` puts a tick into the inbox; `onAppended` is called when it is there. */
  constructor(clock: Clock, append: () => Promise<unknown>, onAppended: () => void) {
    this.#clock = clock;
    this.#append = append;
    this.#onAppended = onAppended;
  }

  /** The earliest timer is due at `at` (undefined: there is none). Called between turns. */
  arrange(at: number | undefined): void {
    if (this.#isOutstanding || this.#at === at || this.#isClosed) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = at;
    if (at === undefined) return;
    const delayMs = Math.max(0, at - this.#clock.now());
    this.#cancel = this.#clock.schedule(delayMs, () => this.#due(at), { background: true });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #due(at: number): void {
    this.#at = undefined;
    this.#cancel = undefined;
    if (this.#isClosed) return;
    // The wall clock may have gone back since: then it is not time yet.
    if (at > this.#clock.now()) return this.arrange(at);
    this.#isOutstanding = true;
    void this.#append().then(() => {
      this.#isOutstanding = false;
      if (!this.#isClosed) this.#onAppended();
    });
  }
}
