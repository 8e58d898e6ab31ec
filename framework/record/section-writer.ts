/**
 * Collects the records of one channel for the next frame.
 *
 * Owns how records are cut into blocks: records of one shape travel as columns, primitive values as one column, the rest in the default codec;
 * on an edge with a codec of its own all records go through that one.
 *
 * SW1. A record is encoded when it is added: what user code does to the object afterwards changes nothing.
 * SW2. An `add` that throws, and a `truncate`, leave the section as if the records had never been added.
 * SW3. How records are cut into blocks changes neither what is decoded nor its order.
 */
import { StreamError } from "../errors.ts";
import { CodedBlock, RowsBlock, ValuesBlock, columnFor } from "./block.ts";
import type { Block } from "./block.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { ValueCodec } from "./codec.ts";
import { asNotEncodable } from "./refusal.ts";
import { Run } from "./run.ts";
import { isRow, shapeOf } from "./shape.ts";
import { CodedColumn, ValueColumn } from "./value-column.ts";

/** The most bytes one record may take. */
export const recordBytesMax: number = 256 * 1024;

/** So many records of one kind make a block of their own worthwhile; where there are fewer, they share a general one. */
const runWorthwhile = 8;
const timestampBytes = 2;

/** The records of one channel being collected. Made once per channel: `clear` keeps the memory for the next frame. */
export class SectionWriter {
  readonly #codec: ValueCodec | undefined;
  readonly #blocks: Block[] = [];
  /** Bytes of the section up to and with each record, about. */
  readonly #sizes: number[] = [];
  readonly #run = new Run();
  #count = 0;
  #bytes = 0;
  /** The block being written. */
  #last: Block | undefined;
  /** The first block of the section before: the next one probably looks the same. */
  #spare: Block | undefined;

  /** @param codec the edge's own codec; without one, columns and the default codec */
  constructor(codec?: ValueCodec) {
    this.#codec = codec;
  }

  /** Records in the section. */
  get count(): number {
    return this.#count;
  }

  /** How many bytes the section will take in a frame, about: what numbers and strings take is learned from the section before. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a record and answers by how many bytes the section has grown, about. The record is encoded when this returns (SW1).
   *
   * @throws VALUE_NOT_ENCODABLE with the path, or with the size of a record of more than {@link recordBytesMax}; the section is as before (SW2)
   */
  add(value: unknown, timestamp: number | undefined): number {
    try {
      return this.#add(value, timestamp);
    } catch (error) {
      if (this.#last?.count === 0) this.#removeLastBlock();
      throw asNotEncodable(error, value);
    }
  }

  /** Takes back all records but the first `count` (SW2). */
  truncate(count: number): void {
    if (count >= this.#count) return;
    this.#count = count;
    this.#bytes = this.#bytesUpTo(count);
    let last = this.#last;
    while (last !== undefined && last.first >= count) last = this.#removeLastBlock();
    if (last !== undefined) last.count = count - last.first;
    this.#run.reset();
  }

  /** Forgets all records, ready for the next section. */
  clear(): void {
    this.truncate(0);
  }

  /** Appends the blocks as fields `number` of a message `Section`. */
  writeBlocks(out: ByteWriter, number: number): void {
    for (const block of this.#blocks) {
      const bytes = this.#bytesUpTo(block.first + block.count) - this.#bytesUpTo(block.first);
      block.write(out, number, bytes);
    }
  }

  #add(value: unknown, timestamp: number | undefined): number {
    const last = this.#last;
    let block = last === undefined || last.isGeneral ? this.#blockFor(last, value) : last;
    let size = block.put(value);
    if (size < 0) {
      block = this.#blockAfter(block, value);
      size = block.put(value);
    }
    if (size < 0) {
      block = this.#replaceByGeneral();
      size = block.put(value);
    }
    if (size > recordBytesMax) throw tooLarge(size);
    const grown = size + timestampBytes + (block.count === 0 ? block.overhead : 0);
    block.accept(timestamp);
    this.#bytes += grown;
    this.#sizes[this.#count++] = this.#bytes;
    return grown;
  }

  /** The block to try first: the last one, unless that takes anything and values of one kind have been coming for a while. */
  #blockFor(last: Block | undefined, value: unknown): Block {
    if (last === undefined) return this.#open(value);
    return this.#run.observe(value) > runWorthwhile ? this.#open(value) : last;
  }

  /** A block for a value that `block` did not take: of the value's kind, unless `block` is so short that kinds seem to alternate. */
  #blockAfter(block: Block, value: unknown): Block {
    return block.count < runWorthwhile
      ? this.#push(new ValuesBlock(this.#count, new ValueColumn()))
      : this.#open(value);
  }

  #open(value: unknown): Block {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined && spare.restart(this.#count, value)) return this.#push(spare);
    if (this.#codec !== undefined) return this.#push(new CodedBlock(this.#count, new CodedColumn(this.#codec)));
    if (!isRow(value)) return this.#push(new ValuesBlock(this.#count, columnFor(value)));
    const shape = shapeOf(value);
    if (shape === undefined) return this.#push(new ValuesBlock(this.#count, new ValueColumn()));
    return this.#push(new RowsBlock(this.#count, shape, value));
  }

  #push(block: Block): Block {
    this.#blocks.push(block);
    this.#last = block;
    this.#run.reset();
    return block;
  }

  #replaceByGeneral(): Block {
    this.#removeLastBlock();
    return this.#push(new ValuesBlock(this.#count, new ValueColumn()));
  }

  /** Removes the last block, keeps it as the spare when it was the first, and answers the one before. */
  #removeLastBlock(): Block | undefined {
    const removed = this.#blocks.pop();
    if (this.#blocks.length === 0) this.#spare = removed;
    this.#last = this.#blocks.at(-1);
    return this.#last;
  }

  #bytesUpTo(count: number): number {
    return count === 0 ? 0 : this.#sizes[count - 1]!;
  }
}

function tooLarge(size: number): StreamError {
  const reason = `$ takes about ${size} bytes; a record may take ${recordBytesMax}. Split it, or send a reference to it`;
  return new StreamError("VALUE_NOT_ENCODABLE", reason);
}
