/**
 * What a job reserves in the store (R13, design section 13: Sizes).
 *
 * Every inbox is created with its full size, so the sum is what the account must have; snapshots grow with use and are not in it.
 */
import type { ResolvedJobOptions } from "./options.ts";
import type { Plan, Stage } from "./plan.ts";

const mebibyte = 1024 * 1024;

/** Room in an inbox for watermarks, beyond its data limit. */
export const watermarkReserveBytes: number = mebibyte;

/** Room in an inbox for epoch-starts and drains, beyond data and watermarks; also the step by which an inbox grows when a fence is refused all the same. */
export const fenceReserveBytes: number = mebibyte;

/** Size of the job's dead-letter log, and of its log of late records: the oldest are dropped and counted. */
export const sideLogBytes: number = 64 * mebibyte;

/** Size of the job log: assignments, splits, commands. */
export const jobLogBytes: number = 64 * mebibyte;

/** Room in each inbox of `stage` for the results of its own calls (R14): as many as may be on their way, each as large as it may be. */
export function resultReserveBytes(stage: Pick<Stage, "operators">): number {
  const needs = stage.operators.map(({ factory }) => factory.calls).filter((calls) => calls !== undefined);
  return needs.reduce((sum, { capacity, batchMax, resultBytesMax }) => sum + capacity * batchMax * resultBytesMax, 0);
}

/** Room in each inbox of a feedback stage for what goes round, beyond the data limit of others. */
function feedbackReserveBytes(
  { inboxBytes }: ResolvedJobOptions,
  { feedbackBytes }: Pick<Stage, "feedbackBytes">,
): number {
  return (feedbackBytes ?? inboxBytes) - inboxBytes;
}

/** Size an inbox of `stage` is created with (`max_bytes`): its data limit and all reserves. */
export function inboxBytesMax(options: ResolvedJobOptions, stage: Pick<Stage, "operators" | "feedbackBytes">): number {
  return plainBytes(options) + resultReserveBytes(stage) + feedbackReserveBytes(options, stage);
}

function plainBytes(options: ResolvedJobOptions): number {
  return options.inboxBytes + watermarkReserveBytes + fenceReserveBytes;
}

/** What a plan reserves. */
export interface Reservation {
  readonly inboxes: number;
  /** Without the room for results of calls. */
  readonly bytesPerInbox: number;
  /** Stages whose inboxes have room for results of calls besides, and how much each. */
  readonly results: readonly { readonly stage: string; readonly bytesPerInbox: number }[];
  /** Feedback stages, whose inboxes hold what goes round, and how much more than others that is. */
  readonly feedback: readonly { readonly stage: string; readonly bytesPerInbox: number }[];
  readonly deadLetterBytes: number;
  readonly lateBytes: number;
  readonly jobLogBytes: number;
  /** Sum of the above, times the replicas. */
  readonly totalBytes: number;
  /** Source stages that have an ingress log per split besides; how many splits is known when the job starts. */
  readonly ingress: readonly string[];
}

/** What `plan` reserves, in bytes. */
export function reservation(plan: Plan): Reservation {
  const inboxes = plan.stages.reduce((sum, stage) => sum + inboxesOf(stage), 0);
  const bytesPerInbox = plainBytes(plan.options);
  const calling = plan.stages.filter((stage) => resultReserveBytes(stage) > 0);
  const feedback = plan.stages.filter(({ feedbackBytes }) => feedbackBytes !== undefined);
  const extraOf = (stage: Stage) => feedbackReserveBytes(plan.options, stage);
  const feedbackBytes = feedback.reduce((sum, stage) => sum + stage.partitions * extraOf(stage), 0);
  const resultBytes = calling.reduce((sum, stage) => sum + inboxesOf(stage) * resultReserveBytes(stage), 0);
  return {
    inboxes,
    bytesPerInbox,
    results: calling.map((stage) => ({ stage: stage.name, bytesPerInbox: resultReserveBytes(stage) })),
    feedback: feedback.map((stage) => ({ stage: stage.name, bytesPerInbox: extraOf(stage) })),
    deadLetterBytes: sideLogBytes,
    lateBytes: sideLogBytes,
    jobLogBytes,
    totalBytes:
      (inboxes * bytesPerInbox + resultBytes + feedbackBytes + 2 * sideLogBytes + jobLogBytes) * plan.options.replicas,
    ingress: plan.stages.filter(({ isIngress }) => isIngress).map(({ name }) => name),
  };
}

/** The instances of a source stage read their splits and have no inbox. */
function inboxesOf(stage: Stage): number {
  return stage.source === undefined ? stage.partitions : 0;
}
