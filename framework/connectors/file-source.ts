/**
 * Files as a bounded, replayable source: one split per file.
 *
 * Owns which splits there are and what tells a file apart; rows are read by `row-reader.ts` in a `FileFormat`.
 *
 * I1. A split is the file's content up to the size that it had when the job listed it: what is appended later is not read, so reading it again gives the
 *     same (S1).
 * I2. Its identity is that size and a hash of the first and last KiB before it; a file that is shorter or differs there is another one.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { StreamError } from "../errors.ts";
import type { SourceSpec, Split, SplitOpening, SplitReader } from "../log/source.ts";
import type { FileFormat, RowFormat, SourceFile } from "./file-format.ts";
import { rateOfSplit } from "./pace.ts";
import { readAt, RowReader } from "./row-reader.ts";

/** Options of every source that reads files. */
export interface FileSourceOptions<T> {
  /**
   * Takes the event timestamp of a record, ms since the epoch; timestamps may not go back within a file. For records out of order say
   * `.timestamps(of, { outOfOrderness })` on the stream instead.
   * @default none: the program says so, or there is no event time
   */
  readonly timestamps?: ((value: T) => number) | undefined;
  /**
   * Rows per second, over all files together: each file has an equal share, counted from the reader's opening.
   * @default as fast as they are taken
   */
  readonly rate?: number | undefined;
  /**
   * Whether two paths may have the same base name. `refuse` is for programs that tell their files apart by it.
   * @default "allow"
   */
  readonly equalNames?: "allow" | "refuse" | undefined;
}

const headBytesMax = 64 * 1_024;
const identityBytes = 1_024;

/** The rows of `paths` in `format`. @throws OPTION_INVALID for no path, the same one twice, equal names that are refused, a rate that is none */
export function fileSource<T>(
  kind: string,
  paths: string | readonly string[],
  format: FileFormat<T>,
  options: FileSourceOptions<T>,
): SourceSpec<T> {
  const files = [paths].flat().map((path): SourceFile => ({ path, name: basename(path) }));
  if (files.length === 0) throw new StreamError("OPTION_INVALID", `${kind} takes at least one path`);
  refuseEqual(files, "path");
  if (options.equalNames === "refuse") refuseEqual(files, "name");
  const rate = rateOfSplit(options.rate, files.length);
  const { timestamps } = options;
  return {
    description: `${kind}(${files.length === 1 ? files[0]?.path : `${files.length} files`})`,
    ...(timestamps === undefined ? {} : { timestamps: { of: timestamps, outOfOrdernessMs: 0 } }),
    reader: {
      kind: "replayable",
      positions: "sparse",
      bounded: true,
      isWhole: true,
      async splits() {
        const splits: Split[] = [];
        for (const file of files) splits.push(await splitOf(file, format));
        return splits;
      },
      async open(opening) {
        const file = files.find(({ path }) => path === opening.split.name);
        if (file === undefined) throw changed(opening.split, "is not among the program's files any more");
        return openSplit(file, format, rate, opening);
      },
    },
  };
}

function refuseEqual(files: readonly SourceFile[], what: "path" | "name"): void {
  const seen = new Map<string, SourceFile>();
  for (const file of files) {
    const other = seen.get(file[what]);
    if (other !== undefined) {
      throw new StreamError(
        "OPTION_INVALID",
        `${other.path} and ${file.path} have the same ${what}; rename one or leave it out`,
      );
    }
    seen.set(file[what], file);
  }
}

/** Looks at a file before the job starts. @throws PATH_UNUSABLE */
async function splitOf<T>(file: SourceFile, format: FileFormat<T>): Promise<Split> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    await begin(handle, size, file, format);
    return { name: file.path, identity: await identityOf(handle, size) };
  } catch (error) {
    throw StreamError.from(error, "PATH_UNUSABLE", file.path);
  } finally {
    await handle.close();
  }
}

async function openSplit<T>(
  file: SourceFile,
  format: FileFormat<T>,
  rate: number | undefined,
  opening: SplitOpening,
): Promise<SplitReader> {
  const handle = await openFile(file);
  try {
    const size = sizeIn(opening.split.identity);
    if ((await handle.stat()).size < size) throw changed(opening.split, `is shorter than its ${size} bytes`);
    const identity = await identityOf(handle, size);
    if (identity !== opening.split.identity) throw changed(opening.split, `has other content (${identity})`);
    const rows = await begin(handle, size, file, format);
    return new RowReader({ handle, size, rows, rate, opening });
  } catch (error) {
    await handle.close();
    throw StreamError.from(error, "PATH_UNUSABLE", file.path);
  }
}

async function openFile({ path }: SourceFile): Promise<FileHandle> {
  try {
    const handle = await open(path, "r");
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (error) {
    throw StreamError.from(error, "PATH_UNUSABLE", `${path} cannot be read`);
  }
  throw new StreamError("PATH_UNUSABLE", `${path} cannot be read: it is no regular file`);
}

async function begin<T>(
  handle: FileHandle,
  size: number,
  file: SourceFile,
  format: FileFormat<T>,
): Promise<RowFormat<T>> {
  const head = await readAt(handle, 0, Math.min(size, headBytesMax));
  return format.begin(file, head, size <= headBytesMax);
}

async function identityOf(handle: FileHandle, size: number): Promise<string> {
  const length = Math.min(size, identityBytes);
  const hash = createHash("sha256");
  hash.update(await readAt(handle, 0, length));
  hash.update(await readAt(handle, size - length, length));
  return `${size}-${hash.digest("hex").slice(0, 32)}`;
}

function sizeIn(identity: string): number {
  return Number(identity.slice(0, identity.indexOf("-")));
}

function changed(split: Split, why: string): StreamError {
  return new StreamError(
    "SOURCE_CHANGED",
    `${split.name} ${why}; the job has been reading ${split.identity}: put that file back, or begin a new generation`,
  );
}
