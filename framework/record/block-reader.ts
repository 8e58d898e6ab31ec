/**
 * Reads the blocks of one section back into records.
 *
 * BR1. Exactly as many records as the section says, or CORRUPT.
 * BR2. A block's count is believed only when its bytes can hold that many records.
 */
import { blockField, rowsField } from "./block.ts";
import { readBooleans } from "./boolean-column.ts";
import type { ValueCodec } from "./codec.ts";
import { columnField } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import { readNumbers } from "./number-column.ts";
import { NumberRooms } from "./number-rooms.ts";
import { readShape } from "./shape.ts";
import type { ColumnValues, Shape } from "./shape.ts";
import { readStrings } from "./string-column.ts";
import { readCoded, readValues } from "./value-column.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** The records of a section, decoded. */
export interface Records {
  readonly count: number;
  readonly values: unknown[];
  /** One per record, NaN where it has none; undefined when no record has one. */
  readonly timestamps: Float64Array | undefined;
}

/** Until its records are made, a block's numbers are here. */
const rooms = new NumberRooms();

/** Takes the blocks of a section in order. */
export class BlockReader {
  readonly #count: number;
  readonly #codec: ValueCodec | undefined;
  readonly #values: unknown[];
  #timestamps: Float64Array | undefined;
  #done = 0;

  /** @param count the section's records: the caller has seen that its bytes can hold them */
  constructor(count: number, codec: ValueCodec | undefined) {
    this.#count = count;
    this.#codec = codec;
    // oxlint-disable-next-line unicorn/no-new-array -- the elements follow; Array.from costs several times as much
    this.#values = new Array<unknown>(count);
  }

  /** Reads a message `Block`, up to the reader's end. @throws CORRUPT */
  read(reader: WireReader): void {
    let count = 0;
    while (reader.hasMore) {
      const tag = reader.tag();
      const number = tag >>> 3;
      if (number === blockField.count) {
        reader.expect(tag, wireType.varint, "count");
        count = this.#checkCount(reader.varint(), reader);
      } else if (number >= blockField.timestamps && number <= blockField.coded) {
        reader.expect(tag, wireType.bytes, "records");
        const outer = reader.enter("records");
        this.#readField(reader, number, count);
        reader.leave(outer);
      } else reader.skip(tag);
    }
    this.#done += count;
  }

  /** The records, when all blocks have been read. @throws CORRUPT when they are too few (BR1) */
  finish(): Records {
    if (this.#done !== this.#count) throw corrupt(`a section of ${this.#count} records expected, ${this.#done} found`);
    return { count: this.#count, values: this.#values, timestamps: this.#timestamps };
  }

  #checkCount(count: number, reader: WireReader): number {
    if (count > reader.end - reader.at) throw corrupt(`${count} records expected in ${reader.end - reader.at} bytes`);
    if (this.#done + count > this.#count) {
      throw corrupt(`a section of ${this.#count} records expected, ${this.#done + count} found`);
    }
    return count;
  }

  #readField(reader: WireReader, number: number, count: number): void {
    if (number === blockField.timestamps) this.#readTimestamps(reader, count);
    else if (number === blockField.rows) this.#readRows(reader, count);
    else if (number === blockField.values) this.#take(readColumn(reader, count, 0), count);
    else this.#take(readCoded(reader, count, this.#codecFor()), count);
  }

  #readTimestamps(reader: WireReader, count: number): void {
    this.#timestamps ??= new Float64Array(this.#count).fill(Number.NaN);
    const timestamps = this.#timestamps;
    readNumbers(reader, count, () => timestamps, this.#done);
  }

  #readRows(reader: WireReader, count: number): void {
    let shape: Shape | undefined;
    const columns: ColumnValues[] = [];
    while (reader.hasMore) {
      const tag = reader.tag();
      const number = tag >>> 3;
      if (number !== rowsField.shape && number !== rowsField.columns) {
        reader.skip(tag);
        continue;
      }
      reader.expect(tag, wireType.bytes, "rows");
      const outer = reader.enter("rows");
      if (number === rowsField.shape) shape = readShape(reader);
      else columns.push(readColumn(reader, count, columns.length));
      reader.leave(outer);
    }
    if (shape === undefined || shape.names.length !== columns.length) {
      throw corrupt(`${shape?.names.length ?? "some"} columns expected, ${columns.length} found`);
    }
    shape.makeRows(columns, count, this.#values, this.#done);
  }

  #take(column: ColumnValues, count: number): void {
    for (let index = 0; index < count; index++) this.#values[this.#done + index] = column[index];
  }

  #codecFor(): ValueCodec {
    if (this.#codec === undefined) throw corrupt("records of the default codec expected, of an edge's own codec found");
    return this.#codec;
  }
}

/** Reads a message `Column` of `count` values; numbers stay in the room `place` until the next block. */
function readColumn(reader: WireReader, count: number, place: number): ColumnValues {
  let column: ColumnValues | undefined;
  while (reader.hasMore) {
    const tag = reader.tag();
    const number = tag >>> 3;
    if (number < columnField.numbers || number > columnField.values) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "column");
    const outer = reader.enter("column");
    column = readKind(reader, number, count, place);
    reader.leave(outer);
  }
  if (column === undefined) throw corrupt(`a column of ${count} values expected, none of a known kind found`);
  return column;
}

function readKind(reader: WireReader, number: number, count: number, place: number): ColumnValues {
  if (number === columnField.strings) return readStrings(reader, count);
  if (number === columnField.booleans) return readBooleans(reader, count);
  if (number === columnField.values) return readValues(reader, count);
  const numbers = readNumbers(reader, count, (size) => rooms.doubles(place, size), 0);
  return rooms.integers(place, numbers, count) ?? numbers;
}
