/**
 * The savepoints of a job: which there are, what one consists of, and their removal.
 *
 * Owns the way from a name to an index; nothing is created by looking. What somebody may want to know of a savepoint is in `savepoint-look.ts`.
 */
import { savepointFormat } from "../protocol/restore.ts";
import { SnapshotStore } from "../actor/snapshot-store.ts";
import { StreamError } from "../errors.ts";
import type { Blobs, Registers } from "../log/contracts.ts";
import { jobRegister, savepointPrefix, savepointRegister, savepointRegisters } from "../log/names.ts";
import { decodeJobRecord } from "../record/wire/job-record.ts";
import type { SavepointIndex, SavepointRecord } from "../record/savepoint-record.ts";
import type { ChunkRef } from "../record/snapshot-record.ts";
import { decodeSavepointIndex, decodeSavepointRecord } from "../record/wire/savepoint.ts";
import { listHoldings, unknownJob, type Administrator } from "./administrator.ts";

/** One savepoint in a list. */
export interface SavepointSummary extends Pick<SavepointRecord, "generation" | "savepoint" | "atMs" | "bytes"> {
  readonly job: string;
  readonly name: string;
  /** `open`: it is being taken, or whoever took it is gone. */
  readonly state: "complete" | "open";
}

/** A savepoint that can be read: from a job's own, or from a file. */
export interface OpenSavepoint {
  readonly index: SavepointIndex;
  /** What the index names, and what manifests name. */
  readonly blobs: Pick<Blobs, "get">;
  /** The chunks of the index itself; empty in a file, which has it as its head. */
  readonly indexChunks: readonly ChunkRef[];
}

/** Chunks that are deleted at a time. */
const atOnce = 16;

/** The savepoints of a job, oldest first; also of one that has been deleted. @throws NOT_FOUND naming the jobs that there are */
export async function listSavepoints(administrator: Administrator, job: string): Promise<readonly SavepointSummary[]> {
  const registers = await registersOf(administrator, job);
  const keys = await registers.list(savepointRegisters);
  const records = await Promise.all(keys.map((key) => recordAt(registers, key)));
  const summaries = records.flatMap((record, at): SavepointSummary[] => {
    if (record === undefined || record.state === "cancelled") return [];
    const { generation, savepoint, atMs, bytes, state } = record;
    const name = (keys[at] ?? "").slice(savepointRegisters.length);
    return [{ job, name, generation, savepoint, atMs, bytes, state }];
  });
  return summaries.toSorted((a, b) => a.atMs - b.atMs);
}

/**
 * Opens a savepoint of a job.
 *
 * @throws NOT_FOUND naming those that there are; SNAPSHOT_UNSUITABLE of a newer format; CORRUPT when its index is not what was written
 */
export async function openSavepoint(administrator: Administrator, job: string, name: string): Promise<OpenSavepoint> {
  const record = await completeRecord(administrator, job, name);
  const blobs = await administrator.seams.savepoints(job);
  const bytes = await new SnapshotStore(blobs, { stage: "index", partition: 0, epoch: 0 }).getSegment(record.index);
  return { index: readIndex(bytes, `savepoint ${name} of job ${job}`), blobs, indexChunks: record.index };
}

/** The index in `bytes`; `what` it is of. @throws SNAPSHOT_UNSUITABLE when it was written by a newer version; CORRUPT */
export function readIndex(bytes: Uint8Array, what: string): SavepointIndex {
  const index = decodeSavepointIndex(bytes);
  if (index.format === savepointFormat) return index;
  throw new StreamError(
    "SNAPSHOT_UNSUITABLE",
    `${what} has format ${index.format}, and this version reads format ${savepointFormat}: use the version of Tidemark that took it, or a newer one`,
  );
}

/**
 * Deletes a savepoint: its register first, so that nobody begins from what is going. Answers its chunks and bytes. `force`: also one that the job's generation began from.
 *
 * @throws NOT_FOUND; JOB_NOT_RUNNABLE when the generation began from it: an instance that has no snapshot of its own yet goes on from there after every crash
 */
export async function deleteSavepoint(
  administrator: Administrator,
  job: string,
  name: string,
  force = false,
): Promise<{ readonly job: string; readonly name: string; readonly chunks: number; readonly bytes: number }> {
  const record = await completeRecord(administrator, job, name);
  const registers = await registersOf(administrator, job);
  if (!force) await checkNotNeeded(registers, job, name, record);
  await registers.delete(savepointRegister(name));
  const blobs = await administrator.seams.savepoints(job);
  const chunks = await blobs.list(savepointPrefix(name, record.generation, record.savepoint));
  for (let at = 0; at < chunks.length; at += atOnce)
    await Promise.all(chunks.slice(at, at + atOnce).map((chunk) => blobs.delete(chunk)));
  return { job, name, chunks: chunks.length, bytes: record.bytes };
}

async function checkNotNeeded(
  registers: Registers,
  job: string,
  name: string,
  { savepoint }: SavepointRecord,
): Promise<void> {
  const found = await registers.get(jobRegister);
  const record = found === undefined ? undefined : decodeJobRecord(found.value);
  const isOrigin = record?.origin?.name === name && record.origin.savepoint === savepoint;
  if (!isOrigin || record?.state === "completed") return;
  const what = `generation ${record?.generation} of job ${job} began from savepoint ${name}, and instances without a snapshot of their own go on from it`;
  throw new StreamError(
    "JOB_NOT_RUNNABLE",
    `${what}: when tidemark status shows a snapshot of each, delete it with --force`,
  );
}

async function completeRecord(administrator: Administrator, job: string, name: string): Promise<SavepointRecord> {
  const registers = await registersOf(administrator, job);
  const record = await recordAt(registers, savepointRegister(name));
  if (record?.state === "complete") return record;
  const what = `job ${job} has no savepoint ${JSON.stringify(name)}`;
  if (record?.state === "open") throw new StreamError("NOT_FOUND", `${what} yet: it is being taken`);
  const all = await listSavepoints(administrator, job);
  const known = all.filter(({ state }) => state === "complete").map((each) => each.name);
  const why = record === undefined ? "" : ` (it was cancelled: ${record.reason})`;
  throw new StreamError("NOT_FOUND", `${what}${why}; it has ${known.length === 0 ? "none" : known.join(", ")}`);
}

async function recordAt(registers: Registers, key: string): Promise<SavepointRecord | undefined> {
  const found = await registers.get(key);
  return found === undefined ? undefined : decodeSavepointRecord(found.value);
}

/** Creates nothing. */
async function registersOf(administrator: Administrator, job: string): Promise<Registers> {
  const { owned } = await listHoldings(administrator);
  const hasRegisters = owned.some(({ owner }) => owner.job === job && owner.holds === "registers");
  if (!hasRegisters) throw unknownJob(job, owned);
  return administrator.seams.registers(job);
}
