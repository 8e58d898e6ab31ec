/**
 * Strings from and to bytes, as fast as Node can.
 *
 * Owns a bounded cache of short ASCII strings, so that a key that arrives a million times is one string with one hash.
 *
 * T1. The cache never changes what is answered, only whether it is a new string; its size is fixed.
 */
import { Buffer } from "node:buffer";

/** Node's text methods behind `Buffer.write` and `Buffer.toString`, without their handling of options. */
interface RawText {
  utf8Write(text: string, at: number): number;
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

/** A buffer with {@link RawText}. */
export type TextBuffer = Buffer & RawText;

/** The most bytes one UTF-16 code unit takes in UTF-8. */
export const bytesPerCodeUnitMax = 3;

const shortLengthMax = 24;
const cachedLengthMax = 32;
/** A string has this many places in the cache: neighbours, told apart by their hashes without looking at the strings. */
const ways = 4;
const setBits = 13;
const hashes = new Int32Array(ways << setBits);
const texts: string[] = Array.from({ length: hashes.length }, () => "");
/** Which place of its set the next new string takes. */
let nextWay = 0;

/** A buffer of `capacity` bytes, not initialised. */
export function newTextBuffer(capacity: number): TextBuffer {
  return Buffer.allocUnsafeSlow(capacity) as TextBuffer;
}

/** The same bytes as a buffer with text methods; no copy. */
export function asTextBuffer(bytes: Uint8Array): TextBuffer {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer as TextBuffer;
}

/**
 * Writes `text` as UTF-8 at `at` and answers how many bytes that are, or -1 when it is ill-formed and UTF-8 cannot hold it.
 *
 * There must be room for three bytes per code unit.
 */
export function writeText(into: TextBuffer, text: string, at: number): number {
  const length = text.length;
  if (length <= shortLengthMax) {
    let seen = 0;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      seen |= unit;
      into[at + index] = unit;
    }
    if (seen < 128) return length;
  }
  const size = into.utf8Write(text, at);
  return size === length || text.isWellFormed() ? size : -1;
}

/** The UTF-8 text between `start` and `end`; short ASCII text comes from the cache (T1). */
export function readText(from: TextBuffer, start: number, end: number): string {
  const hash = hashOf(from, start, end);
  return hash === 0 ? from.utf8Slice(start, end) : cached(from, start, end, hash);
}

/**
 * As {@link readText}, for the texts that lie between each two of the first `count + 1` of `bounds`.
 *
 * Step by step for all of them, so that what lies far away in memory is waited for together.
 */
export function readTexts(from: TextBuffer, bounds: Int32Array, count: number): string[] {
  const own = hashesOf(from, bounds, count);
  const found: (string | undefined)[] = [];
  for (let index = 0; index < count; index++) {
    const hash = own[index]!;
    found.push(hash === 0 ? undefined : find(hash));
  }
  for (let index = 0; index < count; index++) {
    const start = bounds[index]!;
    const end = bounds[index + 1]!;
    const hash = own[index]!;
    const known = found[index];
    if (hash === 0) found[index] = from.utf8Slice(start, end);
    else if (known === undefined || !isAt(known, from, start, end)) found[index] = cached(from, start, end, hash);
  }
  return found as string[];
}

let hashRoom = new Int32Array(1024);

function hashesOf(from: TextBuffer, bounds: Int32Array, count: number): Int32Array {
  if (hashRoom.length < count) hashRoom = new Int32Array(2 * count);
  for (let index = 0; index < count; index++) hashRoom[index] = hashOf(from, bounds[index]!, bounds[index + 1]!);
  return hashRoom;
}

/** 0 for what is not cached: text that is long, or not ASCII. */
function hashOf(from: TextBuffer, start: number, end: number): number {
  if (end - start > cachedLengthMax) return 0;
  let hash = end - start;
  let seen = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24);
    seen |= word;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) {
    const byte = from[at]!;
    seen |= byte;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if ((seen & 0x80808080) !== 0) return 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash === 0 ? 1 : hash;
}

/** A text with this hash, probably the one. */
function find(hash: number): string | undefined {
  const set = setOf(hash);
  for (let place = set; place < set + ways; place++) if (hashes[place] === hash) return texts[place];
  return undefined;
}

function cached(from: TextBuffer, start: number, end: number, hash: number): string {
  const known = find(hash);
  if (known !== undefined && isAt(known, from, start, end)) return known;
  const text = from.latin1Slice(start, end);
  nextWay = (nextWay + 1) % ways;
  const place = setOf(hash) + nextWay;
  hashes[place] = hash;
  texts[place] = text;
  return text;
}

function setOf(hash: number): number {
  return (hash >>> (32 - setBits)) * ways;
}

function isAt(text: string, bytes: TextBuffer, start: number, end: number): boolean {
  const length = end - start;
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}
