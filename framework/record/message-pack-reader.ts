/**
 * Reads MessagePack values, as `message-pack-writer.ts` writes them, out of bytes that may be anything.
 *
 * P1. Nothing is allocated on the word of a length before its content has been seen to be there.
 * P2. Names become own properties, `__proto__` too: no prototype is ever changed.
 * P3. What is read shares no memory with the bytes.
 */
import { corrupt } from "./corrupt.ts";
import { extension, marker } from "./message-pack.ts";
import { depthMax } from "./refusal.ts";
import type { TextBuffer } from "./text.ts";
import { asTextBuffer, readText } from "./text.ts";

/** Stands for a hole while an array is being read. */
const hole = Symbol("hole");

/** A position in bytes that hold values one after the other. */
export class MessagePackReader {
  readonly #bytes: TextBuffer;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  /** @param end where to stop; the bytes behind it are somebody else's */
  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = asTextBuffer(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** Whether everything has been read. */
  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The next value. @throws CORRUPT */
  read(): unknown {
    const value = this.#read(0);
    if (value === hole) throw corrupt(`a hole outside an array before byte ${this.#at}`);
    return value;
  }

  #read(depth: number): unknown {
    const first = this.#bytes[this.#take(1)]!;
    if (first < marker.fixMap) return first;
    if (first >= marker.negativeFixInt) return first - 256;
    if (first < marker.fixArray) return this.#map({}, first & 15, depth);
    if (first < marker.fixText) return this.#array(first & 15, depth);
    if (first < marker.nil) return this.#text(first & 31);
    return this.#marked(first, depth);
  }

  #marked(first: number, depth: number): unknown {
    switch (first) {
      case marker.nil:
        return null;
      case marker.no:
        return false;
      case marker.yes:
        return true;
      case marker.float64:
        return this.#view.getFloat64(this.#take(8));
      case marker.uint8:
        return this.#uint8();
      case marker.uint16:
        return this.#uint16();
      case marker.uint32:
        return this.#uint32();
      case marker.int8:
        return this.#view.getInt8(this.#take(1));
      case marker.int16:
        return this.#view.getInt16(this.#take(2));
      case marker.int32:
        return this.#view.getInt32(this.#take(4));
      case marker.int64:
        return this.#view.getBigInt64(this.#take(8));
      default:
        return this.#sized(first, depth);
    }
  }

  #sized(first: number, depth: number): unknown {
    switch (first) {
      case marker.text8:
        return this.#text(this.#uint8());
      case marker.text16:
        return this.#text(this.#uint16());
      case marker.text32:
        return this.#text(this.#uint32());
      case marker.bytes8:
        return this.#copy(this.#uint8());
      case marker.bytes16:
        return this.#copy(this.#uint16());
      case marker.bytes32:
        return this.#copy(this.#uint32());
      case marker.array16:
        return this.#array(this.#uint16(), depth);
      case marker.array32:
        return this.#array(this.#uint32(), depth);
      case marker.map16:
        return this.#map({}, this.#uint16(), depth);
      case marker.map32:
        return this.#map({}, this.#uint32(), depth);
      default:
        return this.#extended(first, depth);
    }
  }

  #extended(first: number, depth: number): unknown {
    if (first === marker.fixExtension1) return this.#mark();
    if (first === marker.fixExtension8) return this.#date();
    if (first !== marker.extension32) throw this.#unknown("marker", first);
    const length = this.#uint32();
    const type = this.#uint8();
    const start = this.#take(length);
    switch (type) {
      case extension.utf16:
        return this.#bytes.toString("utf16le", start, this.#at);
      case extension.bigint:
        return parseBigint(this.#bytes.latin1Slice(start, this.#at));
      case extension.bare:
        return this.#bare(start, depth);
      default:
        throw this.#unknown("extension", type);
    }
  }

  #mark(): unknown {
    const type = this.#bytes[this.#take(2)]!;
    if (type === extension.absent) return undefined;
    if (type === extension.hole) return hole;
    throw this.#unknown("extension", type);
  }

  #date(): Date {
    const at = this.#take(9);
    if (this.#bytes[at] !== extension.date) throw this.#unknown("extension", this.#bytes[at]!);
    return new Date(this.#view.getFloat64(at + 1));
  }

  /** An object without a prototype: a map that ends where the extension does. */
  #bare(start: number, depth: number): unknown {
    const end = this.#at;
    this.#at = start;
    const first = this.#uint8();
    const length =
      first === marker.map32 ? this.#uint32() : first === marker.map16 ? this.#uint16() : first - marker.fixMap;
    if (length < 0 || (length > 15 && first < marker.map16)) throw this.#unknown("marker", first);
    const value = this.#map(Object.create(null), length, depth);
    if (this.#at !== end) throw corrupt(`an object was to end at byte ${end} and ends at byte ${this.#at}`);
    return value;
  }

  #map(into: Record<string, unknown>, length: number, depth: number): unknown {
    this.#checkDepth(depth);
    for (let count = 0; count < length; count++) {
      const name = this.#read(depth + 1);
      if (typeof name !== "string") throw corrupt(`a name expected before byte ${this.#at}, a ${typeof name} found`);
      const value = this.#read(depth + 1);
      if (value === hole) throw corrupt(`a hole outside an array before byte ${this.#at}`);
      setOwn(into, name, value);
    }
    return into;
  }

  #array(length: number, depth: number): unknown {
    this.#checkDepth(depth);
    const into: unknown[] = [];
    for (let count = 0; count < length; count++) {
      const value = this.#read(depth + 1);
      if (value === hole) into.length++;
      else into.push(value);
    }
    return into;
  }

  #text(length: number): string {
    const start = this.#take(length);
    return readText(this.#bytes, this.#view, start, this.#at);
  }

  #copy(length: number): Uint8Array {
    const start = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(start, this.#at));
  }

  #uint8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Moves past `count` bytes and answers where they begin (P1). */
  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#end) {
      throw corrupt(`${count} bytes expected at byte ${start} of a value, ${this.#end - start} found`);
    }
    this.#at = start + count;
    return start;
  }

  #checkDepth(depth: number): void {
    if (depth > depthMax) throw corrupt(`a value nested deeper than ${depthMax} levels at byte ${this.#at}`);
  }

  #unknown(what: string, found: number): Error {
    return corrupt(`unknown ${what} 0x${found.toString(16)} before byte ${this.#at} of a value`);
  }
}

/** Makes `name` an own property (P2). */
export function setOwn(into: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") into[name] = value;
  else Object.defineProperty(into, name, { value, writable: true, enumerable: true, configurable: true });
}

function parseBigint(text: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(text)) throw corrupt("a bigint that is no hexadecimal number");
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}
