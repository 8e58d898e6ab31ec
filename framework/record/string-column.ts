/**
 * Columns of strings: UTF-8 back to back with their lengths, or a dictionary with indexes where strings repeat.
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
import { corrupt } from "./corrupt.ts";
import { readTexts } from "./text.ts";
import { ValueColumn } from "./value-column.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** Fields of the message `StringColumn`. */
const field = { lengths: 1, utf8: 2, indexes: 3 } as const;

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
    this.#strings.length = 0;
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
function share(strings: readonly string[]): { readonly strings: string[]; readonly indexes: number[] } | undefined {
  const stored: string[] = [];
  const indexes: number[] = [];
  let saved = 0;
  slots.fill(-1);
  for (let index = 0; index < strings.length; index++) {
    const value = strings[index]!;
    const place = placeOf(value);
    const slot = slots[place]!;
    if (slot >= 0 && stored[slot] === value) {
      saved += value.length;
      indexes.push(slot);
      continue;
    }
    if (stored.length > dictionarySizeFree + index - (index >> 2)) return undefined;
    slots[place] = stored.length;
    indexes.push(stored.length);
    stored.push(value);
  }
  return saved < savedPerRecordMin * strings.length ? undefined : { strings: stored, indexes };
}

/** Where a string is looked for among those stored. Two that meet there are merely stored more often than once. */
const slots = new Int32Array(1 << 9);

/** By a few of its characters: those of a usual string differ at the end, or in the middle. */
function placeOf(value: string): number {
  const last = value.length - 1;
  if (last < 0) return 0;
  const ends = Math.imul(value.charCodeAt(last), 31) + value.charCodeAt(last >> 2);
  const middle = Math.imul(value.charCodeAt(last >> 1), 127) + value.charCodeAt(last - (last >> 2));
  const place = Math.imul(Math.imul(ends, 31) + middle + last, 0x9e3779b1);
  return place >>> 23;
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
  indexes: readonly number[] | undefined,
  count: number,
): boolean {
  const text = strings.join("");
  const { at } = out;
  const lengthBytes = lengthBytesFor(text.length + strings.length + 2 * count);
  const start = out.begin(columnField.strings, lengthBytes);
  if (indexes !== undefined) writePacked(out, field.indexes, indexes);
  const lengthsAt = out.at;
  writePacked(out, field.lengths, strings);
  if (!writeTogether(out, text)) {
    // Not ASCII: lengths in bytes are not lengths in code units.
    out.at = lengthsAt;
    if (!writeOneByOne(out, strings)) {
      out.at = at;
      return false;
    }
  }
  out.end(start, lengthBytes);
  return true;
}

/** Appends ASCII strings as one; false, and nothing of use written, when there is something else among them. */
function writeTogether(out: ByteWriter, text: string): boolean {
  const lengthBytes = lengthBytesFor(text.length);
  const start = out.begin(field.utf8, lengthBytes);
  if (out.text(text) !== text.length) return false;
  out.end(start, lengthBytes);
  return true;
}

function writeOneByOne(out: ByteWriter, strings: readonly string[]): boolean {
  const sizes: number[] = [];
  const utf8 = new ByteWriter();
  for (const value of strings) {
    const size = utf8.text(value);
    if (size < 0) return false;
    sizes.push(size);
  }
  writePacked(out, field.lengths, sizes);
  out.bytesField(field.utf8, utf8.bytes.subarray(0, utf8.at));
  return true;
}

/** Packs integers, or the lengths of strings. */
function writePacked(out: ByteWriter, number: number, values: readonly number[] | readonly string[]): void {
  const count = values.length;
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
  let lengths = { at: end, end };
  let utf8 = { at: end, end };
  let indexes: { at: number; end: number } | undefined;
  while (reader.at < end) {
    const tag = reader.tag();
    const number = tag >>> 3;
    if (number < field.lengths || number > field.indexes) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "strings");
    const range = { end: reader.extent("strings"), at: reader.at };
    if (number === field.lengths) lengths = range;
    else if (number === field.utf8) utf8 = range;
    else indexes = range;
    reader.at = range.end;
  }
  const stored = readStored(reader, lengths, utf8);
  if (indexes !== undefined) return pick(reader, indexes, stored, count, end);
  reader.end = end;
  if (stored.length !== count) throw corrupt(`${count} strings expected, ${stored.length} found`);
  return stored;
}

type Range = { readonly at: number; readonly end: number };

/** Where the strings of a column begin and end, until they are read. */
let bounds = new Int32Array(1024);

function readStored(reader: WireReader, lengths: Range, utf8: Range): string[] {
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
  return readTexts(bytes, bounds, count);
}

function pick(reader: WireReader, indexes: Range, stored: readonly string[], count: number, end: number): string[] {
  const strings: string[] = [];
  reader.at = indexes.at;
  reader.end = indexes.end;
  while (reader.hasMore) {
    const text = stored[reader.varint()];
    if (text === undefined) throw corrupt(`an index beyond the ${stored.length} strings of a dictionary`);
    strings.push(text);
  }
  reader.at = end;
  reader.end = end;
  if (strings.length !== count) throw corrupt(`${count} strings expected, ${strings.length} found`);
  return strings;
}
