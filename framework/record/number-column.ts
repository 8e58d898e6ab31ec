/**
 * Columns of numbers, and timestamps: integers as distances to the least of them or to the one before, whichever is smaller; numbers with few decimal
 * places as the integers that they are multiples of; everything else as packed doubles.
 *
 * N1. Every number comes back as it was: -0, NaN and the infinities too. Distances are used only where doubles hold every one exactly.
 */
import type { ByteWriter } from "./byte-writer.ts";
import { lengthBytesFor, writeVarint } from "./byte-writer.ts";
import { columnField } from "./column.ts";
import type { Column } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import { Decimals } from "./decimals.ts";
import { readOffsets, widthMax, widthOf, writeOffsets } from "./offsets.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** Fields of the message `NumberColumn`. */
const field = { deltas: 1, doubles: 2, offsets: 3 } as const;

/** Integers up to here have deltas that, with their sign, fit 53 bits (N1). */
const deltaValueMax = 2 ** 51;
const deltaBytesMax = 8;
const capacityFirst = 16;

/** Numbers being collected. */
export class NumberColumn implements Column {
  #values = new Float64Array(capacityFirst);
  readonly #decimals = new Decimals();
  /** Bytes per value, about: as in the section before. */
  #bytesEach = 8;
  #least = 0;
  #greatest = 0;

  reset(): void {
    // The memory is kept, and what is in it is not looked at again.
  }

  put(index: number, value: unknown): number {
    if (typeof value !== "number") return -1;
    this.set(index, value);
    return this.#bytesEach;
  }

