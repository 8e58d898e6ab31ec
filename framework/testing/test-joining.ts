/**
 * How the workers of a test join its job: a new one, or one that goes on from the savepoint of another test's.
 *
 * Owns the way of a savepoint from one place to the other, as if it had been carried there in a file.
 */
import { joinJob } from "../actor/job-register.ts";
import { GenerationOrigin } from "../actor/origin.ts";
import { checkOrigin } from "../actor/restore-check.ts";
import type { WorkerJob } from "../actor/worker-job.ts";
import { originNamed } from "../administration/savepoint-origin.ts";
import type { Seams } from "../log/contracts.ts";
import { JobNames, savepointPrefix, savepointRegister } from "../log/names.ts";
import { planText } from "../plan/plan-text.ts";
import type { Plan } from "../plan/plan.ts";
import { silentLogger } from "../platform/logger.ts";
import type { Allowances } from "../protocol/restore.ts";
import type { Origin } from "../record/snapshot-record.ts";

/** The savepoint that a test's job goes on from. */
export interface TestOrigin extends Partial<Allowances> {
  /** The test whose job it was taken of. */
  readonly test: TestPlace;
  /** Its name. */
  readonly savepoint: string;
}

/** A test as far as its job's place goes. */
export interface TestPlace {
  readonly seams: Seams;
  readonly plan: Plan;
  settle(): Promise<void>;
}

/** Carries the savepoint over to `into` and looks whether its program fits. @throws SNAPSHOT_UNSUITABLE, NOT_FOUND */
export async function carryOver(from: TestOrigin, into: TestPlace): Promise<Origin> {
  const progress = { isOver: false };
  const carried = carry(from, into).finally(() => {
    progress.isOver = true;
  });
  carried.catch(() => undefined);
  // Each place answers on the clock of its own test.
  while (!progress.isOver) {
    await from.test.settle();
    await into.settle();
  }
  return carried;
}

async function carry(from: TestOrigin, { seams, plan }: TestPlace): Promise<Origin> {
  const { test, savepoint, allowMissing = [], allowUnknown = [] } = from;
  const { job } = test.plan;
  const registers = await test.seams.registers(job);
  const origin = await originNamed(registers, job, savepoint, { allowMissing, allowUnknown });
  const [old, own] = [await test.seams.savepoints(job), await seams.savepoints(plan.job)];
  for (const name of await old.list(savepointPrefix(origin.name, origin.generation, origin.savepoint))) {
    const bytes = await old.get(name);
    if (bytes !== undefined) await own.put(name, bytes);
  }
  const record = await registers.get(savepointRegister(savepoint));
  if (record !== undefined) await (await seams.registers(plan.job)).create(savepointRegister(savepoint), record.value);
  await checkOrigin(plan, new GenerationOrigin(origin, () => seams.savepoints(plan.job)), {
    cluster: undefined,
    logger: silentLogger,
  });
  return origin;
}

/** Joins the job as one worker. */
export async function joinTest(seams: Seams, plan: Plan, origin: Origin | undefined): Promise<WorkerJob> {
  const claim = {
    job: plan.job,
    plan: planText(plan),
    planHash: "test",
    version: plan.version,
    startNew: false,
    origin,
    difference: () => "",
  };
  const registers = await seams.registers(plan.job);
  const { generation } = await joinJob(registers, claim);
  const blobs = await seams.blobs(plan.job, generation);
  const goesOnFrom = origin && new GenerationOrigin(origin, () => seams.savepoints(plan.job));
  return { plan, names: new JobNames(plan.job, generation), seams, registers, blobs, origin: goesOnFrom };
}
