/**
 * What the measuring process and its workers say to each other, over the channel between parent and child.
 */
import type { LoadShape } from "./load.ts";

/** What a worker process is started with: one argument, JSON. */
export interface WorkerOrder {
  readonly servers: string;
  readonly job: string;
  readonly shape: LoadShape;
  /** The subject that results are published to. @default they go to the measuring process */
  readonly results?: string | undefined;
  /** @default 1 */
  readonly replicas?: number | undefined;
  /** @default 128 MiB */
  readonly inboxBytes?: number | undefined;
  /** When the load ends; absent: not known yet. */
  readonly endMs?: number | undefined;
  /** Of the program. @default "recovery" */
  readonly version?: string | undefined;
  /** The savepoint that the job's generation goes on from: `JOB/NAME`. @default none */
  readonly from?: string | undefined;
  /** The generation that is prepared beside the running one, and waits for its savepoint. @default none: whichever runs */
  readonly successor?: number | undefined;
  /** Lines of level debug are said, too. @default false */
  readonly isVerbose?: boolean | undefined;
}

/** Why an instance throws that was told to. */
export const crashReason = "crashed by the measurement";

/** From the measuring process. */
export type Command =
  /** Join the job. */
  | { readonly kind: "join" }
  /** The instance hosted here throws at its next turn. */
  | { readonly kind: "crash"; readonly instance: string }
  /** The load ends there. */
  | { readonly kind: "end"; readonly atMs: number }
  | { readonly kind: "usage" };

/** One result: number of the row, key, start of the window, count, weight. */
export type ResultRow = readonly [number: number, key: number, startMs: number, count: number, weight: number];

/** What a worker process uses. */
export interface Usage {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Timers, sockets and everything else that could keep the process alive. */
  readonly handles: number;
}

/** From a worker. */
export type Said =
  /** Everything is loaded: it waits for the word to join. */
  | { readonly kind: "ready" }
  /** The sink was given these rows at `atMs` on the wall clock. */
  | { readonly kind: "rows"; readonly partition: number; readonly atMs: number; readonly rows: readonly ResultRow[] }
  /** A record behind the end of a window has been read from that split. */
  | { readonly kind: "passed"; readonly split: number; readonly endMs: number; readonly atMs: number }
  /** A line of the runtime's log, with the wall clock at which it was written. */
  | {
      readonly kind: "line";
      readonly atMs: number;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "usage"; readonly usage: Usage };
