/**
 * How a worker goes in good order: what it leads and hosts is in other hands before it ends.
 *
 * Owns the order of the steps and how long each may take; that instances move is decided by the leader (`protocol/placement.ts`, P2).
 *
 * LV1. A leader that goes leads until another one does, so that event time goes on; unless nobody wants to.
 * LV2. Instances that work go on working until the leader asks for them, few at a time: each of them pauses for one move, not for the moves of all.
 * LV3. What nobody asks for in time is let go of at once: when nobody is there who would take it, when the job is over, or when the last move is too long ago.
 */
import type { Clock } from "../platform/platform.ts";

/** What goes, as the worker sees it. */
export interface LeavingWorker {
  isLeader(): boolean;
  /** Whether anybody is there who would lead, or take what it has. */
  hasOthers(): boolean;
  /** Whether the job goes on without it. */
  goesOn(): boolean;
  /** Instances that it hosts and that have not let go. */
  hosted(): number;
  /** All of them let go. */
  release(): void;
}

const lookMs = 5;
/** LV1, ms. */
const handOverMsMax = 1_000;
/** LV3: without a move, ms. */
const unaskedMsMax = 1_500;
/** LV3: in all, ms; what is left must come to its end before the worker is no longer waited for. */
const emptyingMsMax = 5_000;

/** Resolves when the worker leads nothing and hosts nothing. */
export async function leave(clock: Clock, worker: LeavingWorker): Promise<void> {
  const later = () => new Promise<void>((resolve) => clock.schedule(lookMs, resolve));
  const handOverUntilMs = clock.monotonicMs() + handOverMsMax;
  while (worker.isLeader() && worker.hasOthers() && clock.monotonicMs() < handOverUntilMs) await later();
  const emptying = new Emptying(clock, worker);
  while (emptying.goesOn()) await later();
  worker.release();
  while (worker.hosted() > 0) await later();
}

/** LV2, LV3 */
class Emptying {
  readonly #clock: Clock;
  readonly #worker: LeavingWorker;
  readonly #untilMs: number;
  #hosted: number;
  #movedAtMs: number;

  constructor(clock: Clock, worker: LeavingWorker) {
    this.#clock = clock;
    this.#worker = worker;
    this.#hosted = worker.hosted();
    this.#movedAtMs = clock.monotonicMs();
    this.#untilMs = this.#movedAtMs + emptyingMsMax;
  }

  goesOn(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const hosted = this.#worker.hosted();
    if (hosted < this.#hosted) this.#movedAtMs = nowMs;
    this.#hosted = hosted;
    const isInTime = nowMs < this.#untilMs && nowMs < this.#movedAtMs + unaskedMsMax;
    return hosted > 0 && isInTime && this.#worker.hasOthers() && this.#worker.goesOn();
  }
}
