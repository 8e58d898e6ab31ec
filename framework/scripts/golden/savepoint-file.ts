/**
 * A savepoint as a file of this repository: the register of its name and its chunks, in base64.
 *
 * Owns that form alone; what is in the bytes is the format that is kept.
 */
import type { Seams } from "../../log/contracts.ts";
import { MemorySeams } from "../../log/memory-seams.ts";
import { savepointRegister } from "../../log/names.ts";
import type { Clock } from "../../platform/platform.ts";

/** What the file holds. */
export interface SavepointFile {
  readonly job: string;
  readonly savepoint: string;
  readonly register: string;
  readonly chunks: Readonly<Record<string, string>>;
}

/** The savepoint of a job, as it goes into the file. */
export async function readSavepoint(seams: Seams, job: string, savepoint: string): Promise<SavepointFile> {
  const record = await (await seams.registers(job)).get(savepointRegister(savepoint));
  const blobs = await seams.savepoints(job);
  const chunks: Record<string, string> = {};
  for (const name of (await blobs.list(`${savepoint}.`)).toSorted())
    chunks[name] = Buffer.from((await blobs.get(name)) ?? []).toString("base64");
  return { job, savepoint, register: Buffer.from(record?.value ?? []).toString("base64"), chunks };
}

/** A place in which that savepoint is there, and nothing else. */
export async function placeOf(file: SavepointFile, clock: Clock): Promise<Seams> {
  const seams = new MemorySeams(clock);
  const blobs = await seams.savepoints(file.job);
  for (const [name, bytes] of Object.entries(file.chunks)) await blobs.put(name, Buffer.from(bytes, "base64"));
  await (
    await seams.registers(file.job)
  ).create(savepointRegister(file.savepoint), Buffer.from(file.register, "base64"));
  return seams;
}
