/**
 * Somebody who looks at jobs and commands them, without being a worker of any.
 *
 * Owns what an administrator needs, and the way to a job by its name.
 */
import { StreamError } from "../errors.ts";
import type { Holding, Registers, Seams } from "../log/contracts.ts";
import { type HoldingName, parseHoldingName } from "../log/holding-name.ts";
import { jobRegister } from "../log/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { JobRecord } from "../record/snapshot-record.ts";
import { decodeJobRecord } from "../record/wire/job-record.ts";

/** The place that is administrated. */
export interface Administrator {
  readonly platform: Platform;
  readonly seams: Seams;
  /** Who it is, for the job log: `ada@host`. */
  readonly by: string;
}

/** Something that a job keeps in the place. */
export interface OwnedHolding extends Holding {
  readonly owner: HoldingName;
}

/** A job that has a register. */
export interface FoundJob {
  readonly record: JobRecord;
  readonly registers: Registers;
  readonly holdings: readonly OwnedHolding[];
}

/** Everything that belongs to a job, and what is only called like it. */
export async function listHoldings({ seams }: Administrator): Promise<{
  readonly owned: readonly OwnedHolding[];
  readonly strange: readonly Holding[];
}> {
  const all = await seams.holdings.list();
  const owned = all.flatMap((holding) => {
    const owner = parseHoldingName(holding.name);
    return owner === undefined ? [] : [{ ...holding, owner }];
  });
  return { owned, strange: all.filter(({ name }) => parseHoldingName(name) === undefined) };
}

/** The job called `job`. Creates nothing. @throws NOT_FOUND naming the jobs that there are */
export async function findJob(administrator: Administrator, job: string): Promise<FoundJob> {
  const { owned } = await listHoldings(administrator);
  const holdings = owned.filter(({ owner }) => owner.job === job);
  const found = await registerOf(administrator, job, holdings);
  if (found === undefined) throw unknownJob(job, owned);
  return { ...found, holdings };
}

/** The register of a job; undefined when it has none. */
export async function registerOf(
  { seams }: Administrator,
  job: string,
  holdings: readonly OwnedHolding[],
): Promise<Pick<FoundJob, "record" | "registers"> | undefined> {
  if (!holdings.some(({ owner }) => owner.holds === "registers")) return undefined;
  const registers = await seams.registers(job);
  const found = await registers.get(jobRegister);
  return found === undefined ? undefined : { registers, record: decodeJobRecord(found.value) };
}

/** Of a job that is not there. */
export function unknownJob(job: string, owned: readonly OwnedHolding[]): StreamError {
  const jobs = [...new Set(owned.map(({ owner }) => owner.job))].toSorted();
  const known = jobs.length === 0 ? "there is none here" : `there are ${jobs.join(", ")}`;
  return new StreamError(
    "NOT_FOUND",
    `there is no job ${JSON.stringify(job)}: ${known}; an embedded job is seen by its own process alone (handle.status())`,
  );
}
