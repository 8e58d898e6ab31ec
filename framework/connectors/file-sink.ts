/**
 * A sink that writes results into one file as JSON lines, each exactly once.
 *
 * Rows become visible when the snapshot that covers them has been taken. Until then they are in a part file beside the path, one per snapshot, named
 * after job, generation, sink, epoch and a running number, so that incarnations never write into the same one (`part-file.ts`).
 *
 * T1. The first transaction of a generation becomes the file: its part is renamed to the path, which takes away, in one step, what an earlier
 *     generation left. Renaming uses the part up, so a repetition, however late, changes nothing.
 * T2. Every other transaction is copied into the path at its offset, and its part removed when that is durable. The same bytes go to the same
 *     place however often, and nothing is ever cut off. Whoever reads meanwhile sees rows in order, the last one perhaps not whole: no file system
 *     shows a write in one step.
 * T3. A part that is gone has been committed: the bytes at its place are compared with its checksum. Where they differ somebody else has changed
 *     the file, and nothing is written over that.
 * T4. Every snapshot lists a transaction, an empty one if need be: the last one listed says where the file ends.
 * T6. A generation that goes on from a savepoint goes on in the same file: behind the last transaction that the savepoint lists. What the generation before has
 *     written behind that is computed anew, and goes first.
 * T5. `close` waits for the call under way, and takes away only what no `prepare` has answered.
 */
