/**
 * Writes any value of the default codec's domain as MessagePack.
 *
 * Faithful where general MessagePack libraries are not: -0, ill-formed strings, `undefined`, holes, bigints of any size, invalid dates,
 * objects without a prototype. A value is its own enumerable string-keyed properties; object identity, property attributes and symbol keys are
 * no part of it, and an accessor is read once.
 */
import { extension, marker } from "./message-pack.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { Refusal, depthMax, isBytes, isDate } from "./refusal.ts";
import { bytesPerCodeUnitMax } from "./text.ts";

/** The most bytes one value may take; far beyond records, a stop for values that share parts exponentially often. */
const valueBytesMax = 1 << 26;

/** Appends `value`. @throws Refusal when the codec does not take it; what has been appended by then is the caller's to undo */
export function writeValue(out: ByteWriter, value: unknown, depth: number = 0): void {
  switch (typeof value) {
    case "string":
      return writeString(out, value);
    case "number":
      return writeNumber(out, value);
    case "boolean":
      return out.byte(value ? marker.yes : marker.no);
    case "undefined":
      return writeMark(out, extension.absent);
    case "bigint":
      return writeBigint(out, value);
    case "object":
      return value === null ? out.byte(marker.nil) : writeObject(out, value, depth);
    default:
      throw new Refusal(typeof value);
  }
}

function writeObject(out: ByteWriter, value: object, depth: number): void {
  if (depth >= depthMax) throw new Refusal("too deep");
  if (out.at > valueBytesMax) throw new Refusal(`has more than ${valueBytesMax} bytes`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) writeMap(out, value as Record<string, unknown>, depth);
  else if (prototype === Array.prototype && Array.isArray(value)) writeArray(out, value, depth);
  else if (prototype === null) writeBare(out, value as Record<string, unknown>, depth);
  else if (isDate(value)) writeDate(out, value);
  else if (isBytes(value)) writeBytes(out, value);
  else throw new Refusal("class instance");
}

function writeMap(out: ByteWriter, value: Record<string, unknown>, depth: number): void {
  const names = Object.keys(value);
  writeHead(out, names.length, marker.fixMap, 16, marker.map16);
  for (const name of names) {
    writeString(out, name);
    writeValue(out, value[name], depth + 1);
  }
}

function writeArray(out: ByteWriter, value: readonly unknown[], depth: number): void {
  const { length } = value;
  if (length > valueBytesMax) throw new Refusal(`has more than ${valueBytesMax} elements`);
  writeHead(out, length, marker.fixArray, 16, marker.array16);
  let holes = 0;
  for (let index = 0; index < length; index++) {
    const part = value[index];
    if (part !== undefined || index in value) writeValue(out, part, depth + 1);
    else {
      writeMark(out, extension.hole);
      holes++;
    }
  }
  if (Object.keys(value).length !== length - holes) throw new Refusal("an array with properties");
}

function writeBare(out: ByteWriter, value: Record<string, unknown>, depth: number): void {
  const start = beginExtension(out, extension.bare);
  writeMap(out, value, depth);
  endExtension(out, start);
}

function writeNumber(out: ByteWriter, value: number): void {
  out.reserve(9);
  const { bytes, view, at } = out;
  if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
    bytes[at] = marker.float64;
    view.setFloat64(at + 1, value);
    out.at = at + 9;
  } else if (value >= -32 && value < 128) {
    bytes[at] = value;
    out.at = at + 1;
  } else if (value >= -32768 && value < 32768) {
    bytes[at] = marker.int16;
    view.setInt16(at + 1, value);
    out.at = at + 3;
  } else {
    bytes[at] = marker.int32;
    view.setInt32(at + 1, value);
    out.at = at + 5;
  }
}

function writeString(out: ByteWriter, text: string): void {
  const start = out.at;
  const sizeMax = text.length * bytesPerCodeUnitMax;
  const head = text.length < 32 ? 1 : sizeMax < 256 ? 2 : sizeMax < 65536 ? 3 : 5;
  out.reserve(head);
  out.at += head;
  const size = out.text(text);
  const { bytes, view } = out;
  if (size < 0) {
    out.at = start;
    writeIllFormed(out, text);
  } else if (head === 1 && size < 32) bytes[start] = marker.fixText | size;
  else if (head === 1) {
    out.byte(0);
    out.bytes.copyWithin(start + 2, start + 1, start + 1 + size);
    out.bytes[start] = marker.text8;
    out.bytes[start + 1] = size;
  } else if (head === 2) {
    bytes[start] = marker.text8;
    bytes[start + 1] = size;
  } else if (head === 3) {
    bytes[start] = marker.text16;
    view.setUint16(start + 1, size);
  } else {
    bytes[start] = marker.text32;
    view.setUint32(start + 1, size);
  }
}

function writeIllFormed(out: ByteWriter, text: string): void {
  const start = beginExtension(out, extension.utf16);
  out.reserve(text.length * 2);
  out.at += out.bytes.write(text, out.at, "utf16le");
  endExtension(out, start);
}

function writeBigint(out: ByteWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    out.reserve(9);
    out.bytes[out.at] = marker.int64;
    out.view.setBigInt64(out.at + 1, value);
    out.at += 9;
    return;
  }
  const start = beginExtension(out, extension.bigint);
  out.text(value.toString(16));
  endExtension(out, start);
}

function writeDate(out: ByteWriter, value: Date): void {
  out.reserve(10);
  out.bytes[out.at] = marker.fixExtension8;
  out.bytes[out.at + 1] = extension.date;
  out.view.setFloat64(out.at + 2, Date.prototype.getTime.call(value));
  out.at += 10;
}

function writeBytes(out: ByteWriter, value: Uint8Array): void {
  const { length } = value;
  if (length > valueBytesMax) throw new Refusal(`has more than ${valueBytesMax} bytes`);
  if (length < 256) {
    out.byte(marker.bytes8);
    out.byte(length);
  } else {
    out.reserve(5);
    out.bytes[out.at] = marker.bytes32;
    out.view.setUint32(out.at + 1, length);
    out.at += 5;
  }
  out.raw(value);
}

function writeMark(out: ByteWriter, type: number): void {
  out.reserve(3);
  out.bytes[out.at] = marker.fixExtension1;
  out.bytes[out.at + 1] = type;
  out.bytes[out.at + 2] = 0;
  out.at += 3;
}

/** The head of an array or map: in the marker itself below `fixMax`, else 16 or 32 bits; the marker for 32 follows the one for 16. */
function writeHead(out: ByteWriter, length: number, fix: number, fixMax: number, marker16: number): void {
  out.reserve(5);
  const { bytes, view, at } = out;
  if (length < fixMax) {
    bytes[at] = fix | length;
    out.at = at + 1;
  } else if (length < 65536) {
    bytes[at] = marker16;
    view.setUint16(at + 1, length);
    out.at = at + 3;
  } else {
    bytes[at] = marker16 + 1;
    view.setUint32(at + 1, length);
    out.at = at + 5;
  }
}

function beginExtension(out: ByteWriter, type: number): number {
  out.reserve(6);
  out.bytes[out.at] = marker.extension32;
  out.bytes[out.at + 5] = type;
  out.at += 6;
  return out.at;
}

function endExtension(out: ByteWriter, start: number): void {
  out.view.setUint32(start - 5, out.at - start);
}
