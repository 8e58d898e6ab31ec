/**
 * Reads the rows of one file, a chunk at a time.
 *
 * Owns the bytes that have been fetched and not taken: at most a row and two chunks. What it answers is a function of the file and the position it
 * starts from; where chunks end changes nothing (S1).
 *
 * B1. A row of more than 256 KiB is an invalid entry behind its line; it is passed over without being held.
 * B2. An empty line is no row.
 */
import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { messageOf, StreamError } from "../errors.ts";
import type { SplitEntry, SplitOpening, SplitReader, SplitTake } from "../log/source.ts";
import { contentEnd, lineEnd, type RowFormat } from "./file-format.ts";
import { Pace } from "./pace.ts";

const chunkBytes = 128 * 1_024;
const rowBytesMax = 256 * 1_024;
const rawCharsMax = 1_000;

/** What a reader is made with; it closes `handle`. */
export interface RowReading {
  readonly handle: FileHandle;
  /** Where the split ends. */
  readonly size: number;
  readonly rows: RowFormat<unknown>;
  /** Rows per second. */
  readonly rate: number | undefined;
  readonly opening: SplitOpening;
}

/** A cursor over the rows of a file. */
export class RowReader implements SplitReader {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #rows: RowFormat<unknown>;
  readonly #opening: SplitOpening;
  readonly #pace: Pace;
  /** Fetched and not taken, from `#at` on. */
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Offset in the file of the end of `#bytes`. */
  #fetchedTo: number;
  #ahead: Buffer | undefined;
  #isFetching = false;
  #isStarved = false;
  /** The entry for an overlong row whose end has not been found. */
  #overlong: { readonly invalid: string; readonly raw: string } | undefined;
  #isClosed = false;

  constructor({ handle, size, rows, rate, opening }: RowReading) {
    this.#handle = handle;
    this.#size = size;
    this.#rows = rows;
    this.#opening = opening;
    this.#pace = new Pace(rate, opening);
    this.#fetchedTo = opening.after ?? rows.startsAt;
    this.#fetch();
  }

  take(): SplitTake {
    if (this.#isClosed || !this.#pace.isDue()) return "waiting";
    for (;;) {
      const entry = this.#overlong === undefined ? this.#nextRow() : this.#passOver(this.#overlong);
      if (entry === "blank") continue;
      if (entry !== undefined) {
        this.#pace.took();
        return entry;
      }
      if (this.#isAtEnd && this.#at === this.#bytes.length && this.#overlong === undefined) return "ended";
      if (!this.#refill()) {
        this.#isStarved = true;
        return "waiting";
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#pace.close();
    // Waits for a fetch under way; nobody is left to be told how it went.
    this.#handle.close().catch(() => undefined);
  }

  /** Whether `#bytes` reaches to the end of the split. */
  get #isAtEnd(): boolean {
    return this.#fetchedTo >= this.#size;
  }

  #positionOf(index: number): number {
    return this.#fetchedTo - this.#bytes.length + index;
  }

  /** The row at `#at`, or undefined when more bytes are needed to know it. */
  #nextRow(): SplitEntry | "blank" | undefined {
    const from = this.#at;
    const to = Math.min(this.#bytes.length, from + rowBytesMax);
    if (from === to) return undefined;
    const isCut = to - from === rowBytesMax;
    const end = this.#rows.endOf(this.#bytes, from, to, isCut || this.#isAtEnd);
    if (end < 0) return undefined;
    if (isCut && end === to && this.#bytes[end - 1] !== 0x0a && this.#positionOf(end) < this.#size) {
      this.#overlong = { invalid: `more than ${rowBytesMax} bytes`, raw: this.#text(from, from + rawCharsMax) };
      return "blank";
    }
    this.#at = end;
    const contentTo = contentEnd(this.#bytes, from, end);
    return contentTo === from ? "blank" : this.#entry(from, contentTo, this.#positionOf(end));
  }

  #entry(from: number, to: number, position: number): SplitEntry {
    const row = this.#text(from, to);
    try {
      // The replacement character may be in the file itself, or stand for bytes that are no UTF-8.
      if (row.includes("\ufffd") && !isUtf8(this.#bytes.subarray(from, to))) throw new SyntaxError("it is no UTF-8");
      return { position, value: this.#rows.parse(row) };
    } catch (error) {
      return { position, invalid: messageOf(error), raw: row.slice(0, rawCharsMax) };
    }
  }

  /** B1. */
  #passOver(overlong: { readonly invalid: string; readonly raw: string }): SplitEntry | undefined {
    const end = lineEnd(this.#bytes, this.#at, this.#bytes.length, this.#isAtEnd);
    this.#at = end < 0 ? this.#bytes.length : end;
    if (end < 0) return undefined;
    this.#overlong = undefined;
    return { position: this.#positionOf(end), ...overlong };
  }

  #text(from: number, to: number): string {
    return this.#bytes.toString("utf8", from, to);
  }

  /** Takes over the chunk that has been fetched; answers whether there was one. */
  #refill(): boolean {
    const chunk = this.#ahead;
    this.#ahead = undefined;
    if (chunk !== undefined) {
      this.#bytes = this.#at === this.#bytes.length ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
      this.#at = 0;
      this.#fetchedTo += chunk.length;
    }
    this.#fetch();
    return chunk !== undefined;
  }

  #fetch(): void {
    if (this.#isFetching || this.#ahead !== undefined || this.#isAtEnd) return;
    this.#isFetching = true;
    readAt(this.#handle, this.#fetchedTo, Math.min(chunkBytes, this.#size - this.#fetchedTo)).then(
      (chunk) => this.#onFetched(chunk),
      (error: unknown) => this.#onFetchFailed(error),
    );
  }

  #onFetched(chunk: Buffer): void {
    this.#isFetching = false;
    this.#ahead = chunk;
    if (this.#isClosed || !this.#isStarved) return;
    this.#isStarved = false;
    this.#opening.onReadable();
  }

  /** `#isFetching` stays: a reader that has failed fetches nothing more. */
  #onFetchFailed(error: unknown): void {
    if (!this.#isClosed) this.#opening.onFailed(StreamError.from(error, "PATH_UNUSABLE", this.#opening.split.name));
  }
}

/** Exactly `length` bytes of a file from `offset` on. @throws SOURCE_CHANGED when it ends before */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0)
      throw new StreamError(
        "SOURCE_CHANGED",
        `the file ends at ${offset + filled}, not at ${offset + length} or later`,
      );
    filled += bytesRead;
  }
  return bytes;
}
