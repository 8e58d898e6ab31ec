/**
 * Which workers live, as one candidate has heard it on the Bus.
 *
 * Owns when each was last heard, and what it says of itself. A worker is dead when it has been silent for 2 s, when nobody listens where it did (`absence.ts`), or
 * when the process that started it says so; safety never depends on it (epochs do that).
 */
import type { Clock } from "../platform/platform.ts";
import type { Announcement } from "../record/messages.ts";
import type { WatchedWorkers } from "./absence.ts";

/** Silence after which a worker counts as dead, ms. */
export const silenceMsMax = 2_000;

/** A worker says something twice a second: with a larger gap between two of its own announcements it has not heard everything, ms. */
const ownGapMsMax = 1_000;

/** The part of an announcement that stays the same. */
export type WorkerPlace = Pick<Announcement, "host" | "processId" | "capacity" | "zone">;

/** The part of an announcement that says how the worker fares. */
export type WorkerCondition = Pick<Announcement, "loopShare" | "unstoredMs" | "isWarming">;

/** A worker of which nothing but the id is known. */
export const unknownPlace: WorkerPlace = { host: "", processId: 0, capacity: 1, zone: "" };
const unknownCondition: WorkerCondition = { loopShare: 0, unstoredMs: 0, isWarming: false };

interface Known {
  heardAtMs: number;
  /** Nobody listens where it did. */
  isAbsent: boolean;
  isLeaving: boolean;
  isDead: boolean;
  place: WorkerPlace;
  condition: WorkerCondition;
  clockAheadMs: number;
}

/** A living worker, for placement and status. */
export interface LivingWorker extends WorkerPlace, WorkerCondition {
  readonly worker: string;
  readonly isLeaving: boolean;
  /** Its wall clock less that of the one who says so, ms, the way of its last announcement included; negative when it is behind. */
  readonly clockAheadMs: number;
}

/** The workers of a job. */
export class WorkerRegistry implements WatchedWorkers {
  readonly #clock: Clock;
  readonly #self: string;
  readonly #known = new Map<string, Known>();
  /** When the worker heard itself last, and since when without a gap. */
  #own = { sinceMs: -Infinity, heardAtMs: -Infinity };

  constructor(clock: Clock, self: string, place: WorkerPlace = unknownPlace) {
    this.#clock = clock;
    this.#self = self;
    this.#known.set(self, { ...unheard(Infinity), place });
  }

  /** Answers whether placement may have to be thought over: somebody is new, goes, or may be given instances. */
  announced(announcement: Announcement): boolean {
    const { worker, isLeaving, host, processId, capacity, zone, nowMs, loopShare, unstoredMs, isWarming } =
      announcement;
    const wasAlive = this.isAlive(worker);
    this.heard(worker);
    const known = this.#known.get(worker);
    if (known === undefined) return false;
    const isNews = !wasAlive || isLeaving || known.condition.isWarming !== isWarming;
    known.condition = { loopShare, unstoredMs, isWarming };
    if (worker === this.#self) {
      this.#heardItself();
      return isNews;
    }
    known.isLeaving = isLeaving;
    known.place = { host, processId, capacity, zone };
    known.clockAheadMs = nowMs - this.#clock.now();
    return isNews;
  }

  #heardItself(): void {
    const heardAtMs = this.#clock.monotonicMs();
    const hasBroken = heardAtMs - this.#own.heardAtMs > ownGapMsMax;
    this.#own = { heardAtMs, sinceMs: hasBroken ? heardAtMs : this.#own.sinceMs };
  }

  /** The machine that a worker runs, or ran, on; empty when that was never heard. */
  hostOf(worker: string): string {
    return this.#known.get(worker)?.place.host ?? "";
  }

  heard(worker: string): void {
    if (worker === this.#self) return;
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(worker);
    if (known === undefined) this.#known.set(worker, unheard(nowMs));
    else if (!known.isDead) {
      known.heardAtMs = nowMs;
      known.isAbsent = false;
    }
  }

  /** Until it is heard again. */
  absent(worker: string): void {
    const known = this.#known.get(worker);
    if (known !== undefined) known.isAbsent = true;
  }

  /** Whether its own announcements have come back to it lately, and for a while: what it does not hear, nobody has said. */
  get hearsItself(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const { sinceMs, heardAtMs } = this.#own;
    return nowMs - heardAtMs <= ownGapMsMax && nowMs - sinceMs >= ownGapMsMax;
  }

  /** For good: ids are never used twice. */
  dead(worker: string): void {
    const known = this.#known.get(worker) ?? unheard(-Infinity);
    known.isDead = true;
    this.#known.set(worker, known);
  }

  leaving(): void {
    const self = this.#known.get(this.#self);
    if (self !== undefined) self.isLeaving = true;
  }

  isAlive(worker: string): boolean {
    const known = this.#known.get(worker);
    return (
      known !== undefined &&
      !known.isDead &&
      !known.isAbsent &&
      this.#clock.monotonicMs() - known.heardAtMs <= silenceMsMax
    );
  }

  /** For how long nothing has been heard of the worker, ms; 0 for one that never was heard: nothing is known of its end. */
  silentMs(worker: string): number {
    const heardAtMs = this.#known.get(worker)?.heardAtMs ?? Infinity;
    return Number.isFinite(heardAtMs) ? this.#clock.monotonicMs() - heardAtMs : 0;
  }

  livingOthers(): readonly string[] {
    return [...this.#known.keys()].filter((worker) => worker !== this.#self && this.isAlive(worker));
  }

  /** The others that live and are not about to go. */
  staying(): readonly string[] {
    return [...this.#known].flatMap(([worker, { isLeaving }]) =>
      worker !== this.#self && !isLeaving && this.isAlive(worker) ? [worker] : [],
    );
  }

  /** How many of those that stay come before this worker when `leader` is to be succeeded. */
  turnToLead(leader: string | undefined): number {
    return this.staying().filter((worker) => worker !== leader && worker < this.#self).length;
  }

  /** When the next living worker will have been silent for too long, if it stays so: in ms from now. */
  silentInMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const left = [...this.#known]
      .filter(([worker]) => this.isAlive(worker))
      .map(([, { heardAtMs }]) => heardAtMs + silenceMsMax - nowMs);
    return Math.min(Infinity, ...left);
  }

  alive(): readonly LivingWorker[] {
    return [...this.#known]
      .filter(([worker]) => this.isAlive(worker))
      .map(([worker, { isLeaving, place, condition, clockAheadMs }]) => {
        return { worker, isLeaving, ...place, ...condition, clockAheadMs };
      });
  }
}

function unheard(heardAtMs: number): Known {
  return {
    heardAtMs,
    isAbsent: false,
    isLeaving: false,
    isDead: false,
    place: unknownPlace,
    condition: unknownCondition,
    clockAheadMs: 0,
  };
}
