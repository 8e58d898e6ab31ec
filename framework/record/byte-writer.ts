/**
 * A growing buffer that is written front to back: protobuf's wire format, and raw bytes for the value codecs.
 *
 * Owns its bytes; who writes into it says what they mean.
 *
 * B1. Integers are written whole up to 2^53, without `Long`.
 * B2. Lengths are reserved before their content is written and filled in after, padded where they turn out shorter: legal protobuf, and no
 *     second pass.
 */
import type { TextBuffer } from "./text.ts";
import { bytesPerCodeUnitMax, newTextBuffer, writeText } from "./text.ts";

const capacityFirst = 64;
const keptMax = 1 << 20;

/** Bytes being written. Fields are open to the loops that write many values after one `reserve`. */
export class ByteWriter {
  bytes: TextBuffer = newTextBuffer(capacityFirst);
  view: DataView = viewOf(this.bytes);
  /** Where the next byte goes. */
  at = 0;

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.#grow(this.at + size);
  }

  /** Forgets everything, and gives a large buffer back. */
  clear(): void {
    this.at = 0;
    if (this.bytes.length <= keptMax) return;
    this.bytes = newTextBuffer(capacityFirst);
    this.view = viewOf(this.bytes);
  }

  /** A copy of what has been written. */
  copy(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(0, this.at));
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  /** An unsigned integer of up to 53 bits. */
  varint(value: number): void {
    this.reserve(8);
    this.at = writeVarint(this.bytes, this.at, value);
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** The bytes of `text` as UTF-8; answers how many, or -1, with nothing written, when it is ill-formed. */
  text(text: string): number {
    this.reserve(text.length * bytesPerCodeUnitMax);
    const size = writeText(this.bytes, text, this.at);
    if (size > 0) this.at += size;
    return size;
  }

  /** An integer field of up to 53 bits; `field` is at most 15. */
  integerField(field: number, value: number): void {
    this.byte(field << 3);
    this.varint(value);
  }

  /** A length-delimited field of known content. */
  bytesField(field: number, bytes: Uint8Array): void {
    this.byte((field << 3) | 2);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Begins a length-delimited field with a length of `lengthBytes` bytes; answers what {@link end} wants back. */
  begin(field: number, lengthBytes: number): number {
    this.reserve(1 + lengthBytes);
    this.bytes[this.at] = (field << 3) | 2;
    this.at += 1 + lengthBytes;
    return this.at;
  }

  /** Ends the field whose content began at `start` (B2). */
  end(start: number, lengthBytes: number): void {
    let length = this.at - start;
    if (length >= 128 ** lengthBytes) return this.#endWider(start, lengthBytes);
    for (let at = start - lengthBytes; at < start - 1; at++) {
      this.bytes[at] = (length & 127) | 128;
      length >>>= 7;
    }
    this.bytes[start - 1] = length;
  }

  #endWider(start: number, lengthBytes: number): void {
    this.reserve(1);
    this.bytes.copyWithin(start + 1, start, this.at);
    this.at++;
    this.end(start + 1, lengthBytes + 1);
  }

  #grow(size: number): void {
    const grown = newTextBuffer(Math.max(size, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = viewOf(grown);
  }
}

/** How many bytes to reserve for the length of a content of about `size` bytes. */
export function lengthBytesFor(size: number): number {
  return size < 128 ? 1 : size < 16384 ? 2 : 3;
}

/** Writes an unsigned integer of up to 53 bits at `at` and answers where it ends; there must be room for 8 bytes. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest > 0x7fffffff) {
    bytes[at++] = (rest & 127) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
