/**
 * A savepoint as one file, to be kept or carried elsewhere.
 *
 * Owns the format: a head of 12 bytes ("TIDEMARK", then the version of the format as 4 bytes, little-endian), then parts, each with a head of 12 bytes (length of
 * its name, length of its content, CRC-32 of both) before name and content. The first part is the index, without a name; the last is empty and is called `.`:
 * a file that was cut off has none.
 *
 * SF1. Chunks have the names that the index and the manifests give them, so that a file reads like a job's own savepoints.
 * SF2. Nothing of a file is believed: lengths are those of the file, sums agree, and the end is there.
 */
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { StreamError, messageOf } from "./errors.ts";
import type { Blobs } from "./log/contracts.ts";
import { encodeSavepointIndex } from "./record/wire/savepoint.ts";
import { readingStore } from "./actor/snapshot-store.ts";
import { readIndex, type OpenSavepoint } from "./administration/savepoints.ts";

const magic = Buffer.from("TIDEMARK");
const fileFormat = 1;
const headBytes = 12;
const partHeadBytes = 12;
const endName = ".";
/** Names are those of blobs; contents are blobs, or the index. */
const nameBytesMax = 1_024;
const contentBytesMax = 256 * 1024 * 1024;

/** A savepoint in a file. Close it. */
export interface SavepointFile extends OpenSavepoint {
  readonly names: readonly string[];
  close(): Promise<void>;
}

/** Writes a savepoint into the file at `path`, which is there as a whole or not at all. Answers its size. @throws CORRUPT when a chunk is missing; PATH_UNUSABLE */
export async function writeSavepointFile(path: string, { index, blobs }: OpenSavepoint): Promise<number> {
  const unfinished = `${path}.part`;
  const file = await usable(path, () => open(unfinished, "w"));
  try {
    let bytes = await append(path, file, headOf());
    bytes += await append(path, file, partOf("", encodeSavepointIndex(index)));
    for (const name of await namesIn({ index, blobs })) {
      const content = await blobs.get(name);
      if (content === undefined) throw new StreamError("CORRUPT", `savepoint ${index.name}: chunk ${name} is missing`);
      bytes += await append(path, file, partOf(name, content));
    }
    bytes += await append(path, file, partOf(endName, new Uint8Array(0)));
    await usable(path, () => file.sync());
    await file.close();
    await usable(path, () => rename(unfinished, path));
    return bytes;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Opens a savepoint in a file; all of it is looked at once. @throws PATH_UNUSABLE; CORRUPT saying where; SNAPSHOT_UNSUITABLE of a newer format */
export async function openSavepointFile(path: string): Promise<SavepointFile> {
  const file = await usable(path, () => open(path, "r"));
  try {
    const parts = await readParts(path, file);
    const [head] = parts;
    if (head?.name !== "") throw corrupt(path, "it has no index");
    const index = readIndex(await contentOf(path, file, head), path);
    const places = new Map(parts.slice(1, -1).map((part) => [part.name, part]));
    const blobs: Pick<Blobs, "get"> = {
      get: async (name) => {
        const part = places.get(name);
        return part === undefined ? undefined : contentOf(path, file, part);
      },
    };
    return { index, blobs, indexChunks: [], names: [...places.keys()], close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Names of all chunks that an index and its manifests name, each once. @throws CORRUPT */
async function namesIn({ index, blobs }: Pick<OpenSavepoint, "index" | "blobs">): Promise<ReadonlySet<string>> {
  const store = readingStore(blobs);
  const names = new Set<string>();
  for (const { manifest: chunks } of index.stages.flatMap(({ instances }) => instances)) {
    const { segments } = await store.getManifest({ sequence: 0, manifest: chunks });
    for (const { name } of [...chunks, ...segments.flatMap((segment) => segment.chunks)]) names.add(name);
  }
  return names;
}

interface Part {
  readonly name: string;
  /** Of its head in the file. */
  readonly at: number;
  readonly nameBytes: number;
  readonly bytes: number;
  readonly sum: number;
}

function headOf(): Uint8Array {
  const head = Buffer.alloc(headBytes);
  head.set(magic);
  head.writeUInt32LE(fileFormat, magic.length);
  return head;
}

function partOf(name: string, content: Uint8Array): Uint8Array {
  const nameBytes = Buffer.from(name);
  const head = Buffer.alloc(partHeadBytes);
  head.writeUInt32LE(nameBytes.length, 0);
  head.writeUInt32LE(content.length, 4);
  head.writeUInt32LE(crc32(content, crc32(nameBytes)), 8);
  return Buffer.concat([head, nameBytes, content]);
}

/** SF2. */
async function readParts(path: string, file: FileHandle): Promise<readonly Part[]> {
  const { size } = await usable(path, () => file.stat());
  const head = await read(path, file, 0, headBytes);
  if (Buffer.compare(head.subarray(0, magic.length), magic) !== 0) throw corrupt(path, "it is no savepoint");
  const format = head.readUInt32LE(magic.length);
  if (format !== fileFormat)
    throw new StreamError(
      "SNAPSHOT_UNSUITABLE",
      `${path} has format ${format}, and this version reads format ${fileFormat}`,
    );
  const parts: Part[] = [];
  for (let at = headBytes; at < size;) {
    const part = await readPart(path, file, at, size);
    parts.push(part);
    at += partHeadBytes + part.nameBytes + part.bytes;
  }
  if (parts.at(-1)?.name !== endName) throw corrupt(path, `its end is missing: it has ${size} bytes`);
  return parts;
}

async function readPart(path: string, file: FileHandle, at: number, size: number): Promise<Part> {
  const head = await read(path, file, at, partHeadBytes);
  const [nameBytes, bytes, sum] = [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8)];
  const end = at + partHeadBytes + nameBytes + bytes;
  if (nameBytes > nameBytesMax || bytes > contentBytesMax || end > size)
    throw corrupt(path, `the part at byte ${at} ends at byte ${end}, and the file has ${size}`);
  const name = (await read(path, file, at + partHeadBytes, nameBytes)).toString();
  const part = { name, at, nameBytes, bytes, sum };
  await contentOf(path, file, part);
  return part;
}

async function contentOf(
  path: string,
  file: FileHandle,
  { at, name, nameBytes, bytes, sum }: Part,
): Promise<Uint8Array> {
  const content = await read(path, file, at + partHeadBytes + nameBytes, bytes);
  if (crc32(content, crc32(Buffer.from(name))) === sum) return content;
  throw corrupt(path, `the part ${JSON.stringify(name)} at byte ${at} is not what was written`);
}

async function read(path: string, file: FileHandle, at: number, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  const { bytesRead } = await usable(path, () => file.read(into, 0, length, at));
  if (bytesRead < length) throw corrupt(path, `${length} bytes expected at byte ${at}, ${bytesRead} found`);
  return into;
}

async function append(path: string, file: FileHandle, bytes: Uint8Array): Promise<number> {
  await usable(path, () => file.appendFile(bytes));
  return bytes.byteLength;
}

async function usable<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new StreamError("PATH_UNUSABLE", `${path}: ${messageOf(error)}`, { cause: error });
  }
}

function corrupt(path: string, what: string): StreamError {
  return new StreamError("CORRUPT", `savepoint file ${path}: ${what}`);
}