  /** As {@link put}, for a value known to be a number. */
  set(index: number, value: number): void {
    if (index >= this.#values.length) this.#grow();
    this.#values[index] = value;
  }

  get(index: number): number {
    return this.#values[index]!;
  }

  write(out: ByteWriter, count: number): void {
    this.writeField(out, columnField.numbers, count);
  }

  /** Appends the first `count` values as a message `NumberColumn` in the field `number`. */
  writeField(out: ByteWriter, number: number, count: number): void {
    const lengthBytes = lengthBytesFor(count * 8 + 4);
    const start = out.begin(number, lengthBytes);
    if (this.#areIntegers(count)) this.#writeIntegers(out, count);
    else if (!this.#writeDecimals(out, count)) this.#writeDoubles(out, count);
    out.end(start, lengthBytes);
    this.#bytesEach = Math.ceil((out.at - start) / Math.max(1, count));
  }

  /** Whether all are integers that may be written as distances (N1); then {@link #least} and {@link #greatest} are of them. */
  #areIntegers(count: number): boolean {
    const values = this.#values;
    let least = values[0]!;
    let greatest = least;
    for (let index = 0; index < count; index++) {
      const value = values[index]!;
      if (Math.trunc(value) !== value) return false;
      if (value === 0 && 1 / value < 0) return false;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
    this.#least = least;
    this.#greatest = greatest;
    return greatest <= deltaValueMax && least >= -deltaValueMax;
  }

  #writeIntegers(out: ByteWriter, count: number): void {
    const values = this.#values;
    const least = this.#least;
    const width = widthOf(this.#greatest - least);
    const isNarrow = width === 1 || (width <= widthMax && width * count <= costOfDeltas(values, count));
    if (isNarrow) writeOffsets(out, field.offsets, { values, count, least, width, places: 0 });
    else this.#writeDeltas(out, count);
  }

  /** False, with nothing written, when the numbers have too many decimal places, or are too far apart. */
  #writeDecimals(out: ByteWriter, count: number): boolean {
    const decimals = this.#decimals;
    const values = decimals.scale(this.#values, count);
    if (values === undefined) return false;
    const least = leastOf(values, count);
    const width = widthOf(greatestOf(values, count) - least);
    if (width <= widthMax) writeOffsets(out, field.offsets, { values, count, least, width, places: decimals.places });
    else decimals.forget();
    return width <= widthMax;
  }

  #writeDeltas(out: ByteWriter, count: number): void {
    const lengthBytes = lengthBytesFor(count * deltaBytesMax);
    const start = out.begin(field.deltas, lengthBytes);
    out.reserve(count * deltaBytesMax);
    const values = this.#values;
    const { bytes } = out;
    let { at } = out;
    let last = 0;
    for (let index = 0; index < count; index++) {
      const value = values[index]!;
      const delta = value - last;
      last = value;
      if ((delta | 0) !== delta) {
        at = writeVarint(bytes, at, delta < 0 ? -2 * delta - 1 : 2 * delta);
        continue;
      }
      let zigzag = ((delta << 1) ^ (delta >> 31)) >>> 0;
      while (zigzag > 127) {
        bytes[at++] = (zigzag & 127) | 128;
        zigzag >>>= 7;
      }
      bytes[at++] = zigzag;
    }
    out.at = at;
    out.end(start, lengthBytes);
  }

  #writeDoubles(out: ByteWriter, count: number): void {
    const lengthBytes = lengthBytesFor(count * 8);
    const start = out.begin(field.doubles, lengthBytes);
    out.reserve(count * 8);
    const values = this.#values;
    const { view } = out;
    let { at } = out;
    for (let index = 0; index < count; index++, at += 8) view.setFloat64(at, values[index]!, true);
    out.at = at;
    out.end(start, lengthBytes);
  }

  #grow(): void {
    const grown = new Float64Array(this.#values.length * 2);
    grown.set(this.#values);
    this.#values = grown;
  }
}

function leastOf(values: Float64Array, count: number): number {
  let least = values[0]!;
  for (let index = 1; index < count; index++) if (values[index]! < least) least = values[index]!;
  return least;
}

function greatestOf(values: Float64Array, count: number): number {
  let greatest = values[0]!;
  for (let index = 1; index < count; index++) if (values[index]! > greatest) greatest = values[index]!;
  return greatest;
}

/**
 * Bytes that integers would take as deltas, about, and a surcharge for those of several bytes: their length is a branch that nobody foresees, which costs a reader
 * more than another byte does (at most 4 bytes each are counted).
 */
function costOfDeltas(values: Float64Array, count: number): number {
  let cost = 0;
  let last = 0;
  for (let index = 0; index < count; index++) {
    const delta = values[index]! - last;
    last = values[index]!;
    const magnitude = delta < 0 ? -delta : delta;
    cost += magnitude < 64 ? 1 : magnitude < 8192 ? 2.5 : magnitude < 1_048_576 ? 4 : 5;
  }
  return cost;
}

/**
 * Reads a message `NumberColumn` of `count` numbers, up to the reader's end, into `from` and on of what `room` answers, and answers that.
 *
 * `room` is asked once it is certain that the bytes can hold `count` numbers.
 *
 * @throws CORRUPT when there are not exactly that many
 */
export function readNumbers(
  reader: WireReader,
  count: number,
  room: (count: number) => Float64Array,
  from: number,
): Float64Array {
  let into: Float64Array | undefined;
  while (reader.hasMore) {
    const tag = reader.tag();
    const kind = tag >>> 3;
    if (kind < field.deltas || kind > field.offsets) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "numbers");
    const outer = reader.enter("numbers");
    into = readKind(reader, kind, { count, room, from });
    if (reader.hasMore) throw corrupt(`${count} numbers expected, ${reader.end - reader.at} bytes are left`);
    reader.leave(outer);
  }
  if (into === undefined) throw corrupt(`${count} numbers expected, none found`);
  return into;
}

/** Where numbers go. */
interface Destination {
  readonly count: number;
  readonly room: (count: number) => Float64Array;
  readonly from: number;
}

function readKind(reader: WireReader, kind: number, { count, room, from }: Destination): Float64Array {
  if (kind === field.offsets) return readOffsets(reader, count, room, from);
  const size = reader.end - reader.at;
  if (kind === field.deltas ? count > size : count * 8 !== size)
    throw corrupt(`${count} numbers expected, ${size} bytes found`);
  const into = room(count);
  if (kind === field.deltas) readDeltas(reader, count, into, from);
  else readDoubles(reader, count, into, from);
  return into;
}

function readDeltas(reader: WireReader, count: number, into: Float64Array, from: number): void {
  const { bytes, end } = reader;
  let { at } = reader;
  let value = 0;
  for (let index = from; index < from + count; index++) {
    const byte = at < end ? bytes[at]! : 128;
    const next = at + 1 < end ? bytes[at + 1]! : 128;
    if (byte < 128) {
      at++;
      value += (byte >>> 1) ^ -(byte & 1);
    } else if (next < 128) {
      at += 2;
      const zigzag = (byte & 127) | (next << 7);
      value += (zigzag >>> 1) ^ -(zigzag & 1);
    } else {
      reader.at = at;
      const zigzag = reader.varint();
      ({ at } = reader);
      value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
    into[index] = value;
  }
  reader.at = at;
}

function readDoubles(reader: WireReader, count: number, into: Float64Array, from: number): void {
  const { view } = reader;
  let { at } = reader;
  for (let index = from; index < from + count; index++, at += 8) into[index] = view.getFloat64(at, true);
  reader.at = at;
}
