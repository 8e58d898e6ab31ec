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
/** A cached text and its length are eight words: half a line of the processor's cache. */
const wordsEach = 8;
const cachedLengthMax = 28;
/** A string has this many places in the cache: neighbours, told apart by their hashes without looking at the strings. */
const ways = 4;
const setBits = 13;
const hashes = new Int32Array(ways << setBits);
const texts: string[] = Array.from({ length: hashes.length }, () => "");
/** Of each place its text's length, then its bytes, four to a word: a string is told to be the one without looking at itself. */
const contents = new Int32Array(hashes.length * wordsEach);
/** So many texts of a column are taken into the cache, and more only while a quarter of them has been there. */
const newMin = 64;
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

/** The UTF-8 text between `start` and `end`; short ASCII text comes from the cache (T1). `view` is of the same bytes. */
export function readText(from: TextBuffer, view: DataView, start: number, end: number): string {
  const hash = hashOf(view, start, end);
  return hash === 0 ? from.utf8Slice(start, end) : cached(from, view, { start, end, hash });
}

/**
 * As {@link readText}, for the texts that lie between each two of the first `count + 1` of `bounds`.
 *
 * Step by step for all of them, so that what lies far away in memory is waited for together.
 */
export function readTexts(from: TextBuffer, view: DataView, bounds: Int32Array, count: number): string[] {
  if (hashRoom.length < count) {
    hashRoom = new Int32Array(2 * count);
    placeRoom = new Int32Array(2 * count);
  }
  const own = hashRoom;
  const places = placeRoom;
  for (let index = 0; index < count; index++) {
    const hash = hashOf(view, bounds[index]!, bounds[index + 1]!);
    own[index] = hash;
    places[index] = hash === 0 ? -1 : placeOf(hash);
  }
  // oxlint-disable-next-line unicorn/no-new-array -- the elements follow, as many
  const found = new Array<string>(count);
  let unknown = 0;
  for (let index = 0; index < count; index++) {
    const start = bounds[index]!;
    const end = bounds[index + 1]!;
    const hash = own[index]!;
    const place = places[index]!;
    if (hash === 0) found[index] = from.utf8Slice(start, end);
    else if (place >= 0 && isAt(place, view, start, end)) found[index] = texts[place]!;
    // Texts that never come again would drive out those that do.
    else if (unknown++ < newMin || unknown < index - (index >> 2))
      found[index] = cached(from, view, { start, end, hash });
    else found[index] = from.latin1Slice(start, end);
  }
  return found;
}

let hashRoom = new Int32Array(1024);
let placeRoom = new Int32Array(1024);

/** Where a text lies, and its hash. */
interface Sought {
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

/** 0 for what is not cached: text that is long, or not ASCII. */
function hashOf(view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length > cachedLengthMax) return 0;
  let hash = length;
  let seen = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    seen |= word;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (at < end) {
    const word = lastWord(view, start, at, end);
    seen |= word;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if ((seen & 0x80808080) !== 0) return 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash === 0 ? 1 : hash;
}

/** The one to three bytes from `at` to `end` as a word: a whole one is read where the text has one before its end. */
function lastWord(view: DataView, start: number, at: number, end: number): number {
  if (end - start >= 4) return view.getInt32(end - 4, true) >>> ((4 - end + at) << 3);
  let word = 0;
  for (let from = end - 1; from >= at; from--) word = (word << 8) | view.getUint8(from);
  return word;
}

/** The place of a text with this hash, probably the one; -1 when there is none. */
function placeOf(hash: number): number {
  const set = setOf(hash);
  for (let place = set; place < set + ways; place++) if (hashes[place] === hash) return place;
  return -1;
}

function cached(from: TextBuffer, view: DataView, { start, end, hash }: Sought): string {
  const known = placeOf(hash);
  if (known >= 0 && isAt(known, view, start, end)) return texts[known]!;
  const text = from.latin1Slice(start, end);
  nextWay = (nextWay + 1) % ways;
  const place = setOf(hash) + nextWay;
  hashes[place] = hash;
  texts[place] = text;
  keep(place, view, start, end);
  return text;
}

function setOf(hash: number): number {
  return (hash >>> (32 - setBits)) * ways;
}

function keep(place: number, view: DataView, start: number, end: number): void {
  let word = place * wordsEach;
  contents[word++] = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) contents[word++] = view.getInt32(at, true);
  if (at < end) contents[word] = lastWord(view, start, at, end);
}

function isAt(place: number, view: DataView, start: number, end: number): boolean {
  let word = place * wordsEach;
  if (contents[word++] !== end - start) return false;
  let at = start;
  for (; at + 4 <= end; at += 4) if (contents[word++] !== view.getInt32(at, true)) return false;
  return at === end || contents[word] === lastWord(view, start, at, end);
}
