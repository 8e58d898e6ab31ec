/**
 * Whether a process that has fallen silent is gone: the server knows at once when nobody listens any more where it did.
 *
 * Owns the asking. Silence alone says little before it has lasted long, for a process that is busy, starved or stopped is silent, too; but that one still
 * listens. What follows is the owner's business, and nothing rests on it: safety comes from epochs (R4).
 *
 * AB1. It is asked about after two announcements or heartbeats have failed to come, not before.
 * AB2. Twice nobody: a connection that broke for a moment is back by then.
 * AB3. Any answer, and a request that nothing is known of, says that it may live.
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";

/** AB1, ms. */
export const askedAfterMs = 1_000;
/** AB2: between the first time and the one that counts, ms. */
export const confirmedAfterMs = 200;

/** Looks at one process. */
export class Absence {
  readonly #clock: Clock;
  readonly #ask: () => Promise<unknown>;
  readonly #onAbsent: () => void;
  #isAsking = false;
  /** When nobody was found first. */
  #sinceMs: number | undefined;

  /** `ask`: a request to where it listens. `onAbsent` is called with each look that finds it gone. */
  constructor(clock: Clock, ask: () => Promise<unknown>, onAbsent: () => void) {
    this.#clock = clock;
    this.#ask = ask;
    this.#onAbsent = onAbsent;
  }

  /** Called several times a second: it has been silent for so long. */
  look(silentMs: number): void {
    if (silentMs < askedAfterMs) this.#sinceMs = undefined;
    else if (!this.#isAsking) void this.#askNow();
  }

  async #askNow(): Promise<void> {
    this.#isAsking = true;
    const isNobodyThere = await this.#ask().then(
      () => false,
      (error: unknown) => StreamError.is(error, "NO_RESPONDERS"),
    );
    this.#isAsking = false;
    const nowMs = this.#clock.monotonicMs();
    this.#sinceMs = isNobodyThere ? (this.#sinceMs ?? nowMs) : undefined;
    if (this.#sinceMs !== undefined && nowMs - this.#sinceMs >= confirmedAfterMs) this.#onAbsent();
  }
}

/** Those whose absence a leader wants to know of. */
export interface WatchedWorkers {
  /** The others that count as living. */
  livingOthers(): readonly string[];
  /** For how long nothing has been heard of one, ms. */
  silentMs(worker: string): number;
  /** One is gone, until it is heard again. */
  absent(worker: string): void;
}

/** Looks at the workers of a job, for its leader. */
export class Absences {
  readonly #clock: Clock;
  readonly #workers: WatchedWorkers;
  readonly #ping: (worker: string) => Promise<unknown>;
  readonly #onAbsent: () => void;
  #watched = new Map<string, Absence>();

  constructor(clock: Clock, workers: WatchedWorkers, ping: (worker: string) => Promise<unknown>, onAbsent: () => void) {
    this.#clock = clock;
    this.#workers = workers;
    this.#ping = ping;
    this.#onAbsent = onAbsent;
  }

  /** Called several times a second by a worker that leads and hears itself. */
  look(): void {
    const living = this.#workers.livingOthers();
    this.#watched = new Map(living.map((worker) => [worker, this.#watched.get(worker) ?? this.#watch(worker)]));
    for (const [worker, absence] of this.#watched) absence.look(this.#workers.silentMs(worker));
  }

  #watch(worker: string): Absence {
    const gone = () => {
      this.#workers.absent(worker);
      this.#onAbsent();
    };
    return new Absence(this.#clock, () => this.#ping(worker), gone);
  }
}
