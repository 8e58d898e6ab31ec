/**
 * Sections as they are read: the header at once, the records when they are wanted.
 *
 * SE1. What `decode` answers shares no memory with the message, except in values of a codec that itself shares.
 * SE2. Nothing is allocated on the word of a count before as many bytes have been seen to be there.
 */
import { BlockReader } from "./block-reader.ts";
import type { Records } from "./block-reader.ts";
import type { ValueCodec } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** What a section says about itself (R1, R2, R11). */
export interface SectionHeader {
  /** Index of the edge in the plan. */
  readonly edge: number;
  /** Partition of the sending instance. */
  readonly from: number;
  /** Epoch of the sending incarnation. */
  readonly epoch: number;
  /** Number of the first record. */
  readonly first: number;
  /** Records in the section. */
  readonly count: number;
  /** The channel's rolling check before the first record. */
  readonly check: number;
}

/** A section of a frame. A view: valid only while the message's bytes are. */
export interface Section extends SectionHeader {
  /**
   * Decodes the records; they outlive the message's bytes (SE1).
   *
   * @param codec the edge's own codec, when it has one
   * @throws CORRUPT when the bytes are not what a `SectionWriter` wrote
   */
  decode(codec?: ValueCodec): Records;
}

/** Fields of the message `Section`. */
export const sectionField = { edge: 1, from: 2, epoch: 3, first: 4, count: 5, check: 6, blocks: 7 } as const;

/** Reads a message `Section`, up to the reader's end. @throws CORRUPT */
export function readSection(reader: WireReader): Section {
  const start = reader.at;
  const header = { edge: 0, from: 0, epoch: 0, first: 0, count: 0, check: 0 };
  while (reader.hasMore) readHeaderField(reader, header);
  return new EncodedSection(header, reader, start);
}

function readHeaderField(reader: WireReader, header: { -readonly [K in keyof SectionHeader]: number }): void {
  const tag = reader.tag();
  switch (tag >>> 3) {
    case sectionField.edge:
      reader.expect(tag, wireType.varint, "edge");
      header.edge = reader.uint32("edge");
      return;
    case sectionField.from:
      reader.expect(tag, wireType.varint, "from");
      header.from = reader.uint32("from");
      return;
    case sectionField.epoch:
      reader.expect(tag, wireType.varint, "epoch");
      header.epoch = reader.varint();
      return;
    case sectionField.first:
      reader.expect(tag, wireType.varint, "first");
      header.first = reader.varint();
      return;
    case sectionField.count:
      reader.expect(tag, wireType.varint, "count");
      header.count = reader.uint32("count");
      return;
    case sectionField.check:
      reader.expect(tag, wireType.fixed32, "check");
      header.check = reader.fixed32();
      return;
    default:
      reader.skip(tag);
  }
}

class EncodedSection implements Section {
  readonly edge: number;
  readonly from: number;
  readonly epoch: number;
  readonly first: number;
  readonly count: number;
  readonly check: number;
  readonly #reader: WireReader;
  readonly #start: number;
  readonly #end: number;

  constructor(header: SectionHeader, reader: WireReader, start: number) {
    this.edge = header.edge;
    this.from = header.from;
    this.epoch = header.epoch;
    this.first = header.first;
    this.count = header.count;
    this.check = header.check;
    this.#reader = reader;
    this.#start = start;
    this.#end = reader.at;
  }

  decode(codec?: ValueCodec): Records {
    const reader = this.#reader;
    reader.at = this.#start;
    reader.end = this.#end;
    if (this.count > this.#end - this.#start) {
      throw corrupt(`${this.count} records expected in a section of ${this.#end - this.#start} bytes`);
    }
    const decoder = new BlockReader(this.count, codec);
    while (reader.hasMore) {
      const tag = reader.tag();
      if (tag >>> 3 !== sectionField.blocks) {
        reader.skip(tag);
        continue;
      }
      reader.expect(tag, wireType.bytes, "block");
      const outer = reader.enter("block");
      decoder.read(reader);
      reader.leave(outer);
    }
    return decoder.finish();
  }
}
