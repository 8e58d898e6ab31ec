/**
 * Whether a worker still hears the others, and reads what they write: what its readiness is decided on.
 *
 * Owns when the Bus was heard last. A worker hears its own announcements twice a second, so silence says that the way to the server or back is broken,
 * long before a connection notices.
 */
import type { Clock } from "../platform/platform.ts";

/** Silence after which a worker counts as cut off, ms. */
const silenceMsMax = 3_000;

/** The hearing of one worker. */
export class Hearing {
  readonly #clock: Clock;
  #heardAtMs: number;
  /** The newest leader heard of, and since when. */
  #leader = { epoch: 0, sinceMs: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAtMs = clock.monotonicMs();
  }

  /** Something has come over the Bus. */
  heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  /** The leader of this epoch says that it lives. */
  heardLeader(epoch: number): void {
    this.heard();
    if (epoch > this.#leader.epoch) this.#leader = { epoch, sinceMs: this.#heardAtMs };
  }

  /** What is wrong, in sentences. `leaderRead`: epoch of the newest leader that has been read of in the job log. */
  obstacles(leaderRead: number): string[] {
    const nowMs = this.#clock.monotonicMs();
    const silentMs = nowMs - this.#heardAtMs;
    if (silentMs > silenceMsMax)
      return [`nothing has been heard over the bus for ${Math.floor(silentMs / 1_000)} s: the server does not answer`];
    const { epoch, sinceMs } = this.#leader;
    if (epoch > leaderRead && nowMs - sinceMs > silenceMsMax)
      return [`the job log is not being read: its leader has epoch ${epoch}, the last one read is ${leaderRead}`];
    return [];
  }
}
