/**
 * Removing what jobs keep.
 *
 * Owns the order, in which a crash may fall anywhere: the same deletion given again finishes it, and nothing half-deleted is ever joined.
 *
 * D1. Of a whole job the register says so first, and goes last: until then nobody joins, also not with a new generation.
 * D2. Of a generation the job log goes first: without it nothing of the generation goes on.
 * D4. Savepoints outlive their job: they, and the registers that name them, stay unless they are to go, too.
 * D3. Only what is this job's, by its parsed name, is removed.
 */
import { StreamError } from "../errors.ts";
import { jobRegister, JobNames, savepointRegisters } from "../log/names.ts";
import type { Registers } from "../log/contracts.ts";
import { decodeJobRecord, encodeJobRecord } from "../record/wire/job-record.ts";
import { listHoldings, registerOf, unknownJob, type Administrator, type OwnedHolding } from "./administrator.ts";
import { stopJob } from "./job-commands.ts";
import { readJob } from "./job-reading.ts";
import { callRoll } from "./roll-call.ts";
import { listSavepoints } from "./savepoints.ts";

/** What is to be deleted. */
export interface DeletionOptions {
  /** @default all of them, and the job itself */
  readonly generation?: number | undefined;
  /** Stop the job first, if it runs, and delete it whoever is still heard. @default false */
  readonly force?: boolean | undefined;
  /** Delete the savepoints, too, when the whole job goes. @default false */
  readonly withSavepoints?: boolean | undefined;
}

/** What has been deleted. */
export interface Deletion {
  readonly job: string;
  readonly generations: readonly number[];
  /** Whether the job itself is gone. */
  readonly isWhole: boolean;
  /** Names of the savepoints that are kept. */
  readonly savepoints: readonly string[];
  readonly streams: number;
  readonly bytes: number;
}

/** Time that a forced deletion waits for workers to go, ms. */
const stopMsMax = 10_000;
/** Streams that go at a time. */
const atOnce = 8;
/** A worker that has not heard yet may create something behind one's back. */
const roundsMax = 3;

/**
 * Deletes a job, or one generation of it: one that has completed, failed or was stopped, and that nobody works on.
 *
 * @throws NOT_FOUND; JOB_NOT_RUNNABLE when it runs, or workers are alive; SERVER_REFUSED
 */
export async function deleteJob(
  administrator: Administrator,
  job: string,
  { generation, force = false, withSavepoints = false }: DeletionOptions = {},
): Promise<Deletion> {
  const { owned } = await listHoldings(administrator);
  const mine = owned.filter(({ owner }) => owner.job === job);
  if (mine.length === 0) throw unknownJob(job, owned);
  const all = generationsOf(mine);
  const generations = generation === undefined ? all : all.filter((each) => each === generation);
  if (generation !== undefined && generations.length === 0)
    throw new StreamError("NOT_FOUND", `job ${job} has no generation ${generation}; it has ${all.join(", ")}`);
  // Whoever may not delete is refused before anything has changed: there is no such stream, unless one was left behind.
  await administrator.seams.holdings.delete(`TM_${job}_0_ROOM`);
  const found = await registerOf(administrator, job, mine);
  const isRunning =
    found !== undefined && found.record.state === "running" && generations.includes(found.record.generation);
  if (isRunning) await endFirst(administrator, new JobNames(job, found.record.generation), force);
  if (!force) await refuseWhileAlive(administrator, job, generations);
  if (generation === undefined && found !== undefined) await markDeleting(found.registers);
  const removed = await removeAll(administrator, mine, (owner) => generations.includes(owner.generation ?? -1));
  if (generation !== undefined && found !== undefined) await removePointers(found.registers, generation);
  const savepoints = withSavepoints && generation === undefined ? [] : await savepointsOf(administrator, job);
  if (generation === undefined) await removeJob(administrator, job, savepoints.length > 0);
  const isWhole = generation === undefined;
  const bytes = removed.reduce((sum, each) => sum + each.bytes, 0);
  const isGone = isWhole && savepoints.length === 0;
  return { job, generations, isWhole, savepoints, streams: removed.length + (isGone ? 1 : 0), bytes };
}

