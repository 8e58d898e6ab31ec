/**
 * Columns of strings: UTF-8 back to back with their lengths, without what they all begin with; or a dictionary with indexes where strings repeat.
 *
 * Strings are kept as they are and encoded together when the column is written: they never change, and one call for all of them costs a fraction of one
 * call for each.
 *
 * S1. Whether there is a dictionary is decided per section, from its strings; where it did not pay, some sections go without looking.
 * S2. UTF-8 cannot hold ill-formed strings: a column with one is written as a column of anything.
 */
import { Buffer } from "node:buffer";
import { ByteWriter, lengthBytesFor } from "./byte-writer.ts";
import { columnField } from "./column.ts";
import type { Column } from "./column.ts";
import { prefixBytesMax, removePrefix, sharedBytes, WholeStrings } from "./common-prefix.ts";
import { corrupt } from "./corrupt.ts";
import { readTexts } from "./text.ts";
import { ValueColumn } from "./value-column.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** Fields of the message `StringColumn`. */
const field = { lengths: 1, utf8: 2, indexes: 3, prefix: 4, length: 5 } as const;

/** A dictionary is given up as soon as it holds this many strings and three for every four records. */
const dictionarySizeFree = 24;
/** A dictionary pays when it saves this many bytes per record: each record has an index instead. */
const savedPerRecordMin = 2;
/** How many sections a column whose dictionary did not pay does without. */
const sectionsWithout = 31;
/** The size of longer strings is counted, not estimated. */
const estimatedLengthMax = 256;
const unitScaleBits = 8;
const unitScale = 1 << unitScaleBits;

/** Strings being collected. */
export class StringColumn implements Column {
  readonly #strings: string[] = [];
  #sectionsLeft = 0;
  /** Bytes that {@link unitScale} UTF-16 code units take, about: as in the section before. 0: not known yet. */
  #unitBytes = 0;

