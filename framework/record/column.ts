/**
 * The contract of columns: many values of one kind, written as they come, one after the other.
 */
import type { ByteWriter } from "./byte-writer.ts";

/**
 * Collects the values of one field of many records, or many records that are one value each.
 *
 * The record count is the caller's: `put(index)` writes value number `index` whatever stood there or behind it, so that a caller takes values back
 * by counting from fewer.
 */
export interface Column {
  /** Forgets everything; the memory is kept for the next section. */
  reset(): void;
  /**
   * Takes value number `index`, at most one more than the last; answers how many bytes it will take, about, or -1 when it is not of this
   * column's kind.
   *
   * @throws Refusal when no column takes the value
   */
  put(index: number, value: unknown): number;
  /** Value number `index`, as it was put. */
  get(index: number): unknown;
  /** Appends the first `count` values as a `Column` message of `frame.proto`. */
  write(out: ByteWriter, count: number): void;
}

/** Fields of the message `Column`. */
export const columnField = { numbers: 1, strings: 2, booleans: 3, values: 4 } as const;
