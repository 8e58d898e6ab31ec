/**
 * Integers, or numbers with few decimal places, as their distances to the least one, in the fewest whole bytes that hold them all.
 *
 * Reading and writing one takes no branch that depends on its value, so that numbers without order cost no more than sorted ones.
 *
 * OF1. A distance takes at least one byte: as many numbers as announced are never believed without as many bytes.
 */
import type { ByteWriter } from "./byte-writer.ts";
import { lengthBytesFor } from "./byte-writer.ts";
import { corrupt } from "./corrupt.ts";
import { placesMax, powerOf } from "./decimals.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** Fields of the message `Offsets`. */
const field = { base: 1, width: 2, places: 3, values: 4 } as const;

/** The most bytes a distance takes. */
export const widthMax = 4;
const headBytes = 24;

/** Bytes that hold distances up to `range`; more than {@link widthMax} when they are too large for offsets. */
export function widthOf(range: number): number {
  if (range < 2 ** 16) return range < 2 ** 8 ? 1 : 2;
  if (range < 2 ** 32) return range < 2 ** 24 ? 3 : 4;
  return widthMax + 1;
}

/** Integers to write: the first `count` of `values`, none less than `least`, all within the range that `width` is for. */
export interface OffsetsToWrite {
  readonly values: Float64Array;
  readonly count: number;
  readonly least: number;
  readonly width: number;
  /** Decimal places of the numbers that the integers stand for. */
  readonly places: number;
}

/** Appends a message `Offsets` as field `number`. */
export function writeOffsets(out: ByteWriter, number: number, offsets: OffsetsToWrite): void {
  const { values, count, least, width, places } = offsets;
  const size = count * width;
  const lengthBytes = lengthBytesFor(size + headBytes);
  const start = out.begin(number, lengthBytes);
  out.integerField(field.base, least < 0 ? -2 * least - 1 : 2 * least);
  out.integerField(field.width, width);
  if (places > 0) out.integerField(field.places, places);
  const valueBytes = lengthBytesFor(size);
  const valuesAt = out.begin(field.values, valueBytes);
  out.reserve(size);
  writeValues(out, values, count, least, width);
  out.end(valuesAt, valueBytes);
  out.end(start, lengthBytes);
}

function writeValues(out: ByteWriter, values: Float64Array, count: number, least: number, width: number): void {
  const { bytes, view } = out;
  let { at } = out;
  if (width === 1) for (let index = 0; index < count; index++) bytes[at++] = values[index]! - least;
  else if (width === 2) {
    for (let index = 0; index < count; index++, at += 2) view.setUint16(at, values[index]! - least, true);
  } else if (width === 3) {
    for (let index = 0; index < count; index++, at += 3) {
      const offset = values[index]! - least;
      view.setUint16(at, offset & 0xffff, true);
      bytes[at + 2] = offset >>> 16;
    }
  } else for (let index = 0; index < count; index++, at += 4) view.setUint32(at, values[index]! - least, true);
  out.at = at;
}

/** What a message `Offsets` has beside its values. */
interface Head {
  base: number;
  width: number;
  places: number;
}

/**
 * Reads a message `Offsets` of `count` numbers, up to the reader's end, into what `room` answers, from `from` on, and answers that.
 *
 * @throws CORRUPT when there are not exactly that many; `room` has not been asked then
 */
export function readOffsets(
  reader: WireReader,
  count: number,
  room: (count: number) => Float64Array,
  from: number,
): Float64Array {
  const head: Head = { base: 0, width: 0, places: 0 };
  let at = reader.end;
  let end = reader.end;
  while (reader.hasMore) {
    const tag = reader.tag();
    if (tag >>> 3 !== field.values) readHead(reader, tag, head);
    else {
      reader.expect(tag, wireType.bytes, "offsets");
      end = reader.extent("offsets");
      at = reader.at;
      reader.at = end;
    }
  }
  const { width, places } = head;
  if (width < 1 || width > widthMax) throw corrupt(`offsets of 1 to ${widthMax} bytes expected, of ${width} found`);
  if (places > placesMax) throw corrupt(`at most ${placesMax} decimal places expected, ${places} found`);
  if (end - at !== count * width) throw corrupt(`${count} offsets of ${width} bytes expected, ${end - at} bytes found`);
  const into = room(count);
  readValues(reader, at, head, into, from, from + count);
  if (places > 0) divide(into, from, from + count, powerOf(places));
  return into;
}

function readHead(reader: WireReader, tag: number, head: Head): void {
  const number = tag >>> 3;
  if (number < field.base || number > field.places) return reader.skip(tag);
  reader.expect(tag, wireType.varint, "offsets");
  const value = reader.varint();
  if (number === field.base) head.base = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  else if (number === field.width) head.width = value;
  else head.places = value;
}

function readValues(reader: WireReader, start: number, head: Head, into: Float64Array, from: number, to: number): void {
  const { bytes, view } = reader;
  const { base, width } = head;
  let at = start;
  if (width === 1) for (let index = from; index < to; index++) into[index] = base + bytes[at++]!;
  else if (width === 2)
    for (let index = from; index < to; index++, at += 2) into[index] = base + view.getUint16(at, true);
  else if (width === 3) {
    for (let index = from; index < to; index++, at += 3)
      into[index] = base + (view.getUint16(at, true) | (bytes[at + 2]! << 16));
  } else for (let index = from; index < to; index++, at += 4) into[index] = base + view.getUint32(at, true);
}

function divide(into: Float64Array, from: number, to: number, power: number): void {
  for (let index = from; index < to; index++) into[index] = into[index]! / power;
}
