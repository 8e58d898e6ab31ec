/**
 * The codec for values of which nothing is known: MessagePack with extensions.
 *
 * Takes null, undefined, booleans, numbers, bigints, strings, bytes, dates, arrays (with holes) and plain objects (with or without a prototype);
 * refuses everything else with the path. Node's Buffer comes back as Uint8Array. Properties with a symbol for a name are no part of a value: they are
 * left out, of its bytes and of its copies.
 *
 * V1. What is decoded is indistinguishable to user code from what was encoded, property order included; that two parts were the same object is
 *     not kept.
 */
import { ByteWriter } from "./byte-writer.ts";
import type { ValueCodec } from "./codec.ts";
import { corrupt } from "./corrupt.ts";
import { MessagePackReader, setOwn } from "./message-pack-reader.ts";
import { writeValue } from "./message-pack-writer.ts";
import { Refusal, asNotEncodable, depthMax, isBytes, isDate } from "./refusal.ts";

/** The writer of the last call, unless it is in use: an accessor of a value may encode too. */
let spare: ByteWriter | undefined;

/** The default codec; the head of this file says what it takes. */
export const defaultCodec: ValueCodec = {
  name: "default",
  encode(value: unknown): Uint8Array {
    const out = spare ?? new ByteWriter();
    spare = undefined;
    try {
      writeValue(out, value);
      return out.copy();
    } catch (error) {
      throw asNotEncodable(error, value);
    } finally {
      out.clear();
      spare = out;
    }
  },
  decode(bytes: Uint8Array): unknown {
    const reader = new MessagePackReader(bytes);
    const value = reader.read();
    if (!reader.isAtEnd) throw corrupt("bytes are left behind a value");
    return value;
  },
};

/**
 * A deep copy of a value the default codec takes: what decoding its encoding gives, without the bytes (V1).
 *
 * Called before user code may change a value that might have to be put back.
 *
 * @throws VALUE_NOT_ENCODABLE with the path of the part the codec does not take
 */
export function cloneValue<T>(value: T): T {
  try {
    return clone(value, 0) as T;
  } catch (error) {
    throw asNotEncodable(error, value);
  }
}

function clone(value: unknown, depth: number): unknown {
  if (typeof value === "function" || typeof value === "symbol") throw new Refusal(typeof value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthMax) throw new Refusal("too deep");
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return cloneParts({ ...value }, depth);
  if (prototype === null) return cloneParts(Object.assign(Object.create(null), value), depth);
  if (prototype === Array.prototype && Array.isArray(value)) return cloneElements(value, depth);
  if (isDate(value)) return new Date(value.getTime());
  if (isBytes(value)) return new Uint8Array(value);
  throw new Refusal("class instance");
}

/** Replaces the parts of `copy`, which so far are shared with the original, and leaves out what no encoding has. */
function cloneParts(copy: Record<string | symbol, unknown>, depth: number): unknown {
  for (const symbol of Object.getOwnPropertySymbols(copy)) Reflect.deleteProperty(copy, symbol);
  // By `for in`, which allocates no list of names; so what is inherited has to be told apart.
  for (const name in copy) {
    const part = copy[name];
    if (needsClone(part) && Object.hasOwn(copy, name)) setOwn(copy, name, clone(part, depth + 1));
  }
  return copy;
}

function cloneElements(value: readonly unknown[], depth: number): unknown {
  const copy = value.slice();
  for (let index = 0; index < copy.length; index++) {
    const part = copy[index];
    if (needsClone(part)) copy[index] = clone(part, depth + 1);
  }
  return copy;
}

function needsClone(part: unknown): boolean {
  return typeof part === "object" ? part !== null : typeof part === "function" || typeof part === "symbol";
}
