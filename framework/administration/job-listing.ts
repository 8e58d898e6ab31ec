/**
 * All jobs of a place, with every generation that keeps something there.
 *
 * Owns nothing; asks registers, job logs and workers.
 */
import { JobBus } from "../actor/job-bus.ts";
import type { Holding } from "../log/contracts.ts";
import { JobNames } from "../log/names.ts";
import type { JobRecord } from "../record/snapshot-record.ts";
import { listHoldings, registerOf, type Administrator, type OwnedHolding } from "./administrator.ts";
import { readJob } from "./job-reading.ts";
import { callRoll } from "./roll-call.ts";

/** One generation of a job. */
export interface GenerationSummary {
  readonly job: string;
  readonly generation: number;
  /** Whether it is the one that workers join. */
  readonly isCurrent: boolean;
  /** `incomplete`: parts of it are gone, as after a deletion that was interrupted. */
  readonly state: JobRecord["state"] | "incomplete";
  /** Of a failure, also of one that a restart has left behind. Empty otherwise. */
  readonly message: string;
  /** Workers that are heard. */
  readonly workers: number;
  /** The worker that leads; `none`. */
  readonly leader: string;
  /** Streams that hold it; the current one's include the job's registers. */
  readonly streams: number;
  readonly bytes: number;
}

/** What is in a place. */
export interface JobListing {
  readonly jobs: readonly GenerationSummary[];
  /** Streams that are called like Tidemark's and belong to no job. */
  readonly strange: readonly Holding[];
}

/** Lists everything. Takes a little more than a second: workers are listened for. */
export async function listJobs(administrator: Administrator): Promise<JobListing> {
  const { owned, strange } = await listHoldings(administrator);
  const jobs = [...new Set(owned.map(({ owner }) => owner.job))].toSorted();
  const summaries = await Promise.all(
    jobs.map((job) =>
      summariesOf(
        administrator,
        job,
        owned.filter(({ owner }) => owner.job === job),
      ),
    ),
  );
  return { jobs: summaries.flat(), strange };
}

async function summariesOf(
  administrator: Administrator,
  job: string,
  holdings: readonly OwnedHolding[],
): Promise<readonly GenerationSummary[]> {
  const record = (await registerOf(administrator, job, holdings))?.record;
  const found = holdings.flatMap(({ owner }) => (owner.generation === undefined ? [] : [owner.generation]));
  const generations = [...new Set([...found, ...(record === undefined ? [] : [record.generation])])];
  return Promise.all(
    generations
      .toSorted((a, b) => a - b)
      .map((generation) => summaryOf(administrator, new JobNames(job, generation), holdings, record)),
  );
}

async function summaryOf(
  administrator: Administrator,
  names: JobNames,
  holdings: readonly OwnedHolding[],
  record: JobRecord | undefined,
): Promise<GenerationSummary> {
  const { job, generation } = names;
  const isCurrent = record?.generation === generation;
  const its = holdings.filter(({ owner }) => owner.generation === generation);
  const registers = isCurrent ? holdings.filter(({ owner }) => owner.generation === undefined) : [];
  const [workers, leader, state] = await Promise.all([
    callRoll(administrator, names),
    leaderOf(administrator, names),
    stateOf(administrator, names, isCurrent ? record : undefined),
  ]);
  const kept = [...its, ...registers];
  return {
    job,
    generation,
    isCurrent,
    ...state,
    workers: workers.length,
    leader,
    streams: kept.length,
    bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

async function leaderOf({ seams }: Administrator, names: JobNames): Promise<string> {
  try {
    return (await new JobBus(seams.bus, names).whoLeads()).worker;
  } catch {
    return "none";
  }
}

/** By its job log; a register may be behind it, and says what has no job log any more. */
async function stateOf(
  administrator: Administrator,
  names: JobNames,
  record: JobRecord | undefined,
): Promise<Pick<GenerationSummary, "state" | "message">> {
  if (record?.state === "deleting") return { state: "deleting", message: "" };
  const reading = await readJob(administrator, names);
  if (reading === undefined) return { state: record?.state ?? "incomplete", message: record?.message ?? "" };
  const { life } = reading.view;
  reading.close();
  const isBehind = record !== undefined && life.state === "running";
  return { state: isBehind ? record.state : life.state, message: life.lastFailure?.message ?? record?.message ?? "" };
}
