/**
 * Takes a worker out of a job, and lets it in again: it gives everything away and takes nothing, and goes on living.
 *
 * Owns what is refused, and what is waited for. The order is a record of the job log, so it survives the leader; whoever leads carries it out, one instance at a
 * time.
 */
import { StreamError } from "../errors.ts";
import type { Announcement } from "../record/messages.ts";
import type { Administrator } from "./administrator.ts";
import { refusal, withJob, type CommandedJob } from "./commanded-job.ts";

/** What has become of the order. */
export interface WorkerDrainResult {
  readonly job: string;
  readonly generation: number;
  readonly worker: string;
  readonly isDrained: boolean;
  /** Instances that it still has. */
  readonly left: number;
}

/** How long to wait, and whom to tell meanwhile. */
export interface DrainPatience {
  readonly timeoutMs: number;
  /** Called with the number of instances that it still has, whenever that has changed. */
  onProgress?(left: number): void;
}

/**
 * Takes `worker` out. Waits until it has given everything away, `timeoutMs` at most; the order stands all the same.
 *
 * @throws NOT_FOUND for a job or a worker that is not there; JOB_NOT_RUNNABLE when the job does not run, or nobody else could take what it has
 */
export function drainWorker(
  administrator: Administrator,
  job: string,
  worker: string,
  patience: DrainPatience,
): Promise<WorkerDrainResult> {
  return withJob(administrator, job, async (target) => {
    const alive = await workersOf(target, worker);
    const { reading } = target;
    const isOther = (other: Announcement) =>
      other.worker !== worker && !other.isLeaving && !reading.view.fleet.drained.has(other.worker);
    if (!alive.some(isOther))
      throw refusal(target, `has no other worker that could take what ${worker} has: start one first`);
    await reading.append({ kind: "fleetOrder", order: "drain", subject: worker, workers: 0, by: administrator.by });
    let told = -1;
    await reading.until(() => {
      const left = instancesOf(target, worker);
      if (left !== told) patience.onProgress?.(left);
      told = left;
      return left === 0 || reading.view.isOver;
    }, patience.timeoutMs);
    return resultOf(target, worker);
  });
}

/** Lets `worker` in again. @throws NOT_FOUND, JOB_NOT_RUNNABLE */
export function undrainWorker(administrator: Administrator, job: string, worker: string): Promise<WorkerDrainResult> {
  return withJob(administrator, job, async (target) => {
    if (!target.reading.view.fleet.drained.has(worker)) await workersOf(target, worker);
    await target.reading.append({
      kind: "fleetOrder",
      order: "undrain",
      subject: worker,
      workers: 0,
      by: administrator.by,
    });
    return resultOf(target, worker);
  });
}

/** Who works on the job, `worker` among them. */
async function workersOf(target: CommandedJob, worker: string): Promise<readonly Announcement[]> {
  const { state } = target.reading.view.life;
  if (state !== "running") throw refusal(target, `is ${state}: it has no workers to drain`);
  const alive = await target.roll.called();
  if (alive.some((each) => each.worker === worker)) return alive;
  const known = alive.map((each) => each.worker).toSorted();
  const there = known.length === 0 ? "there is none" : `there are ${known.join(", ")}`;
  throw new StreamError("NOT_FOUND", `job ${target.names.job} has no worker ${JSON.stringify(worker)}: ${there}`);
}

function instancesOf({ reading }: CommandedJob, worker: string): number {
  return [...reading.view.assignments()].filter((assignment) => assignment.worker === worker).length;
}

function resultOf(target: CommandedJob, worker: string): WorkerDrainResult {
  const { job, generation } = target.names;
  const isDrained = target.reading.view.fleet.drained.has(worker);
  return { job, generation, worker, isDrained, left: instancesOf(target, worker) };
}
