/**
 * What all strings of a column begin with, written once: keys of one kind often differ in their last characters alone.
 *
 * CP1. Every string keeps at least one byte of its own: as many strings as announced are never believed without as many bytes.
 * CP2. A prefix has at most {@link prefixBytesMax} bytes, so that a string is never more than that much larger than its bytes.
 */
import type { ByteWriter } from "./byte-writer.ts";
import type { TextBuffer } from "./text.ts";
import { newTextBuffer } from "./text.ts";

/** The most bytes of a prefix (CP2). */
export const prefixBytesMax = 64;
/** A shorter prefix saves less than it costs. */
const prefixBytesMin = 2;
/** Fewer strings than this have no prefix. */
const stringsMin = 4;
/** Longer ends are copied by the engine. */
const endByHandMax = 32;
const firstRoom = 1 << 14;
const wordBytes = 4;

/** How many bytes all `strings` share at their beginnings; they lie back to back in `out` from `start` on, one byte per code unit. 0: none worthwhile. */
export function sharedBytes(out: ByteWriter, start: number, strings: readonly string[]): number {
  if (strings.length < stringsMin) return 0;
  let shared = Math.min(prefixBytesMax, strings[0]!.length - 1);
  let at = start;
  for (let index = 0; index < strings.length && shared >= prefixBytesMin; index++) {
    const { length } = strings[index]!;
    shared = sameBytes(out, start, at, Math.min(shared, length - 1));
    at += length;
  }
  return shared < prefixBytesMin ? 0 : shared;
}

function sameBytes({ bytes, view }: ByteWriter, one: number, other: number, limit: number): number {
  let same = 0;
  while (same + 4 <= limit && view.getInt32(one + same) === view.getInt32(other + same)) same += 4;
  while (same < limit && bytes[one + same] === bytes[other + same]) same++;
  return same;
}

/** Takes the first `shared` bytes out of each of `strings`, which lie back to back in `out` from `start` on; answers where they end then. */
export function removePrefix(out: ByteWriter, start: number, strings: readonly string[], shared: number): number {
  const { bytes } = out;
  let to = start;
  let at = start;
  for (let index = 0; index < strings.length; index++) {
    const end = at + strings[index]!.length;
    at += shared;
    if (end - at > endByHandMax) {
      bytes.copyWithin(to, at, end);
      to += end - at;
      at = end;
    } else while (at < end) bytes[to++] = bytes[at++]!;
  }
  return to;
}

/** Strings whole again, back to back in memory that is used for the next ones. */
export class WholeStrings {
  #bytes: TextBuffer = newTextBuffer(firstRoom);
  #view: DataView = viewOf(this.#bytes);

  get bytes(): TextBuffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /**
   * Puts `prefix` in front of each of the texts that lie in `from` between each two of the first `count + 1` of `bounds`, and makes these the bounds of
   * the whole ones.
   */
  restore(from: TextBuffer, prefix: Uint8Array, bounds: Int32Array, count: number): void {
    const size = prefix.length;
    this.#reserve(bounds[count]! - bounds[0]! + count * size + wordBytes);
    const bytes = this.#bytes;
    const view = this.#view;
    const source = viewOf(from);
    const head = viewOf(prefix);
    const wholeWords = size - (size % wordBytes);
    const lastWordAt = from.length - wordBytes;
    let to = 0;
    let at = bounds[0]!;
    for (let index = 0; index < count; index++) {
      const end = bounds[index + 1]!;
      bounds[index] = to;
      let unit = 0;
      for (; unit < wholeWords; unit += wordBytes, to += wordBytes) view.setInt32(to, head.getInt32(unit));
      for (; unit < size; unit++) bytes[to++] = prefix[unit]!;
      // Whole words, also past the end: what they bring too much is overwritten by the next string.
      while (at < end && at <= lastWordAt) {
        view.setInt32(to, source.getInt32(at));
        at += wordBytes;
        to += wordBytes;
      }
      if (at > end) to -= at - end;
      at = Math.min(at, end);
      while (at < end) bytes[to++] = from[at++]!;
    }
    bounds[count] = to;
  }

  #reserve(size: number): void {
    if (this.#bytes.length >= size) return;
    this.#bytes = newTextBuffer(2 * size);
    this.#view = viewOf(this.#bytes);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
