/**
 * MurmurHash3, x86, 32 bits, seed 0: over bytes, and its two steps for those who have the words at hand.
 *
 * M1. The result is that of the reference implementation; it decides where keys live, so it never changes.
 */

/** Mixes one little-endian word of four bytes into the hash. */
export function mixWord(hash: number, word: number): number {
  const mixed = hash ^ scramble(word);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Mixes the last one to three bytes (0 when there are none) and the length in bytes; answers the hash as uint32. */
export function finish(hash: number, tail: number, length: number): number {
  let mixed = hash ^ scramble(tail) ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The hash of the first `length` bytes, as uint32. */
export function murmur3(bytes: Uint8Array, length: number = bytes.length): number {
  const words = length & ~3;
  let hash = 0;
  for (let at = 0; at < words; at += 4) hash = mixWord(hash, wordAt(bytes, at));
  let tail = 0;
  for (let at = length - 1; at >= words; at--) tail = (tail << 8) | bytes[at]!;
  return finish(hash, tail, length);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
