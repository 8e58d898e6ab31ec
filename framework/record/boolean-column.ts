/**
 * Columns of booleans: one byte each.
 */
import { ByteWriter } from "./byte-writer.ts";
import { columnField } from "./column.ts";
import type { Column } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import type { WireReader } from "./wire-reader.ts";

/** Booleans being collected. */
export class BooleanColumn implements Column {
  readonly #values = new ByteWriter();

  reset(): void {
    this.#values.clear();
  }

  put(index: number, value: unknown): number {
    if (typeof value !== "boolean") return -1;
    this.#values.at = index;
    this.#values.byte(value ? 1 : 0);
    return 1;
  }

  get(index: number): boolean {
    return this.#values.bytes[index] === 1;
  }

  write(out: ByteWriter, count: number): void {
    out.bytesField(columnField.booleans, this.#values.bytes.subarray(0, count));
  }
}

/** Reads `count` booleans, up to the reader's end. @throws CORRUPT when there are not exactly that many */
export function readBooleans(reader: WireReader, count: number): boolean[] {
  if (reader.end - reader.at !== count) throw corrupt(`${count} booleans expected, ${reader.end - reader.at} found`);
  const values: boolean[] = [];
  for (; reader.at < reader.end; reader.at++) values.push(reader.bytes[reader.at] !== 0);
  return values;
}
