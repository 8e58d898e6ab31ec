/**
 * Reads protobuf's wire format out of bytes that may be anything.
 *
 * Owns a position that only goes forward and never passes the end; the decoders of frames say what the fields mean.
 *
 * W1. Every read is checked against the end; what does not fit is CORRUPT, with what was expected and where.
 * W2. Integers beyond 2^53 are CORRUPT: nothing in a frame has them.
 */
import { corrupt } from "./corrupt.ts";
import type { TextBuffer } from "./text.ts";
import { asTextBuffer } from "./text.ts";

/** How a field is laid out, as in protobuf. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A position in bytes, and where to stop. */
export class WireReader {
  readonly bytes: TextBuffer;
  readonly view: DataView;
  at: number;
  end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = asTextBuffer(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
  }

  /** Whether fields are left before the end. */
  get hasMore(): boolean {
    return this.at < this.end;
  }

  /** An unsigned integer (W2). */
  varint(): number {
    const { bytes, end } = this;
    let value = 0;
    let scale = 1;
    for (let at = this.at; at < end; at++) {
      const byte = bytes[at]!;
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER + 1) throw corrupt(`integer beyond 2^53 at byte ${this.at}`);
      if (byte < 128) {
        this.at = at + 1;
        return value;
      }
      scale *= 128;
    }
    throw corrupt(`integer at byte ${this.at} does not end before byte ${end}`);
  }

  /** An unsigned integer of 32 bits. */
  uint32(what: string): number {
    const value = this.varint();
    if (value > 0xffffffff) throw corrupt(`${what} is ${value}, more than 32 bits`);
    return value;
  }

  fixed32(): number {
    if (this.at + 4 > this.end) throw corrupt(`4 bytes expected at byte ${this.at}, ${this.end - this.at} found`);
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  /** The tag of the next field: its number, and in the lowest three bits its wire type. */
  tag(): number {
    const tag = this.varint();
    if (tag > 0xffffffff || tag < 8) throw corrupt(`a field expected before byte ${this.at}, tag ${tag} found`);
    return tag;
  }

  /** Reads a length and narrows the reader to the content; answers the end that {@link leave} restores. */
  enter(what: string): number {
    const outer = this.end;
    this.end = this.extent(what);
    return outer;
  }

  /** Goes to the end of the content entered. */
  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  /** Reads a length and answers where the content ends, at most this reader's end; `at` is where it begins. */
  extent(what: string): number {
    const length = this.varint();
    if (this.at + length > this.end) {
      throw corrupt(`${what}: ${length} bytes expected at byte ${this.at}, ${this.end - this.at} found`);
    }
    return this.at + length;
  }

  /** Throws unless the field just begun is laid out as `expected`. */
  expect(tag: number, expected: number, what: string): void {
    if ((tag & 7) !== expected) throw corrupt(`${what}: wire type ${expected} expected, ${tag & 7} found`);
  }

  /** Passes over a field that this version does not know. */
  skip(tag: number): void {
    switch (tag & 7) {
      case wireType.varint:
        return this.#skipVarint();
      case wireType.fixed64:
        return this.#skipBytes(8);
      case wireType.bytes:
        this.at = this.extent("unknown field");
        return;
      case wireType.fixed32:
        return this.#skipBytes(4);
      default:
        throw corrupt(`field ${tag >>> 3} has wire type ${tag & 7}, which no field has`);
    }
  }

  #skipVarint(): void {
    const last = Math.min(this.at + 10, this.end);
    while (this.at < last) if (this.bytes[this.at++]! < 128) return;
    throw corrupt(`integer before byte ${this.at} does not end`);
  }

  #skipBytes(count: number): void {
    if (this.at + count > this.end) {
      throw corrupt(`${count} bytes expected at byte ${this.at}, ${this.end - this.at} found`);
    }
    this.at += count;
  }
}
