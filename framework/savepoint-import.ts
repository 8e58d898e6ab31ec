/**
 * A savepoint that was carried here in a file: as something that can be read, and as one of the job's own.
 *
 * Owns the way from the file into the place of the job: chunks, index, and last the register of its name, so that nobody finds a part of it.
 *
 * SI1. A name that another savepoint has stays that one's; the same savepoint once more is no other one.
 */
import { inParallel } from "./actor/in-parallel.ts";
import { putIndex } from "./actor/savepoint-index.ts";
import { StreamError } from "./errors.ts";
import type { Blobs, Seams } from "./log/contracts.ts";
import { savepointRegister } from "./log/names.ts";
import { sha256Hex } from "./platform/digest.ts";
import type { SavepointRecord } from "./record/savepoint-record.ts";
import type { ChunkRef } from "./record/snapshot-record.ts";
import { decodeSavepointRecord, encodeSavepointIndex, encodeSavepointRecord } from "./record/wire/savepoint.ts";
import type { SavepointFile } from "./savepoint-file.ts";

/** Chunks that are carried at a time. */
const chunksAtOnce = 16;

/** What the index is read as; no chunk has that name. */
const indexName = "index";

/** The file as a job's savepoints look, with the index among the chunks; for reading alone. */
export function readableFile(file: SavepointFile): {
  readonly blobs: Pick<Blobs, "get">;
  readonly index: readonly ChunkRef[];
} {
  const bytes = encodeSavepointIndex(file.index);
  const get = (name: string) => (name === indexName ? Promise.resolve(bytes) : file.blobs.get(name));
  return { blobs: { get }, index: [{ name: indexName, offset: 0, length: bytes.length, sha256: sha256Hex(bytes) }] };
}

/** Makes it a savepoint of its job here, under the name that it has. @throws JOB_MISMATCH when another one has that name; CORRUPT; what the place refuses with */
export async function importSavepoint(seams: Seams, file: SavepointFile): Promise<void> {
  const { job, name, generation, savepoint, atMs } = file.index;
  const registers = await seams.registers(job);
  const key = savepointRegister(name);
  const found = await registers.get(key);
  const there = found === undefined ? undefined : decodeSavepointRecord(found.value);
  if (there !== undefined && there.state !== "cancelled") return checkSame(there, file);
  const blobs = await seams.savepoints(job);
  const sizes = await inParallel(file.names, chunksAtOnce, async (chunk) => {
    const bytes = (await file.blobs.get(chunk)) ?? new Uint8Array(0);
    await blobs.put(chunk, bytes);
    return bytes.length;
  });
  const index = await putIndex(blobs, file.index);
  const bytes = [...sizes, ...index.map(({ length }) => length)].reduce((sum, size) => sum + size, 0);
  const record = { generation, savepoint, leader: 0, state: "complete", reason: "", index, atMs, bytes } as const;
  const value = encodeSavepointRecord(record);
  if (found === undefined) await registers.create(key, value);
  else await registers.update(key, value, found.revision);
  // Somebody may have been faster.
  const written = await registers.get(key);
  checkSame(written === undefined ? record : decodeSavepointRecord(written.value), file);
}

/** SI1. */
function checkSame(there: SavepointRecord, { index: { job, name, generation, savepoint, atMs } }: SavepointFile): void {
  const isSame = there.generation === generation && there.savepoint === savepoint && there.atMs === atMs;
  if (isSame && there.state === "complete") return;
  const what = `job ${job} has another savepoint ${name} here, of generation ${there.generation}, and the file's is of generation ${generation}`;
  throw new StreamError(
    "JOB_MISMATCH",
    `${what}: delete that one (tidemark delete ${job} --savepoint ${name}) to take this one in`,
  );
}
