/**
 * Columns of anything: every value in the default codec, or in an edge's own, back to back.
 */
import { ByteWriter } from "./byte-writer.ts";
import type { ValueCodec } from "./codec.ts";
import { columnField } from "./column.ts";
import type { Column } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import { MessagePackReader } from "./message-pack-reader.ts";
import { writeValue } from "./message-pack-writer.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** Values of the default codec being collected. */
export class ValueColumn implements Column {
  readonly #encoded = new ByteWriter();
  readonly #ends: number[] = [];

  reset(): void {
    this.#encoded.clear();
  }

  put(index: number, value: unknown): number {
    const start = index === 0 ? 0 : this.#ends[index - 1]!;
    this.#encoded.at = start;
    writeValue(this.#encoded, value);
    this.#ends[index] = this.#encoded.at;
    return this.#encoded.at - start;
  }

  get(index: number): unknown {
    const start = index === 0 ? 0 : this.#ends[index - 1]!;
    return new MessagePackReader(this.#encoded.bytes, start, this.#ends[index]).read();
  }

  write(out: ByteWriter, count: number): void {
    const end = count === 0 ? 0 : this.#ends[count - 1]!;
    out.bytesField(columnField.values, this.#encoded.bytes.subarray(0, end));
  }
}

/** Reads `count` values of the default codec, up to the reader's end. @throws CORRUPT when there are not exactly that many */
export function readValues(reader: WireReader, count: number): unknown[] {
  const values: unknown[] = [];
  const from = new MessagePackReader(reader.bytes, reader.at, reader.end);
  for (let index = 0; index < count; index++) values.push(from.read());
  if (!from.isAtEnd) throw corrupt(`${count} values end before byte ${reader.end}`);
  reader.at = reader.end;
  return values;
}

/** Values in an edge's own codec being collected. */
export class CodedColumn implements Column {
  readonly #codec: ValueCodec;
  readonly #encoded = new ByteWriter();
  readonly #ends: number[] = [];

  constructor(codec: ValueCodec) {
    this.#codec = codec;
  }

  reset(): void {
    this.#encoded.clear();
  }

  put(index: number, value: unknown): number {
    const bytes = this.#codec.encode(value);
    this.#encoded.at = this.#startOf(index);
    this.#encoded.raw(bytes);
    this.#ends[index] = this.#encoded.at;
    return bytes.length + 2;
  }

  get(index: number): unknown {
    return this.#codec.decode(this.#bytesOf(index));
  }

  /** Appends the first `count` values as the content of a message `Coded` of `frame.proto`. */
  write(out: ByteWriter, count: number): void {
    for (let index = 0; index < count; index++) out.bytesField(1, this.#bytesOf(index));
  }

  #bytesOf(index: number): Uint8Array {
    return this.#encoded.bytes.subarray(this.#startOf(index), this.#ends[index]);
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }
}

/** Reads `count` values that `codec` wrote, up to the reader's end. @throws CORRUPT when there are not exactly that many */
export function readCoded(reader: WireReader, count: number, codec: ValueCodec): unknown[] {
  const values: unknown[] = [];
  while (reader.hasMore) {
    const tag = reader.tag();
    if (tag >>> 3 !== 1) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "coded value");
    const end = reader.extent("coded value");
    values.push(codec.decode(reader.bytes.subarray(reader.at, end)));
    reader.at = end;
  }
  if (values.length !== count) throw corrupt(`${count} values of ${codec.name} expected, ${values.length} found`);
  return values;
}
