/**
 * Going on from a savepoint, as a program or a command wishes it.
 *
 * Owns what a wish may say, and the rehearsal of a restore (`--dry-run`). `run.ts` begins the generation.
 */
import { resolve } from "node:path";
import { GenerationOrigin } from "./actor/origin.ts";
import { checkOrigin, rehearse } from "./actor/restore-check.ts";
import { originNamed } from "./administration/savepoint-origin.ts";
import { StreamError } from "./errors.ts";
import type { HomePlace } from "./home.ts";
import type { Seams } from "./log/contracts.ts";
import type { EndHome } from "./log/ends.ts";
import { parseHoldingName } from "./log/holding-name.ts";
import type { Plan } from "./plan/plan.ts";
import type { Allowances } from "./protocol/restore.ts";
import type { Origin } from "./record/snapshot-record.ts";
import { openSavepointFile } from "./savepoint-file.ts";
import { importSavepoint, readableFile } from "./savepoint-import.ts";

/** The savepoint that the next generation of a job goes on from. */
export interface RestoreFrom {
  /** `JOB/NAME`; or the path of a file that `tidemark savepoint --out` has written, which becomes a savepoint of the job here: `./first.savepoint`. */
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

/** A savepoint that is wished for, before the generation begins. Close it. */
interface WishedSavepoint {
  /** For checks: nothing has been written for it. */
  readonly generation: GenerationOrigin;
  /** What the generation goes on from: from here on the savepoint is one of the job's own. @throws JOB_MISMATCH when another one has the name of a file's */
  settle(): Promise<Origin>;
  close(): Promise<void>;
}

/** Where it is wished for. */
export type RestorePlace = Pick<HomePlace, "seams" | "hasRegisters">;

/** Opens what is wished for. @throws OPTION_INVALID, NOT_FOUND, PATH_UNUSABLE, CORRUPT; SNAPSHOT_UNSUITABLE of another job */
async function wishedSavepoint(place: RestorePlace, plan: Plan, from: string | RestoreFrom): Promise<WishedSavepoint> {
  const { seams } = place;
  const { savepoint, allowMissing = [], allowUnknown = [] } = typeof from === "string" ? { savepoint: from } : from;
  const [, of, name] = namePattern.exec(savepoint) ?? [];
  if (of === undefined || name === undefined) return inFile(seams, plan, savepoint, { allowMissing, allowUnknown });
  const { job } = plan;
  if (of !== job)
    throw new StreamError(
      "SNAPSHOT_UNSUITABLE",
      `savepoint ${savepoint} is of job ${of}, and the program's job is ${job}: give the job the name ${of}`,
    );
  if (!(await isKnown(place, job)))
    throw new StreamError("NOT_FOUND", `there is no job ${job} here, and so no savepoint ${savepoint}`);
  const origin = await originNamed(await seams.registers(job), job, name, { allowMissing, allowUnknown });
  return {
    generation: new GenerationOrigin(origin, () => seams.savepoints(job)),
    settle: () => Promise.resolve(origin),
    close: () => Promise.resolve(),
  };
}

async function inFile(seams: Seams, { job }: Plan, path: string, allowed: Allowances): Promise<WishedSavepoint> {
  if (!/[./]/.test(path))
    throw new StreamError(
      "OPTION_INVALID",
      `from is ${JSON.stringify(path)}; it takes JOB/NAME, or the path of a file`,
    );
  const file = await openSavepointFile(resolve(path));
  const { blobs, index } = readableFile(file);
  const { name, generation, savepoint } = file.index;
  return {
    generation: new GenerationOrigin({ name, generation, savepoint, index, ...allowed }, () => Promise.resolve(blobs)),
    async settle() {
      await importSavepoint(seams, file);
      return originNamed(await seams.registers(job), job, name, allowed);
    },
    close: () => file.close(),
  };
}

/** Whether the job has registers: to ask for them would create them. */
async function isKnown({ seams, hasRegisters }: RestorePlace, job: string): Promise<boolean> {
  if (hasRegisters !== undefined) return hasRegisters(job);
  const owners = (await seams.holdings.list()).map(({ name }) => parseHoldingName(name));
  return owners.some((owner) => owner?.job === job && owner.holds === "registers");
}

/** The savepoint that is wished for, checked and one of the job's own. @throws what a restore is refused with: then nothing has been written */
export async function checkedOrigin(
  place: RestorePlace,
  plan: Plan,
  ends: EndHome,
  from: string | RestoreFrom,
): Promise<Origin> {
  const wished = await wishedSavepoint(place, plan, from);
  try {
    await checkOrigin(plan, wished.generation, ends);
    return await wished.settle();
  } finally {
    await wished.close();
  }
}

/** Checks everything (names, versions, splits, chunks), and gives each instance its state with all migrations; writes nothing. @throws what a restore is refused with */
export async function previewRestore(
  place: RestorePlace,
  plan: Plan,
  ends: EndHome,
  from: string | RestoreFrom,
): Promise<RestorePreview> {
  const wished = await wishedSavepoint(place, plan, from);
  try {
    const changes = await checkOrigin(plan, wished.generation, ends);
    const { generation, atMs, name } = await wished.generation.index();
    return { job: plan.job, savepoint: name, generation, atMs, changes, ...(await rehearse(plan, wished.generation)) };
  } finally {
    await wished.close();
  }
}
