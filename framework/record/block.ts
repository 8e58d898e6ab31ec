/**
 * Blocks: runs of records of a section that travel the same way.
 *
 * BL1. A record that `put` refuses, with -1 or a throw, leaves the block as it was: the count is raised by the caller, last.
 */
import { BooleanColumn } from "./boolean-column.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { lengthBytesFor } from "./byte-writer.ts";
import type { Column } from "./column.ts";
import { NumberColumn } from "./number-column.ts";
import { isRow } from "./shape.ts";
import type { Row, Shape } from "./shape.ts";
import { StringColumn } from "./string-column.ts";
import { ValueColumn } from "./value-column.ts";
import type { CodedColumn } from "./value-column.ts";

/** Fields of the message `Block`. */
export const blockField = { count: 1, timestamps: 2, values: 3, rows: 4, coded: 5 } as const;
/** Fields of the message `Rows`. */
export const rowsField = { shape: 1, columns: 2 } as const;

const blockBytes = 12;
const columnBytes = 6;

/** What all blocks have: where they begin, how many records they hold, and the timestamps. */
export abstract class Block {
  /** Number of the block's first record in its section. */
  first: number;
  /** Records in the block. */
  count = 0;
  /** Whether the block takes anything. */
  isGeneral = false;
  /** Bytes beside the records', about. */
  abstract readonly overhead: number;
  readonly #timestamps = new NumberColumn();
  #hasTimestamps = false;

  constructor(first: number) {
    this.first = first;
  }

  /** Writes the block's next record, without counting it yet; answers its bytes, about, or -1 when the block is for others (BL1). */
  abstract put(value: unknown): number;

  /** Counts the record that has been put. */
  accept(timestamp: number | undefined): void {
    this.#timestamps.set(this.count++, timestamp ?? Number.NaN);
    if (timestamp !== undefined) this.#hasTimestamps = true;
  }

  /** Begins again, empty, for a section whose record number `first` is `value`; false when the block is for others. */
  restart(first: number, value: unknown): boolean {
    if (!this.prepare(value)) return false;
    this.first = first;
    this.count = 0;
    this.#hasTimestamps = false;
    return true;
  }

  /** Appends the block as field `number`. */
  write(out: ByteWriter, number: number, bytes: number): void {
    const lengthBytes = lengthBytesFor(bytes);
    const start = out.begin(number, lengthBytes);
    out.integerField(blockField.count, this.count);
    if (this.#hasTimestamps) this.#timestamps.writeField(out, blockField.timestamps, this.count);
    this.writeRecords(out, bytes);
    out.end(start, lengthBytes);
  }

  protected abstract prepare(value: unknown): boolean;
  protected abstract writeRecords(out: ByteWriter, bytes: number): void;
}

/** Records of one shape, a column per property. */
export class RowsBlock extends Block {
  readonly overhead: number;
  readonly #shape: Shape;
  readonly #columns: Column[];

  constructor(first: number, shape: Shape, row: Row) {
    super(first);
    this.#shape = shape;
    this.#columns = shape.names.map((name) => columnFor(row[name]));
    this.overhead = blockBytes + shape.encoded.length + columnBytes * shape.names.length;
  }

  override put(value: unknown): number {
    return isRow(value) ? this.#shape.put(value, this.count, this.#columns) : -1;
  }

  protected override prepare(value: unknown): boolean {
    if (!isRow(value) || !this.#shape.matches(value)) return false;
    const { names } = this.#shape;
    for (let at = 0; at < names.length; at++) this.#columns[at] = columnFor(value[names[at]!], this.#columns[at]);
    return true;
  }

  protected override writeRecords(out: ByteWriter, bytes: number): void {
    const lengthBytes = lengthBytesFor(bytes);
    const start = out.begin(blockField.rows, lengthBytes);
    out.bytesField(rowsField.shape, this.#shape.encoded);
    for (const column of this.#columns) writeColumn(out, rowsField.columns, column, this.count, bytes);
    out.end(start, lengthBytes);
  }
}

/** Records that are one value each: all numbers, all strings, all booleans, or anything. */
export class ValuesBlock extends Block {
  readonly overhead = blockBytes + columnBytes;
  #column: Column;

  constructor(first: number, column: Column) {
    super(first);
    this.#column = column;
    this.isGeneral = column instanceof ValueColumn;
  }

  override put(value: unknown): number {
    return this.#column.put(this.count, value);
  }

  protected override prepare(value: unknown): boolean {
    if (isRow(value)) return false;
    this.#column = columnFor(value, this.#column);
    this.isGeneral = this.#column instanceof ValueColumn;
    return true;
  }

  protected override writeRecords(out: ByteWriter, bytes: number): void {
    writeColumn(out, blockField.values, this.#column, this.count, bytes);
  }
}

/** Records in an edge's own codec. */
export class CodedBlock extends Block {
  readonly overhead = blockBytes;
  readonly #column: CodedColumn;

  constructor(first: number, column: CodedColumn) {
    super(first);
    this.#column = column;
  }

  override put(value: unknown): number {
    return this.#column.put(this.count, value);
  }

  protected override prepare(): boolean {
    this.#column.reset();
    return true;
  }

  protected override writeRecords(out: ByteWriter, bytes: number): void {
    writeColumn(out, blockField.coded, this.#column, this.count, bytes);
  }
}

/** An empty column for values like `value`: `reuse` itself when it is of that kind. */
export function columnFor(value: unknown, reuse?: Column): Column {
  const kind = columnKindFor(value);
  if (!(reuse instanceof kind)) return new kind();
  reuse.reset();
  return reuse;
}

function columnKindFor(value: unknown): new () => Column {
  switch (typeof value) {
    case "number":
      return NumberColumn;
    case "string":
      return value.isWellFormed() ? StringColumn : ValueColumn;
    case "boolean":
      return BooleanColumn;
    default:
      return ValueColumn;
  }
}

function writeColumn(out: ByteWriter, number: number, column: Column, count: number, bytes: number): void {
  const lengthBytes = lengthBytesFor(bytes);
  const start = out.begin(number, lengthBytes);
  column.write(out, count);
  out.end(start, lengthBytes);
}
