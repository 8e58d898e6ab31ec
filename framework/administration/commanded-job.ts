/**
 * A job as whoever commands it finds it.
 *
 * Owns the way there and back: job log and workers are listened to while the command is given, and no longer.
 */
import { StreamError } from "../errors.ts";
import { JobNames } from "../log/names.ts";
import { findJob, type Administrator, type FoundJob } from "./administrator.ts";
import { readJob, type JobReading } from "./job-reading.ts";
import { RollCall } from "./roll-call.ts";

/** The job as a command finds it. */
export interface CommandedJob extends FoundJob {
  readonly names: JobNames;
  readonly reading: JobReading;
  readonly roll: RollCall;
}

/** What `action` answers, for the job called `job`. @throws NOT_FOUND, JOB_NOT_RUNNABLE, and what `action` throws */
export async function withJob<T>(
  administrator: Administrator,
  job: string,
  action: (target: CommandedJob) => Promise<T>,
): Promise<T> {
  const found = await findJob(administrator, job);
  if (found.record.state === "deleting")
    throw new StreamError("JOB_NOT_RUNNABLE", `job ${job} is being deleted; finish it with tidemark delete ${job}`);
  const names = new JobNames(job, found.record.generation);
  const reading = await readJob(administrator, names);
  if (reading === undefined)
    throw new StreamError("NOT_FOUND", `job ${job}, generation ${names.generation}, has no job log (any more)`);
  const roll = new RollCall(administrator, names);
  try {
    return await action({ ...found, names, reading, roll });
  } finally {
    roll.close();
    reading.close();
  }
}

/** Of a job that does not do this at the moment. */
export function refusal({ names }: CommandedJob, what: string): StreamError {
  return new StreamError("JOB_NOT_RUNNABLE", `job ${names.job}, generation ${names.generation}, ${what}`);
}
