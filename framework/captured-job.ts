/**
 * A program that is loaded only for its job: `run` and `start` hand the job over instead of doing anything.
 *
 * Owns whether that is so in this thread.
 */
import type { Job } from "./api/job.ts";

let taker: ((job: Job) => void) | undefined;

/** From here on, in this thread, the first job that is run or started goes to `take`, and neither returns. */
export function captureJobs(take: (job: Job) => void): void {
  taker = take;
}

/** Hands `job` over where jobs are captured; answers whether they are. */
export function isCaptured(job: Job): boolean {
  taker?.(job);
  return taker !== undefined;
}