/** Deletes what a generation keeps, its registers included; the job itself stays. For one that has completed, and that nobody reads any more. */
export async function discardGeneration(
  administrator: Administrator,
  names: JobNames,
  registers: Registers,
): Promise<void> {
  const { owned } = await listHoldings(administrator);
  const isIts = ({ job, generation }: OwnedHolding["owner"]) => job === names.job && generation === names.generation;
  await removeAll(administrator, owned, isIts);
  await removePointers(registers, names.generation);
}

function generationsOf(holdings: readonly OwnedHolding[]): readonly number[] {
  const found = holdings.flatMap(({ owner }) => (owner.generation === undefined ? [] : [owner.generation]));
  return [...new Set(found)].toSorted((a, b) => a - b);
}

/** A register that says `running` may be behind its job log. */
async function endFirst(administrator: Administrator, names: JobNames, force: boolean): Promise<void> {
  const reading = await readJob(administrator, names);
  const state = reading?.view.life.state;
  reading?.close();
  if (state !== "running") return;
  const { job, generation } = names;
  if (!force)
    throw new StreamError(
      "JOB_NOT_RUNNABLE",
      `job ${job}, generation ${generation}, is running: end it with tidemark stop ${job} (or drain) first, or add --force`,
    );
  await stopJob(administrator, job, stopMsMax);
}

async function refuseWhileAlive(
  administrator: Administrator,
  job: string,
  generations: readonly number[],
): Promise<void> {
  const rolls = await Promise.all(generations.map((each) => callRoll(administrator, new JobNames(job, each))));
  const alive = rolls.flat().map(({ worker, host, processId }) => `${worker} (${host}, process ${processId})`);
  if (alive.length === 0) return;
  throw new StreamError(
    "JOB_NOT_RUNNABLE",
    `${alive.length} workers of job ${job} are alive: ${alive.join(", ")}; end them first, or add --force`,
  );
}

async function markDeleting(registers: Registers): Promise<void> {
  for (;;) {
    const found = await registers.get(jobRegister);
    if (found === undefined) return;
    const record = decodeJobRecord(found.value);
    if (record.state === "deleting") return;
    const bytes = encodeJobRecord({ ...record, state: "deleting" });
    if ((await registers.update(jobRegister, bytes, found.revision)).kind === "written") return;
  }
}

async function removeAll(
  { seams }: Administrator,
  holdings: readonly OwnedHolding[],
  isMeant: (owner: OwnedHolding["owner"]) => boolean,
): Promise<readonly OwnedHolding[]> {
  const meant = holdings.filter(({ owner }) => isMeant(owner));
  const first = meant.filter(({ owner }) => owner.holds === "jobLog");
  const rest = meant.filter(({ owner }) => owner.holds !== "jobLog");
  for (const { name } of first) await seams.holdings.delete(name);
  for (let at = 0; at < rest.length; at += atOnce)
    await Promise.all(rest.slice(at, at + atOnce).map(({ name }) => seams.holdings.delete(name)));
  return meant;
}

async function removePointers(registers: Registers, generation: number): Promise<void> {
  for (const kind of ["pointer", "suspect"])
    for (const key of await registers.list(`${kind}.${generation}.`)) await registers.delete(key);
  await registers.delete(new JobNames("", generation).droppedLetters);
}

/** Names of those that are complete; whatever else there is of savepoints is nobody's. */
async function savepointsOf(administrator: Administrator, job: string): Promise<readonly string[]> {
  const all = await listSavepoints(administrator, job).catch((error: unknown) => {
    if (StreamError.is(error, "NOT_FOUND")) return [];
    throw error;
  });
  return all.filter(({ state }) => state === "complete").map(({ name }) => name);
}

/** The register last: whatever somebody has created meanwhile goes before it. */
async function removeJob(administrator: Administrator, job: string, keepsSavepoints: boolean): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    const { owned } = await listHoldings(administrator);
    const left = owned.filter(({ owner }) => owner.job === job && owner.generation !== undefined);
    if (left.length === 0) break;
    await removeAll(administrator, left, () => true);
  }
  if (!keepsSavepoints) {
    await administrator.seams.holdings.delete(`TM_${job}_SAVEPOINTS`);
    return administrator.seams.holdings.delete(`KV_TM_${job}`);
  }
  const registers = await administrator.seams.registers(job);
  const keys = await registers.list("");
  const others = keys.filter((key) => key !== jobRegister && !key.startsWith(savepointRegisters));
  for (const key of [...others, jobRegister]) await registers.delete(key);
}
