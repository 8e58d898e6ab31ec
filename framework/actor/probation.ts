/**
 * An instance on probation, between the worker that it was assigned to and the thread in which it lives alone (R15): the contract.
 *
 * `probationer.ts` is the worker's side, `probation-cell.ts` what lives in the thread; how a thread is started and ended is the business of who starts the worker.
 */
import type { InstanceId } from "../record/messages.ts";
import type { CrashSite } from "../record/poison.ts";

/** Who is to be hosted. */
export interface ProbationOrder {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** Id of the worker, in whose name the instance reports. */
  readonly worker: string;
  /** Where it died last, as far as that is known: each step of that message is told. */
  readonly site: CrashSite | undefined;
}

/** What the thread tells. */
export interface ProbationEars {
  /** A step is about to be taken: the thread waits until `known` is called. */
  onStep(site: CrashSite, known: () => void): void;
  /** No turn is under way there. */
  onRest(): void;
  /** The thread is gone; `site`: in the midst of this step. */
  onGone(reason: string, site: CrashSite | undefined): void;
  /** The program cannot be run in a thread; nothing has been claimed. */
  onUnusable(reason: string): void;
  /** The instance has let go, or another one has taken its place. */
  onEnded(): void;
}

/** The thread as its worker sees it. */
export interface ProbationCell {
  /** Take the last snapshot, and let go. */
  release(): void;
  /** Ends it at once. */
  kill(): void;
}

/** Starts a thread. Never throws: what goes wrong is told to the ears. */
export type StartProbation = (order: ProbationOrder, ears: ProbationEars) => ProbationCell;
