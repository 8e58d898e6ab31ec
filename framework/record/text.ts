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
const cacheSlots = 1 << 14;
const cache: (string | undefined)[] = Array.from({ length: cacheSlots });

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
  const length = end - start;
  if (length > cachedLengthMax) return from.utf8Slice(start, end);
  let hash = length;
  let seen = 0;
  for (let at = start; at < end; at++) {
    const byte = from[at]!;
    seen |= byte;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (seen > 127) return from.utf8Slice(start, end);
  const slot = (hash ^ (hash >>> 15)) & (cacheSlots - 1);
  const first = cache[slot];
  if (first !== undefined && isAt(first, from, start, length)) return first;
  const second = cache[slot ^ 1];
  if (second !== undefined && isAt(second, from, start, length)) return second;
  const text = from.latin1Slice(start, end);
  cache[slot ^ 1] = first;
  cache[slot] = text;
  return text;
}

function isAt(text: string, bytes: TextBuffer, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}
