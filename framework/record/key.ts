/**
 * Keys: what they may be, their canonical bytes, their hash and their partition.
 *
 * K1. Two keys are the same exactly when their canonical bytes are; `1` and `"1"` differ, -0 is 0.
 * K2. The partition of a key is a pure function of its canonical bytes and the number of partitions; it never changes between versions.
 * K3. `keyId` tells keys apart exactly as their canonical bytes do.
 */
import { Buffer } from "node:buffer";
import { StreamError } from "../errors.ts";
import { finish, mixWord, murmur3 } from "./murmur3.ts";
import { bytesPerCodeUnitMax } from "./text.ts";

/** One part of a key. */
export type KeyPart = string | number | boolean | bigint;

/** A key: a string, number, boolean, bigint, or a flat tuple of them. */
export type Key = KeyPart | readonly KeyPart[];

/** What stands for a key in a `Map`; see {@link keyId}. */
export type KeyId = string | number | boolean | bigint;

/** The most canonical bytes a key may have. */
export const keyBytesMax = 4096;

/** First byte of the canonical bytes of each kind of key (K2: these never change). */
const tag = { string: 1, illFormedString: 2, number: 3, boolean: 4, bigint: 5, tuple: 6 } as const;

const scratch = Buffer.alloc(2 * keyBytesMax);
const numberView = new DataView(new ArrayBuffer(8));

/**
 * The value as a key. Called with what a key selector answered, before anything else is done with it.
 *
 * @throws KEY_INVALID for NaN, objects, undefined, null, nested tuples, and keys of more than {@link keyBytesMax} canonical bytes
 */
export function checkKey(value: unknown): Key {
  if (typeof value === "string") {
    if (value.length * bytesPerCodeUnitMax >= keyBytesMax) writeKey(value);
    return value;
  }
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  if (typeof value === "boolean") return value;
  if (typeof value !== "bigint" && !isTuple(value)) throw invalidKey(value, reasonAgainst(value));
  writeKey(value);
  return value;
}

/** The bytes that are the key's identity (K1): a tag for its type, then its value. @throws KEY_INVALID when they are too many */
export function canonicalKeyBytes(key: Key): Uint8Array {
  return new Uint8Array(scratch.subarray(0, writeKey(key)));
}

/** The murmur3 hash of the canonical bytes, as uint32 (K2). Allocates nothing. @throws KEY_INVALID when the key is too long */
export function hashKey(key: Key): number {
  if (typeof key === "string") {
    const hash = hashAscii(key);
    if (hash >= 0) return hash;
  } else if (typeof key === "number") return hashNumber(key);
  return murmur3(scratch, writeKey(key));
}

/** The partition a hash belongs to (K2). */
export function partitionOf(hash: number, partitions: number): number {
  // Both as uint32, so that it is a division of integers.
  return (hash >>> 0) % (partitions >>> 0);
}

/**
 * The key as a key of a `Map` (K3): primitives stand for themselves, tuples are strings that no string key stands for.
 *
 * To keep the two apart, a string key that begins with NUL is given a prefix too.
 */
export function keyId(key: Key): KeyId {
  if (typeof key === "string") return key.charCodeAt(0) === 0 ? `\0s${key}` : key;
  if (typeof key === "number") return key === 0 ? 0 : key;
  if (typeof key === "object") return key.reduce<string>((id, part) => id + partId(part), "\0t");
  return key;
}

/** The key as people read it, in logs and errors: `"a"`, `12n`, `["a", 1]`. Long ones are cut. */
export function renderKey(key: Key): string {
  return typeof key === "object" ? shorten(`[${key.map(render).join(", ")}]`) : render(key);
}

function partId(part: KeyPart): string {
  const text = String(part);
  return `${typeof part === "boolean" ? "t" : typeof part === "bigint" ? "i" : typeof part === "number" ? "n" : "s"}${text.length}:${text}`;
}

/**
 * The hash of an ASCII string's canonical bytes, straight from its characters; -1 for other strings and long ones.
 *
 * The tag takes the first byte, so the words of the hash begin at characters 0 (three of them), 3, 7, 11 …
 */
function hashAscii(text: string): number {
  const length = text.length;
  if (length >= keyBytesMax) return -1;
  let seen = 0;
  let hash = 0;
  let at = 0;
  let tail: number = tag.string;
  let shift = 8;
  if (length >= 3) {
    const first = text.charCodeAt(0);
    const second = text.charCodeAt(1);
    const third = text.charCodeAt(2);
    seen = first | second | third;
    hash = mixWord(0, tag.string | (first << 8) | (second << 16) | (third << 24));
    tail = 0;
    shift = 0;
    for (at = 3; at + 4 <= length; at += 4) {
      const a = text.charCodeAt(at);
      const b = text.charCodeAt(at + 1);
      const c = text.charCodeAt(at + 2);
      const d = text.charCodeAt(at + 3);
      seen |= a | b | c | d;
      hash = mixWord(hash, a | (b << 8) | (c << 16) | (d << 24));
    }
  }
  for (; at < length; at++, shift += 8) {
    const unit = text.charCodeAt(at);
    seen |= unit;
    tail |= unit << shift;
  }
  return seen > 127 ? -1 : finish(hash, tail, length + 1);
}

