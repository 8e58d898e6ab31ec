/**
 * Whether whoever has the job held by a savepoint is still there to follow it up.
 *
 * Owns the questions, on behalf of one leader epoch; what follows from the answers is decided in `protocol/savepoint.ts`.
 *
 * HW1. Gone is who has answered before, and whom nobody hears on the servers for a while. One who is busy, or whose server is away, is not: the hold's own
 *      timeout bounds that, and a hold that nobody has ever answered for.
 */
import { StreamError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { SavepointView } from "../protocol/savepoint-life.ts";
import type { JobBus } from "./job-bus.ts";

/** How often it is asked, ms. */
const askMs = 500;
/** Longer than a client takes to be back on a server that was started again, ms. */
const goneMs = 3_000;

/** The watch of one leader epoch over the hold that is open. */
export class HoldWatch {
  readonly #platform: Platform;
  readonly #bus: JobBus;
  #savepoint: number | undefined;
  #hasAnswered = false;
  #missingSinceMs: number | undefined;
  #askedMs = -Infinity;

  constructor(platform: Platform, bus: JobBus) {
    this.#platform = platform;
    this.#bus = bus;
  }

  /** Whether nobody follows up the hold any more, as far as is known (HW1). */
  isLeft({ id }: SavepointView): boolean {
    const sinceMs = id === this.#savepoint ? this.#missingSinceMs : undefined;
    return sinceMs !== undefined && this.#platform.clock.monotonicMs() - sinceMs >= goneMs;
  }

  /** Called now and then while the savepoint is open. */
  look({ id, name, mode }: SavepointView): void {
    const nowMs = this.#platform.clock.monotonicMs();
    if (mode !== "hold") return;
    if (id !== this.#savepoint) {
      this.#savepoint = id;
      this.#hasAnswered = false;
      this.#missingSinceMs = undefined;
      this.#askedMs = -Infinity;
    }
    if (nowMs - this.#askedMs < askMs) return;
    this.#askedMs = nowMs;
    this.#bus.askHolder(name).then(
      () => this.#heard(id),
      (error: unknown) => this.#missed(id, error),
    );
  }

  #heard(id: number): void {
    if (id !== this.#savepoint) return;
    this.#hasAnswered = true;
    this.#missingSinceMs = undefined;
  }

  #missed(id: number, error: unknown): void {
    if (id !== this.#savepoint || !this.#hasAnswered || !StreamError.is(error, "NO_RESPONDERS")) return;
    this.#missingSinceMs ??= this.#platform.clock.monotonicMs();
  }
}
