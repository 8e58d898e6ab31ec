/**
 * What a worker and a thread that hosts instances of it tell each other.
 */
import type { CellIncarnation } from "../actor/cell.ts";
import type { CellOrder } from "../actor/cell-contract.ts";
import type { ClusterAddress } from "../log/ends.ts";
import type { ResolvedJobOptions } from "../plan/options.ts";
import type { Origin } from "../record/snapshot-record.ts";
import type { CrashSite } from "../record/poison.ts";

/** The program that a job is made by. */
export interface ProgramPlace {
  readonly path: string;
  readonly arguments: readonly string[];
}

/** What a thread is started with. */
export interface ThreadOrder {
  /** Id of the worker that it belongs to. */
  readonly worker: string;
  readonly buffer: SharedArrayBuffer;
  readonly program: ProgramPlace;
  readonly defaults: ResolvedJobOptions;
  readonly version: string;
  /** The plan as text: the thread's must be the same. */
  readonly plan: string;
  readonly generation: number;
  /** The savepoint that it goes on from, if any. */
  readonly origin: Origin | undefined;
  readonly cluster: ClusterAddress;
}

/** What a thread tells its worker. */
export type FromThread =
  /** It stands still until its board says that it may go on. */
  | { readonly kind: "step"; readonly site: CrashSite }
  | { readonly kind: "rest" }
  | { readonly kind: "ended"; readonly which: CellIncarnation }
  | { readonly kind: "failed"; readonly which: CellIncarnation; readonly reason: string }
  /** The program cannot be loaded here; nothing has been claimed. */
  | { readonly kind: "unusable"; readonly reason: string }
  /** Nothing can live here any more. */
  | { readonly kind: "broken"; readonly reason: string };

/** What a thread is told. */
export type ToThread =
  | { readonly kind: "host"; readonly order: CellOrder }
  | { readonly kind: "release"; readonly which: CellIncarnation }
  /** End it at once. */
  | { readonly kind: "drop"; readonly which: CellIncarnation };