function hashNumber(value: number): number {
  numberView.setFloat64(0, value + 0, true);
  const low = numberView.getInt32(0, true);
  const high = numberView.getInt32(4, true);
  const hash = mixWord(mixWord(0, tag.number | (low << 8)), (low >>> 24) | (high << 8));
  return finish(hash, high >>> 24, 9);
}

/** Writes the canonical bytes to the start of `scratch` and answers how many they are. */
function writeKey(key: Key): number {
  let end = typeof key === "object" ? 0 : writePart(key, 0, key);
  if (typeof key === "object") {
    scratch[end++] = tag.tuple;
    for (const part of key) {
      const next = writePart(part, end + 4, key);
      scratch.writeUInt32LE(next - end - 4, end);
      end = next;
    }
  }
  if (end > keyBytesMax) throw tooLong(key);
  return end;
}

/** Writes one part at `at`, which is at most `keyBytesMax + 4`, and answers where it ends. */
function writePart(part: KeyPart, at: number, key: Key): number {
  if (at > keyBytesMax) throw tooLong(key);
  switch (typeof part) {
    case "string":
      return writeString(part, at, key);
    case "number":
      scratch[at] = tag.number;
      return scratch.writeDoubleLE(part + 0, at + 1);
    case "boolean":
      scratch[at] = tag.boolean;
      scratch[at + 1] = part ? 1 : 0;
      return at + 2;
    default: {
      const text = part.toString(16);
      if (text.length > keyBytesMax) throw tooLong(key);
      scratch[at] = tag.bigint;
      return at + 1 + scratch.write(text, at + 1, "latin1");
    }
  }
}

function writeString(text: string, at: number, key: Key): number {
  if (text.length > keyBytesMax) throw tooLong(key);
  const isWellFormed = text.isWellFormed();
  const size = isWellFormed ? Buffer.byteLength(text) : text.length * 2;
  if (at + 1 + size > scratch.length) throw tooLong(key);
  scratch[at] = isWellFormed ? tag.string : tag.illFormedString;
  return at + 1 + scratch.write(text, at + 1, isWellFormed ? "utf8" : "utf16le");
}

function isPart(value: unknown): value is KeyPart {
  return (
    typeof value === "string" ||
    typeof value === "boolean" ||
    typeof value === "bigint" ||
    (typeof value === "number" && !Number.isNaN(value))
  );
}

function isTuple(value: unknown): value is readonly KeyPart[] {
  if (!Array.isArray(value)) return false;
  for (let at = 0; at < value.length; at++) if (!isPart(value[at])) return false;
  return true;
}

function reasonAgainst(value: unknown): string {
  if (Number.isNaN(value)) return "NaN is no key";
  if (!Array.isArray(value)) return "a key is a string, number, boolean, bigint, or a flat tuple of them";
  const at = value.findIndex((part) => !isPart(part));
  return `part ${at} of the tuple is ${render(value[at])}; parts are strings, numbers (not NaN), booleans or bigints`;
}

function invalidKey(value: unknown, reason: string): StreamError {
  return new StreamError("KEY_INVALID", `${render(value)} cannot be a key: ${reason}`);
}

function tooLong(key: Key): StreamError {
  const reason = `its canonical form has more than ${keyBytesMax} bytes; use a hash or a shorter id of it`;
  return new StreamError("KEY_INVALID", `${renderKey(key)} cannot be a key: ${reason}`);
}

/** A short rendering of anything, for people. */
function render(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  if (typeof value === "bigint") return renderBigint(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "0" : String(value);
  if (Array.isArray(value)) return shorten(`[${value.slice(0, 16).map(renderPart).join(", ")}]`);
  return shorten(`{${Object.keys(value).slice(0, 16).join(", ")}}`);
}

/** Decimal, unless that would take long to work out. */
function renderBigint(value: bigint): string {
  const hexadecimal = value.toString(16);
  return hexadecimal.length > 64 ? `${shorten(hexadecimal)} (hexadecimal)n` : `${value}n`;
}

function renderPart(value: unknown): string {
  return typeof value === "object" && value !== null ? (Array.isArray(value) ? "[…]" : "{…}") : render(value);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
