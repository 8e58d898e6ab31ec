/**
 * Going on from a savepoint, as a program or a command wishes it.
 *
 * Owns what a wish may say, and the rehearsal of a restore (`--dry-run`). `run.ts` begins the generation.
 */
import { GenerationOrigin } from "./actor/origin.ts";
import { checkOrigin, rehearse } from "./actor/restore-check.ts";
import { originNamed } from "./administration/savepoint-origin.ts";
import { StreamError } from "./errors.ts";
import type { Seams } from "./log/contracts.ts";
import type { EndHome } from "./log/ends.ts";
import { parseHoldingName } from "./log/holding-name.ts";
import type { Plan } from "./plan/plan.ts";
import type { Origin } from "./record/snapshot-record.ts";

/** The savepoint that the next generation of a job goes on from. */
export interface RestoreFrom {
  /** `JOB/NAME`. */
  readonly savepoint: string;
  /** What of the program may be missing in the savepoint, and begins empty: `STAGE`, `STAGE/STATE`. @default nothing */
  readonly allowMissing?: readonly string[] | undefined;
  /** What of the savepoint the program need not know, and is dropped: `STAGE`, `STAGE/STATE`; of a source `STAGE/SPLIT`. @default nothing */
  readonly allowUnknown?: readonly string[] | undefined;
}

/** What a restore would do. */
export interface RestorePreview {
  readonly job: string;
  readonly savepoint: string;
  /** The generation that it was taken of, and when, ms since the epoch. */
  readonly generation: number;
  readonly atMs: number;
  /** What becomes another on the way. */
  readonly changes: readonly string[];
  /** Instances of the program that have state of the savepoint, and keys in them. */
  readonly instances: number;
  readonly keys: number;
}

const namePattern = /^([a-z0-9-]{1,32})\/([a-z0-9-]{1,32})$/;

/** The savepoint that is wished for, in the place of the job. @throws OPTION_INVALID, NOT_FOUND; SNAPSHOT_UNSUITABLE of another job */
export async function wishedOrigin(seams: Seams, { job }: Plan, from: string | RestoreFrom): Promise<Origin> {
  const { savepoint, allowMissing = [], allowUnknown = [] } = typeof from === "string" ? { savepoint: from } : from;
  const [, of, name] = namePattern.exec(savepoint) ?? [];
  if (of === undefined || name === undefined)
    throw new StreamError("OPTION_INVALID", `from is ${JSON.stringify(savepoint)}; it takes JOB/NAME`);
  if (of !== job)
    throw new StreamError(
      "SNAPSHOT_UNSUITABLE",
      `savepoint ${savepoint} is of job ${of}, and the program's job is ${job}: give the job the name ${of}`,
    );
  if (!(await isKnown(seams, job)))
    throw new StreamError("NOT_FOUND", `there is no job ${job} here, and so no savepoint ${savepoint}`);
  return originNamed(await seams.registers(job), job, name, { allowMissing, allowUnknown });
}

/** Whether the job has registers: to ask for them would create them. */
async function isKnown(seams: Seams, job: string): Promise<boolean> {
  const owners = (await seams.holdings.list()).map(({ name }) => parseHoldingName(name));
  return owners.some((owner) => owner?.job === job && owner.holds === "registers");
}

/** What a generation goes on from, read when it is asked. */
export function generationOrigin(seams: Seams, { job }: Plan, origin: Origin): GenerationOrigin {
  return new GenerationOrigin(origin, () => seams.savepoints(job));
}

/** Checks everything (names, versions, splits, chunks), and gives each instance its state with all migrations; writes nothing. @throws what a restore is refused with */
export async function previewRestore(
  seams: Seams,
  plan: Plan,
  ends: EndHome,
  from: string | RestoreFrom,
): Promise<RestorePreview> {
  const origin = generationOrigin(seams, plan, await wishedOrigin(seams, plan, from));
  const changes = await checkOrigin(plan, origin, ends);
  const { generation, atMs, name } = await origin.index();
  return { job: plan.job, savepoint: name, generation, atMs, changes, ...(await rehearse(plan, origin)) };
}
