/**
 * When an instance's own inbox gets a tick.
 *
 * Owns the one wake-up for the earliest processing-time timer, and whether a tick is on its way.
 *
 * R9. A tick is appended when a timer is due by the host's clock, one outstanding at a time; what it fires is decided by the log's time of it.
 * TS1. A host's clock may be ahead of the log's, by hours. A tick that has not fired its timer says how long that takes by the log's; the next one comes then, or
 *      after a second, never at once.
 * TS2. A timer that is due when it is registered fires with the next advance of processing time, a millisecond later, as one of event time does with the next
 *      watermark: no record of that millisecond comes after what its timers have done.
 */
import type { Cancel, Clock } from "../platform/platform.ts";

const againMsMax = 1_000;

/** Arranges the ticks of one instance. */
export class TickSchedule {
  readonly #clock: Clock;
  readonly #append: () => Promise<unknown>;
  readonly #onAppended: () => void;
  #cancel: Cancel | undefined;
  #at: number | undefined;
  /** What the last tick was appended for. */
  #tickedFor: number | undefined;
  #isOutstanding = false;
  #isClosed = false;

  /** `append` puts a tick into the inbox; `onAppended` is called when it is there. */
  constructor(clock: Clock, append: () => Promise<unknown>, onAppended: () => void) {
    this.#clock = clock;
    this.#append = append;
    this.#onAppended = onAppended;
  }

  /** The earliest timer is due at `at` (undefined: there is none), and by what has been read it is `logMs`. Called between turns. */
  arrange(at: number | undefined, logMs: number): void {
    if (this.#isOutstanding || this.#at === at || this.#isClosed) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = at;
    if (at === undefined) return;
    const atLeastMs = at === this.#tickedFor ? Math.min(againMsMax, Math.max(1, at - logMs)) : 0;
    this.#wait(at > logMs ? at : logMs + 1, atLeastMs);
  }

  /** Whether a tick is on its way into the inbox. */
  get isOutstanding(): boolean {
    return this.#isOutstanding;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #wait(at: number, atLeastMs: number): void {
    const delayMs = Math.max(atLeastMs, at - this.#clock.now());
    this.#cancel = this.#clock.schedule(delayMs, () => this.#due(at), { background: true });
  }

  #due(at: number): void {
    if (this.#isClosed) return;
    // The wall clock may have gone back since: then it is not time yet.
    if (at > this.#clock.now()) return this.#wait(at, 0);
    this.#tickedFor = this.#at;
    this.#at = undefined;
    this.#cancel = undefined;
    this.#isOutstanding = true;
    void this.#append().then(() => {
      this.#isOutstanding = false;
      if (!this.#isClosed) this.#onAppended();
    });
  }
}
