/**
 * The files of the file sink: part files beside the path, and how their bytes get into it.
 *
 * Owns names, positions and durability; when a part may go into the path is `file-sink.ts`'s.
 *
 * D1. Bytes that did not get in completely do not count: the next ones are written over them.
 * D2. `seal`, `becomeFile` and `copyInto` resolve when what they did survives a power failure.
 */
import { chmod, type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { StreamError } from "../errors.ts";
import type { SinkIdentity } from "../log/sink.ts";

/** A part file that has been found. */
export interface FoundPart {
  readonly name: string;
  readonly epoch: number;
}

const chunkBytes = 64 * 1_024;
const lineFeed = 0x0a;

/** A part file while it is written. It holds nothing open between calls: an incarnation that is dropped leaves nothing to close. */
export class PartFile {
  /** Its base name. */
  readonly name: string;
  readonly #path: string;
  #length = 0;
  #check = 0;

  constructor(path: string) {
    this.name = basename(path);
    this.#path = path;
  }

  get length(): number {
    return this.#length;
  }

  /** CRC-32 of its bytes. */
  get check(): number {
    return this.#check;
  }

  /** Adds `bytes`, all or (D1) nothing. */
  async append(bytes: Buffer): Promise<void> {
    await withFile(this.#path, "r+", (handle) => writeAt(handle, bytes, this.#length));
    this.#length += bytes.length;
    this.#check = crc32(bytes, this.#check);
  }

  /** Nothing more comes: makes it durable. May be repeated when it throws. */
  async seal(): Promise<void> {
    await withFile(this.#path, "r+", async (handle) => {
      await handle.truncate(this.#length);
      await handle.sync();
    });
    await syncDirectory(this.#path);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/** Begins a part file; what another life of the job left under that name is gone. */
export async function openPart(path: string, of: SinkIdentity, number: number): Promise<PartFile> {
  const part = `${path}${suffixOf(of)}${of.epoch}.${number}.part`;
  await withFile(part, "w", () => Promise.resolve());
  return new PartFile(part);
}

/** The part files of a sink beside `path`, of every epoch. */
export async function partsOf(path: string, of: SinkIdentity): Promise<readonly FoundPart[]> {
  const prefix = basename(path) + suffixOf(of);
  const names = await readdir(dirname(path));
  return names.flatMap((name) => {
    const [, epoch] = name.startsWith(prefix) ? (/^(\d+)\.\d+\.part$/.exec(name.slice(prefix.length)) ?? []) : [];
    return epoch === undefined ? [] : [{ name, epoch: Number(epoch) }];
  });
}

/** Removes a part file; harmless when it is gone. */
export async function removePart(path: string, part: string): Promise<void> {
  await rm(beside(path, part), { force: true });
}

/** Puts `part` in the place of `path`, in one step. Answers false when the part is gone. */
export async function becomeFile(path: string, part: string): Promise<boolean> {
  const before = await unlessGone(stat(path));
  const from = beside(path, part);
  if (before !== undefined) await unlessGone(chmod(from, before.mode & 0o777));
  const renamed = await unlessGone(rename(from, path).then(() => true));
  if (renamed === undefined) return false;
  await syncDirectory(path);
  return true;
}

/**
 * Copies the `length` bytes of `part` into `path` at `offset` and removes the part. Answers false when the part is gone.
 * @throws DATA_LOST when the file ends before `offset`, or the part has fewer bytes
 */
export async function copyInto(path: string, part: string, offset: number, length: number): Promise<boolean> {
  const copied = await unlessGone(
    withFile(beside(path, part), "r", async (from) => {
      const isThere = await unlessGone(withFile(path, "r+", (into) => copy(from, into, path, offset, length)));
      if (isThere === undefined) throw endsEarly(path, 0, offset);
      return true;
    }),
  );
  if (copied === undefined) return false;
  await removePart(path, part);
  return true;
}

/** Cuts off what `path` holds behind `offset`; harmless when there is nothing, or no file. */
export async function cutOff(path: string, offset: number): Promise<void> {
  await unlessGone(
    withFile(path, "r+", async (handle) => {
      if ((await handle.stat()).size <= offset) return;
      await handle.truncate(offset);
      await handle.sync();
    }),
  );
}

/** Copies whole lines at a time, so that a crash in between leaves whole lines. */
async function copy(from: FileHandle, into: FileHandle, path: string, offset: number, length: number): Promise<true> {
  const { size } = await into.stat();
  if (size < offset) throw endsEarly(path, size, offset);
  for (let copied = 0; copied < length;) {
    const bytes = await readUpTo(from, copied, Math.min(chunkBytes, length - copied));
    if (bytes.length === 0) throw endsEarly(`a part of ${path}`, copied, length);
    const lines = bytes.subarray(0, bytes.lastIndexOf(lineFeed) + 1 || bytes.length);
    await writeAt(into, lines, offset + copied);
    copied += lines.length;
  }
  await into.sync();
  return true;
}

function endsEarly(path: string, size: number, expected: number): StreamError {
  return new StreamError(
    "DATA_LOST",
    `${path} ends at ${size} and not behind ${expected} bytes; others have changed it`,
  );
}

/** Whether the `length` bytes at `offset` have the CRC-32 `check`. */
export async function holds(path: string, offset: number, length: number, check: number): Promise<boolean> {
  const found = await unlessGone(
    withFile(path, "r", async (handle) => {
      let sum = 0;
      for (let read = 0; read < length;) {
        const bytes = await readUpTo(handle, offset + read, Math.min(chunkBytes, length - read));
        if (bytes.length === 0) return undefined;
        sum = crc32(bytes, sum);
        read += bytes.length;
      }
      return sum;
    }),
  );
  return found === check;
}

function suffixOf({ job, generation, sink }: SinkIdentity): string {
  return `.${job}.${generation}.${sink}.`;
}

function beside(path: string, name: string): string {
  return join(dirname(path), name);
}

async function readUpTo(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

async function writeAt(handle: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written);
    written += bytesWritten;
  }
}

/** Makes a new name in the directory of `path` durable; Windows has no such thing, and does it by itself. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform !== "win32") await withFile(dirname(path), "r", (handle) => handle.sync());
}

async function withFile<T>(path: string, flags: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function unlessGone<T>(task: Promise<T>): Promise<T | undefined> {
  try {
    return await task;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
