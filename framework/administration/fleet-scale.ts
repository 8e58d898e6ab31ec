/**
 * Changes how many workers a process that starts workers keeps.
 *
 * Owns what is refused, and what is waited for. The order is a record of the job log; the starter that it names obeys, and says how many workers it has.
 */
import { JobBus } from "../actor/job-bus.ts";
import { StreamError } from "../errors.ts";
import type { StarterPresence } from "../record/fleet-records.ts";
import type { Administrator } from "./administrator.ts";
import { refusal, withJob, type CommandedJob } from "./commanded-job.ts";
import { rollCallMs } from "./roll-call.ts";

/** What has become of the order. */
export interface ScaleResult {
  readonly job: string;
  readonly generation: number;
  /** Id of the process that starts workers, its machine and process id there. */
  readonly starter: string;
  readonly host: string;
  readonly processId: number;
  readonly wanted: number;
  /** Workers that it has. */
  readonly workers: number;
}

/** What is asked for. */
export interface ScaleOrder {
  readonly workers: number;
  /** Id of the process that starts workers. @default the only one there is */
  readonly starter?: string | undefined;
  readonly timeoutMs: number;
  /** Called with the number of workers, whenever that has changed. */
  onProgress?(workers: number): void;
}

/** A worker is a process on the starter's machine. */
const workersMax = 256;
const lookMs = 50;

/**
 * Scales a fleet. Waits until as many workers have joined, or have gone, `timeoutMs` at most; the order stands all the same.
 *
 * @throws OPTION_INVALID; NOT_FOUND when nobody is there who started workers, or not that one; JOB_NOT_RUNNABLE
 */
export function scaleFleet(administrator: Administrator, job: string, order: ScaleOrder): Promise<ScaleResult> {
  const { workers } = order;
  if (!(Number.isSafeInteger(workers) && workers >= 1 && workers <= workersMax))
    throw new StreamError(
      "OPTION_INVALID",
      `workers is ${workers}; a fleet has 1 to ${workersMax} (tidemark stop ${job} ends all of them)`,
    );
  return withJob(administrator, job, async (target) => {
    const { state } = target.reading.view.life;
    if (state !== "running") throw refusal(target, `is ${state}: it has no workers to scale`);
    const present = new Map<string, StarterPresence>();
    const unlisten = new JobBus(administrator.seams.bus, target.names).hearStarters((presence) =>
      present.set(presence.starter, presence),
    );
    try {
      await pass(administrator, rollCallMs);
      return await carryOut(administrator, target, order, present);
    } finally {
      unlisten();
    }
  });
}

async function carryOut(
  administrator: Administrator,
  target: CommandedJob,
  order: ScaleOrder,
  present: Map<string, StarterPresence>,
): Promise<ScaleResult> {
  const { workers, starter, timeoutMs } = order;
  const { starter: subject } = chosen(target, [...present.values()], starter);
  await target.reading.append({ kind: "fleetOrder", order: "scale", subject, workers, by: administrator.by });
  // What it said before it has read that says nothing.
  present.delete(subject);
  const { clock } = administrator.platform;
  const endMs = clock.monotonicMs() + timeoutMs;
  let told = -1;
  while (present.get(subject)?.workers !== workers && clock.monotonicMs() < endMs) {
    const now = present.get(subject)?.workers ?? told;
    if (now !== told) order.onProgress?.(now);
    told = now;
    await pass(administrator, lookMs);
  }
  const { job, generation } = target.names;
  const { host = "", processId = 0, workers: found = 0 } = present.get(subject) ?? {};
  return { job, generation, starter: subject, host, processId, wanted: workers, workers: found };
}

/** @throws NOT_FOUND, OPTION_INVALID */
function chosen(
  { names }: CommandedJob,
  present: readonly StarterPresence[],
  starter: string | undefined,
): StarterPresence {
  const there = present.map((each) => `${each.starter} (${each.host}, process ${each.processId})`).join(", ");
  const found = starter === undefined ? present[0] : present.find((each) => each.starter === starter);
  if (found === undefined)
    throw new StreamError(
      "NOT_FOUND",
      present.length === 0
        ? `nobody is there who started workers of job ${names.job}: scale is for fleets of tidemark run --workers, or fleet(); start or stop other workers yourself`
        : `nobody called ${JSON.stringify(starter)} has started workers of job ${names.job}: there is ${there}`,
    );
  if (starter === undefined && present.length > 1)
    throw new StreamError(
      "OPTION_INVALID",
      `several processes have started workers of job ${names.job}: say which with --starter: ${there}`,
    );
  return found;
}

function pass({ platform }: Administrator, ms: number): Promise<void> {
  return new Promise((resolve) => platform.clock.schedule(ms, resolve));
}
