/**
 * What a worker and the thread of an instance on probation tell each other.
 */
import type { ProbationOrder } from "../actor/probation.ts";
import type { ClusterAddress } from "../log/ends.ts";
import type { ResolvedJobOptions } from "../plan/options.ts";
import type { CrashSite } from "../record/poison.ts";

/** The program that a job is made by. */
export interface ProgramPlace {
  readonly path: string;
  readonly arguments: readonly string[];
}

/** What a thread is started with. */
export interface ThreadOrder {
  readonly order: ProbationOrder;
  readonly buffer: SharedArrayBuffer;
  readonly program: ProgramPlace;
  readonly defaults: ResolvedJobOptions;
  readonly version: string;
  /** The plan as text: the thread's must be the same. */
  readonly plan: string;
  readonly generation: number;
  readonly cluster: ClusterAddress;
}

/** What a thread tells its worker. */
export type FromThread =
  /** It stands still until its board says that it may go on. */
  | { readonly kind: "step"; readonly site: CrashSite }
  | { readonly kind: "rest" }
  | { readonly kind: "ended" }
  /** The program cannot be loaded here; nothing has been claimed. */
  | { readonly kind: "unusable"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/** What a thread is told. */
export interface ToThread {
  readonly kind: "release";
}
