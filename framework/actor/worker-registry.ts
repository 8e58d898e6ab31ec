/**
 * Which workers live, as one candidate has heard it on the Bus.
 *
 * Owns when each was last heard. A worker is dead when it has been silent for 2 s, when nobody answered for it, or when the process that started it
 * says so; safety never depends on it (epochs do that).
 */
import type { Clock } from "../platform/platform.ts";
import type { Announcement } from "../record/messages.ts";

/** Silence after which a worker counts as dead, ms. */
export const silenceMsMax = 2_000;

interface Known {
  heardAtMs: number;
  isLeaving: boolean;
  isDead: boolean;
}

/** A living worker, for placement. */
export interface LivingWorker {
  readonly worker: string;
  readonly isLeaving: boolean;
}

/** The workers of a job. */
export class WorkerRegistry {
  readonly #clock: Clock;
  readonly #self: string;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock, self: string) {
    this.#clock = clock;
    this.#self = self;
    this.#known.set(self, { heardAtMs: Infinity, isLeaving: false, isDead: false });
  }

  announced({ worker, isLeaving }: Announcement): void {
    this.heard(worker);
    const known = this.#known.get(worker);
    if (known !== undefined) known.isLeaving = isLeaving;
  }

  heard(worker: string): void {
    if (worker === this.#self) return;
    const known = this.#known.get(worker);
    if (known === undefined)
      this.#known.set(worker, { heardAtMs: this.#clock.monotonicMs(), isLeaving: false, isDead: false });
    else if (!known.isDead) known.heardAtMs = this.#clock.monotonicMs();
  }

  /** For good: ids are never used twice. */
  dead(worker: string): void {
    const known = this.#known.get(worker);
    if (known === undefined) this.#known.set(worker, { heardAtMs: -Infinity, isLeaving: false, isDead: true });
    else known.isDead = true;
  }

  leaving(): void {
    const self = this.#known.get(this.#self);
    if (self !== undefined) self.isLeaving = true;
  }

  isAlive(worker: string): boolean {
    const known = this.#known.get(worker);
    return known !== undefined && !known.isDead && this.#clock.monotonicMs() - known.heardAtMs <= silenceMsMax;
  }

  alive(): readonly LivingWorker[] {
    return [...this.#known]
      .filter(([worker]) => this.isAlive(worker))
      .map(([worker, { isLeaving }]) => ({ worker, isLeaving }));
  }
}
