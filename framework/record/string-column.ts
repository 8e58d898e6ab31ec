/**
 * Columns of strings: UTF-8 back to back with their lengths, or a dictionary with indexes while few strings repeat.
 *
 * S1. A column begins with a dictionary and leaves it when the strings turn out to differ, or are long; then it does without for a while.
 * S2. Ill-formed strings are not taken: UTF-8 cannot hold them, the general column does.
 */
import { ByteWriter, lengthBytesFor } from "./byte-writer.ts";
import { columnField } from "./column.ts";
import type { Column } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import { readText } from "./text.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** Fields of the message `StringColumn`. */
const field = { lengths: 1, utf8: 2, indexes: 3 } as const;

/** A dictionary may hold this many strings, and one more for every fourth record. */
const dictionarySizeFree = 8;
/** Longer strings are not shared: a record that is refused or taken back leaves its own in the dictionary. */
const sharedLengthMax = 64;
/** How many sections a column that left its dictionary does without. */
const sectionsWithout = 31;

/** Strings being collected. */
export class StringColumn implements Column {
  readonly #utf8 = new ByteWriter();
  /** Where each stored string ends in the bytes. */
  readonly #ends: number[] = [];
  /** With a dictionary: which stored string each record has. */
  readonly #indexes: number[] = [];
  readonly #dictionary = new Map<string, number>();
  #hasDictionary = true;
  #sectionsLeft = 0;

  reset(): void {
    this.#utf8.clear();
    if (this.#dictionary.size > 0) this.#dictionary.clear();
    if (this.#sectionsLeft > 0) this.#sectionsLeft--;
    this.#hasDictionary = this.#sectionsLeft === 0;
  }

  put(index: number, value: unknown): number {
    if (typeof value !== "string") return -1;
    return this.#hasDictionary ? this.#putShared(index, value) : this.#store(index, value);
  }

  get(index: number): string {
    const slot = this.#hasDictionary ? this.#indexes[index]! : index;
    return this.#utf8.bytes.utf8Slice(this.#startOf(slot), this.#ends[slot]!);
  }

  write(out: ByteWriter, count: number): void {
    const stored = this.#hasDictionary ? this.#dictionary.size : count;
    const lengthBytes = lengthBytesFor(this.#startOf(stored) + stored + 2 * count);
    const start = out.begin(columnField.strings, lengthBytes);
    if (this.#hasDictionary) writePacked(out, field.indexes, this.#indexes, count, 0);
    writePacked(out, field.lengths, this.#ends, stored, 1);
    out.bytesField(field.utf8, this.#utf8.bytes.subarray(0, this.#startOf(stored)));
    out.end(start, lengthBytes);
  }

  #putShared(index: number, value: string): number {
    const known = this.#dictionary.get(value);
    if (known !== undefined) {
      this.#indexes[index] = known;
      return 1;
    }
    const slot = this.#dictionary.size;
    if (slot > dictionarySizeFree + (index >> 2) || value.length > sharedLengthMax) {
      this.#leaveDictionary(index);
      return this.#store(index, value);
    }
    const size = this.#store(slot, value);
    if (size < 0) return -1;
    this.#dictionary.set(value, slot);
    this.#indexes[index] = slot;
    return size + 1;
  }

  /** Stores the strings of the first `count` records one by one (S1). */
  #leaveDictionary(count: number): void {
    const strings = [...this.#dictionary.keys()];
    for (let index = 0; index < count; index++) this.#store(index, strings[this.#indexes[index]!]!);
    this.#dictionary.clear();
    this.#hasDictionary = false;
    this.#sectionsLeft = sectionsWithout;
  }

  #store(slot: number, value: string): number {
    const out = this.#utf8;
    const start = this.#startOf(slot);
    out.at = start;
    const size = out.text(value);
    if (size < 0) return -1;
    this.#ends[slot] = out.at;
    return size + 1;
  }

  #startOf(slot: number): number {
    return slot === 0 ? 0 : this.#ends[slot - 1]!;
  }
}

/** Packs `count` integers; with `isEnds` 1 they are ends, and the distances between them are written. */
function writePacked(out: ByteWriter, number: number, values: readonly number[], count: number, isEnds: 0 | 1): void {
  const lengthBytes = lengthBytesFor(count);
  const start = out.begin(number, lengthBytes);
  out.reserve(count * 5);
  const { bytes } = out;
  let { at } = out;
  let last = 0;
  for (let index = 0; index < count; index++) {
    const value = values[index]!;
    let rest = value - last;
    if (isEnds === 1) last = value;
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

function readStored(reader: WireReader, lengths: Range, utf8: Range): string[] {
  const { bytes } = reader;
  const stored: string[] = [];
  let start = utf8.at;
  reader.at = lengths.at;
  reader.end = lengths.end;
  while (reader.hasMore) {
    const byte = bytes[reader.at]!;
    const length = byte < 128 ? byte : reader.varint();
    if (byte < 128) reader.at++;
    if (start + length > utf8.end) throw corrupt(`a string of ${length} bytes expected, ${utf8.end - start} found`);
    stored.push(readText(bytes, start, start + length));
    start += length;
  }
  if (start !== utf8.end) throw corrupt(`strings end at byte ${start}, expected at byte ${utf8.end}`);
  return stored;
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
