/**
 * An instance that lives in a thread, between the worker that it was assigned to and that thread: the contract.
 *
 * Instances on probation do, each alone (R15), and those of stages that ask for threads, several together. `cell-instance.ts` is the worker's side, `cell.ts` what
 * lives in the thread; how a thread is started, shared and ended is the business of who starts the worker.
 */
import type { InstanceId } from "../record/messages.ts";
import type { CrashSite } from "../record/poison.ts";

/** Who is to be hosted. */
export interface CellOrder {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** Id of the worker, in whose name the instance reports. */
  readonly worker: string;
  /** It is suspected of ending its process: it lives alone, and tells its steps. */
  readonly isOnProbation: boolean;
  /** Where it died last, as far as that is known: on probation, each step of that message is told. */
  readonly site: CrashSite | undefined;
}

/** What the thread tells of one instance. */
export interface CellEars {
  /** One on probation is about to take a step: the thread waits until `known` is called. */
  onStep(site: CrashSite, known: () => void): void;
  /** No turn of the one on probation is under way there. */
  onRest(): void;
  /** The instance has failed, or the thread is gone; `site`: in the midst of this step of the instance. */
  onGone(reason: string, site: CrashSite | undefined): void;
  /** The program cannot be run in a thread; nothing has been claimed. */
  onUnusable(reason: string): void;
  /** The instance has let go, or another one has taken its place. */
  onEnded(): void;
}

/** The instance in its thread, as its worker sees it. */
export interface HostedCell {
  /** Take the last snapshot, and let go. */
  release(): void;
  /** Ends it at once; its thread, too, where it lives alone. */
  kill(): void;
}

/** Hosts an instance in a thread. Never throws: what goes wrong is told to the ears. */
export type StartCell = (order: CellOrder, ears: CellEars) => HostedCell;