  reset(): void {
    this.#strings.fill("");
    if (this.#sectionsLeft > 0) this.#sectionsLeft--;
  }

  put(index: number, value: unknown): number {
    if (typeof value !== "string") return -1;
    this.#strings[index] = value;
    if (value.length > estimatedLengthMax) return Buffer.byteLength(value) + 1;
    if (this.#unitBytes === 0) this.#measure(Buffer.byteLength(value) + 1, value.length + 1);
    return ((value.length + 1) * this.#unitBytes + unitScale / 2) >> unitScaleBits;
  }

  get(index: number): string {
    return this.#strings[index]!;
  }

  write(out: ByteWriter, count: number): void {
    const strings = this.#strings;
    strings.length = count;
    const { at } = out;
    const shared = this.#sectionsLeft === 0 ? share(strings) : undefined;
    if (shared === undefined && this.#sectionsLeft === 0) this.#sectionsLeft = sectionsWithout;
    if (!writeStrings(out, shared?.strings ?? strings, shared?.indexes, count)) return this.#writeValues(out, count);
    this.#measure(out.at - at, unitsOf(strings) + count);
  }

  #measure(bytes: number, units: number): void {
    this.#unitBytes = Math.max(1, Math.round((bytes / Math.max(1, units)) * unitScale));
  }

  /** S2. */
  #writeValues(out: ByteWriter, count: number): void {
    const values = new ValueColumn();
    for (let index = 0; index < count; index++) values.put(index, this.#strings[index]);
    values.write(out, count);
  }
}

/** The different strings in order of their first place, and which of them each record has; undefined where that does not pay (S1). */
function share(strings: readonly string[]): { readonly strings: string[]; readonly indexes: Int32Array } | undefined {
  if (indexRoom.length < strings.length) indexRoom = new Int32Array(2 * strings.length);
  const stored: string[] = [];
  const indexes = indexRoom;
  const bits = Math.min(slotBitsMax, 33 - Math.clz32(strings.length));
  slots.fill(-1, 0, 1 << bits);
  let saved = 0;
  for (let index = 0; index < strings.length; index++) {
    const value = strings[index]!;
    const place = hashOf(value) >>> (32 - bits);
    const slot = slots[place]!;
    if (slot >= 0 && stored[slot] === value) {
      saved += value.length;
      indexes[index] = slot;
      continue;
    }
    if (stored.length > dictionarySizeFree + index - (index >> 2)) return undefined;
    slots[place] = stored.length;
    indexes[index] = stored.length;
    stored.push(value);
  }
  return saved < savedPerRecordMin * strings.length ? undefined : { strings: stored, indexes };
}

/** Which of the stored strings each record has, until the column is written. */
let indexRoom = new Int32Array(1024);

/** Where a string is looked for among those stored: twice as many places as there are strings, or all. Two that meet are merely stored more often than once. */
const slotBitsMax = 12;
const slots = new Int32Array(1 << slotBitsMax);

/** By a few of its characters: those of a usual string differ at the end, or in the middle. */
function hashOf(value: string): number {
  const last = value.length - 1;
  if (last < 1) return last < 0 ? 0 : Math.imul(value.charCodeAt(0), 0x9e3779b1);
  const ends = Math.imul(value.charCodeAt(last), 31) + value.charCodeAt(last - 1);
  const middle = Math.imul(value.charCodeAt(last >> 1), 127) + value.charCodeAt(last >> 2);
  return Math.imul(Math.imul(ends, 8191) + middle + last, 0x9e3779b1);
}

function unitsOf(strings: readonly string[]): number {
  let units = 0;
  for (let index = 0; index < strings.length; index++) units += strings[index]!.length;
  return units;
}

/** Appends a message `StringColumn`; answers false, with nothing written, when one of the strings is ill-formed. */
function writeStrings(
  out: ByteWriter,
  strings: readonly string[],
  indexes: Int32Array | undefined,
  count: number,
): boolean {
  const text = strings.join("");
  const { at } = out;
  const lengthBytes = lengthBytesFor(text.length + strings.length + 2 * count);
  const start = out.begin(columnField.strings, lengthBytes);
  if (indexes !== undefined) writePacked(out, field.indexes, indexes, count);
  const storedAt = out.at;
  if (!writeTogether(out, strings, text)) {
    // Not ASCII: lengths in bytes are not lengths in code units.
    out.at = storedAt;
    if (!writeOneByOne(out, strings)) {
      out.at = at;
      return false;
    }
  }
  out.end(start, lengthBytes);
  return true;
}

/** Appends ASCII strings as one; false, and nothing of use written, when there is something else among them. */
function writeTogether(out: ByteWriter, strings: readonly string[], text: string): boolean {
  const lengthBytes = lengthBytesFor(text.length);
  const start = out.begin(field.utf8, lengthBytes);
  if (out.text(text) !== text.length) return false;
  const shared = sharedBytes(out, start, strings);
  if (shared > 0) out.at = removePrefix(out, start, strings, shared);
  out.end(start, lengthBytes);
  if (shared > 0) out.bytesField(field.prefix, Buffer.from(strings[0]!.slice(0, shared), "latin1"));
  writeLengths(out, strings, shared);
  return true;
}

/** Appends the lengths of the strings without their first `shared` bytes: one for all, where they are equal and not 0. */
function writeLengths(out: ByteWriter, strings: readonly string[], shared: number): void {
  const length = commonLength(strings) - shared;
  if (length > 0) out.integerField(field.length, length);
  else
    writePacked(
      out,
      field.lengths,
      shared === 0 ? strings : strings.map((value) => value.length - shared),
      strings.length,
    );
}

/** The length that all strings have; 0 when they differ. */
function commonLength(strings: readonly string[]): number {
  const length = strings.length === 0 ? 0 : strings[0]!.length;
  for (let index = 1; index < strings.length; index++) if (strings[index]!.length !== length) return 0;
  return length;
}

function writeOneByOne(out: ByteWriter, strings: readonly string[]): boolean {
  const sizes: number[] = [];
  const utf8 = new ByteWriter();
  for (const value of strings) {
    const size = utf8.text(value);
    if (size < 0) return false;
    sizes.push(size);
  }
  writePacked(out, field.lengths, sizes, sizes.length);
  out.bytesField(field.utf8, utf8.bytes.subarray(0, utf8.at));
  return true;
}

/** Packs the first `count` integers, or lengths of strings. */
function writePacked(out: ByteWriter, number: number, values: ArrayLike<number | string>, count: number): void {
  const lengthBytes = lengthBytesFor(count);
  const start = out.begin(number, lengthBytes);
  out.reserve(count * 5);
  const { bytes } = out;
  let { at } = out;
  for (let index = 0; index < count; index++) {
    const value = values[index]!;
    let rest = typeof value === "number" ? value : value.length;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
  }
  out.at = at;
  out.end(start, lengthBytes);
}

/** Reads a message `StringColumn` of `count` strings, up to the reader's end. @throws CORRUPT when it does not hold exactly that many */
export function readStrings(reader: WireReader, count: number): string[] {
  const { end } = reader;
  const stored: Stored = { lengths: { at: end, end }, utf8: { at: end, end }, prefix: { at: end, end }, length: 0 };
  let indexes: Range | undefined;
  while (reader.at < end) {
    const tag = reader.tag();
    const number = tag >>> 3;
    if (number === field.length) {
      reader.expect(tag, wireType.varint, "strings");
      stored.length = reader.uint32("length");
      continue;
    }
    if (number < field.lengths || number > field.prefix) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "strings");
    const range = { end: reader.extent("strings"), at: reader.at };
    if (number === field.lengths) stored.lengths = range;
    else if (number === field.utf8) stored.utf8 = range;
    else if (number === field.prefix) stored.prefix = range;
    else indexes = range;
    reader.at = range.end;
  }
  const strings = readStored(reader, stored);
  if (indexes !== undefined) return pick(reader, indexes, strings, count, end);
  reader.at = end;
  reader.end = end;
  if (strings.length !== count) throw corrupt(`${count} strings expected, ${strings.length} found`);
  return strings;
}

type Range = { readonly at: number; readonly end: number };

/** Where the parts of a column lie; `length` is 0 when there are lengths. */
interface Stored {
  lengths: Range;
  utf8: Range;
  prefix: Range;
  length: number;
}

/** Where the strings of a column begin and end, until they are read. */
let bounds = new Int32Array(1024);
/** Strings of the column being read, with their prefix. */
const whole = new WholeStrings();

function readStored(reader: WireReader, { lengths, utf8, prefix, length }: Stored): string[] {
  const count = length > 0 ? equalBounds(utf8, length) : readBounds(reader, lengths, utf8);
  const { bytes, view } = reader;
  const size = prefix.end - prefix.at;
  if (size === 0) return readTexts(bytes, view, bounds, count);
  if (size > prefixBytesMax) throw corrupt(`a prefix of at most ${prefixBytesMax} bytes expected, ${size} found`);
  if (bounds[count]! - bounds[0]! < count) throw corrupt(`${count} strings of at least one byte expected`);
  whole.restore(bytes, bytes.subarray(prefix.at, prefix.end), bounds, count);
  return readTexts(whole.bytes, whole.view, bounds, count);
}

/** The bounds of strings of one length; answers how many there are. */
function equalBounds({ at, end }: Range, length: number): number {
  const count = Math.floor((end - at) / length);
  if (count * length !== end - at) throw corrupt(`strings of ${length} bytes expected in ${end - at} bytes`);
  if (bounds.length <= count) bounds = new Int32Array(2 * count + 1);
  for (let index = 0; index <= count; index++) bounds[index] = at + index * length;
  return count;
}

/** The bounds of strings with a length each; answers how many there are. */
function readBounds(reader: WireReader, lengths: Range, utf8: Range): number {
  const { bytes } = reader;
  if (bounds.length <= lengths.end - lengths.at) bounds = new Int32Array(2 * (lengths.end - lengths.at) + 1);
  let count = 0;
  let start = utf8.at;
  bounds[0] = start;
  reader.at = lengths.at;
  reader.end = lengths.end;
  while (reader.hasMore) {
    const byte = bytes[reader.at]!;
    const length = byte < 128 ? byte : reader.varint();
    if (byte < 128) reader.at++;
    start += length;
    if (start > utf8.end) throw corrupt(`a string of ${length} bytes expected, ${utf8.end - start + length} found`);
    bounds[++count] = start;
  }
  if (start !== utf8.end) throw corrupt(`strings end at byte ${start}, expected at byte ${utf8.end}`);
  return count;
}

function pick(reader: WireReader, indexes: Range, stored: readonly string[], count: number, end: number): string[] {
  const size = indexes.end - indexes.at;
  if (size < count) throw corrupt(`${count} strings expected, indexes of ${size} bytes found`);
  // oxlint-disable-next-line unicorn/no-new-array -- the elements follow, as many
  const strings = new Array<string>(count);
  let found = 0;
  reader.at = indexes.at;
  reader.end = indexes.end;
  const { bytes } = reader;
  while (reader.hasMore) {
    const byte = bytes[reader.at]!;
    const index = byte < 128 ? byte : reader.varint();
    if (byte < 128) reader.at++;
    const text = stored[index];
    if (text === undefined) throw corrupt(`an index beyond the ${stored.length} strings of a dictionary`);
    if (found < count) strings[found] = text;
    found++;
  }
  reader.at = end;
  reader.end = end;
  if (found !== count) throw corrupt(`${count} strings expected, ${found} found`);
  return strings;
}