import { access, constants, realpath, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { invariant, StreamError } from "../errors.ts";
import type { RefusedRow, SinkIdentity, SinkRow, SinkSpec, SinkWriter } from "../log/sink.ts";
import { jsonOf } from "./json-form.ts";
import { becomeFile, copyInto, cutOff, holds, openPart, type PartFile, partsOf, removePart } from "./part-file.ts";

/** Options of {@link file}. */
export interface FileOptions {
  /**
   * `jsonl`: one JSON document per line, as `JSON.stringify` makes it (a date as a string, NaN as null). A value that JSON has no form for (a bigint,
   * undefined) becomes a dead letter.
   * @default "jsonl"
   */
  readonly format?: "jsonl" | undefined;
}

/**
 * Writes results into a file, each exactly once whatever crashes: the lines of a snapshot appear, in order, when it has been taken. Whoever reads just
 * then may find the last line not whole yet.
 *
 * A new generation of the job replaces the file, unless it goes on from a savepoint: then it goes on in it. One instance writes for the whole stage; in a fleet the path must lead every worker to the same
 * file. Two sinks never write into one path: unite their streams.
 *
 * @example
 * averages.to(file("averages.jsonl"));
 *
 * @throws OPTION_INVALID for another format; PATH_UNUSABLE, before anything starts, when the path cannot be written
 */
export function file(path: string, options: FileOptions = {}): SinkSpec {
  const { format = "jsonl" } = options;
  if (format !== "jsonl")
    throw new StreamError("OPTION_INVALID", `format is ${JSON.stringify(format)}; it takes "jsonl"`);
  return {
    description: `file(${path})`,
    name: "file",
    guarantee: "twoPhase",
    placement: "global",
    encode: lineOf,
    validate: () => validate(path),
    open: async (identity) => {
      const real = await realPath(path);
      claim(real, identity);
      return new FileWriter(real, identity);
    },
  };
}

/** Who writes which path in this process. */
const owners = new Map<string, string>();

function ownerOf({ job, sink }: SinkIdentity): string {
  return `sink ${sink} of job ${job}`;
}

function claim(path: string, identity: SinkIdentity): void {
  const owner = owners.get(path);
  if (owner !== undefined && owner !== ownerOf(identity)) {
    throw new StreamError(
      "PATH_UNUSABLE",
      `${path} is written by ${owner} already; unite the streams, or write into another file`,
    );
  }
  owners.set(path, ownerOf(identity));
}

function release(path: string, identity: SinkIdentity): void {
  if (owners.get(path) === ownerOf(identity)) owners.delete(path);
}

/** Room for what the names of part files add to the path's. */
const nameLengthMax = 140;

async function validate(path: string): Promise<void> {
  const real = await realPath(path);
  if (basename(real).length > nameLengthMax) {
    throw new StreamError(
      "PATH_UNUSABLE",
      `${path} cannot be written: its name has more than ${nameLengthMax} characters`,
    );
  }
  try {
    await access(dirname(real), constants.W_OK | constants.X_OK);
    const found = await stat(real).catch((error: unknown) => {
      if (isNotThere(error)) return undefined;
      throw error;
    });
    if (found !== undefined) await access(real, constants.W_OK);
    if (found === undefined || found.isFile()) return;
  } catch (error) {
    throw StreamError.from(error, "PATH_UNUSABLE", `${path} cannot be written`);
  }
  throw new StreamError("PATH_UNUSABLE", `${path} cannot be written: it is no regular file`);
}

/** The path without links, so that a link to the file stays one. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}

function isNotThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** What `prepare` answers: all that `commit` needs, in any incarnation. */
interface Transaction {
  /** Name of its part file, beside the path; null when there are no bytes. */
  readonly part: string | null;
  /** Whether it is the first of its generation (T1). */
  readonly isFirst: boolean;
  /** Where its bytes begin in the file. */
  readonly offset: number;
  readonly length: number;
  /** CRC-32 of its bytes (T3). */
  readonly check: number;
}

class FileWriter implements SinkWriter {
  readonly #path: string;
  readonly #identity: SinkIdentity;
  /** Where the next transaction begins in the file; undefined before the first one of the generation. */
  #end: number | undefined;
  /** The open transaction. */
  #part: PartFile | undefined;
  #partsOpened = 0;
  #call: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(path: string, identity: SinkIdentity) {
    this.#path = path;
    this.#identity = identity;
  }

  write(rows: readonly SinkRow[]): Promise<readonly RefusedRow[]> {
    return this.#during(async () => {
      const lines = rows.map(({ value }) => value as string).join("");
      if (lines !== "") await (await this.#openPart()).append(Buffer.from(lines));
      return [];
    });
  }

  prepare(): Promise<Uint8Array> {
    return this.#during(async () => {
      const isFirst = this.#end === undefined;
      const offset = this.#end ?? 0;
      const part = isFirst ? await this.#openPart() : this.#part;
      if (part === undefined) return encode({ part: null, isFirst, offset, length: 0, check: 0 });
      await part.seal();
      this.#part = undefined;
      this.#end = offset + part.length;
      return encode({ part: part.name, isFirst, offset, length: part.length, check: part.check });
    });
  }

  commit(prepared: Uint8Array): Promise<void> {
    return this.#during(() => this.#commit(decode(prepared)));
  }

  recover(listed: readonly Uint8Array[]): Promise<void> {
    return this.#during(async () => {
      const transactions = listed.map(decode);
      for (const transaction of transactions) await this.#commit(transaction);
      const last = transactions.at(-1);
      if (last !== undefined) this.#end = last.offset + last.length;
      if (this.#identity.continues !== undefined) await this.#goBack(this.#identity.continues);
      for (const { name, epoch } of await partsOf(this.#path, this.#identity)) {
        if (epoch <= this.#identity.epoch) await removePart(this.#path, name);
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#call;
    release(this.#path, this.#identity);
    const part = this.#part;
    this.#part = undefined;
    // Rows that no snapshot lists: the next incarnation writes them again (K3).
    await part?.remove();
  }

  /** T6. */
  async #goBack(generation: number): Promise<void> {
    if (this.#end !== undefined) await cutOff(this.#path, this.#end);
    for (const { name } of await partsOf(this.#path, { ...this.#identity, generation }))
      await removePart(this.#path, name);
  }

  async #commit({ part, isFirst, offset, length, check }: Transaction): Promise<void> {
    if (part === null) return;
    const isDone = await (isFirst ? becomeFile(this.#path, part) : copyInto(this.#path, part, offset, length));
    if (isDone || (await holds(this.#path, offset, length, check))) return;
    throw new StreamError(
      "DATA_LOST",
      `${this.#path}: bytes ${offset} to ${offset + length} are not the rows written there; others have changed the file`,
    );
  }

  async #openPart(): Promise<PartFile> {
    if (this.#part === undefined) {
      this.#partsOpened += 1;
      this.#part = await openPart(this.#path, this.#identity, this.#partsOpened);
    }
    return this.#part;
  }

  /** Runs one call; whatever stands in its way (a full disk, a file system that is away) may pass, and the same is done again. */
  async #during<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StreamError("SINK_UNAVAILABLE", `${this.#path} has been closed`);
    const call = task();
    this.#call = call.catch(() => undefined);
    try {
      return await call;
    } catch (error) {
      throw StreamError.from(error, "SINK_UNAVAILABLE", this.#path);
    }
  }
}

/** The rows of this sink are their lines. */
function lineOf(value: unknown): string {
  return `${jsonOf(value)}\n`;
}

function encode(transaction: Transaction): Uint8Array {
  return Buffer.from(JSON.stringify(transaction));
}

function decode(prepared: Uint8Array): Transaction {
  const transaction = JSON.parse(Buffer.from(prepared).toString()) as Transaction;
  invariant(Number.isSafeInteger(transaction.offset), "a transaction of a file has an offset");
  return transaction;
}
