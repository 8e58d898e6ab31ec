/**
 * Changes bytes in the ways in which decoders break: flips, cuts, repetitions, splices, and numbers at the borders of their ranges.
 */
import type { Random } from "../../platform/platform.ts";

const changesMax = 6;
const sliceMax = 64;
const bytesMax = 64 * 1024;

/** Bytes that mean something in varints, lengths, tags and text. */
const interesting: readonly (readonly number[])[] = [
  [0],
  [0x7f],
  [0x80],
  [0xff],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
  [0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xc6, 0x7f, 0xff, 0xff, 0xff],
  [...Buffer.from("__proto__")],
  [...Buffer.from("constructor")],
  [0xed, 0xa0, 0x80],
];

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const changes: readonly Change[] = [
  (bytes, random) => withByte(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => withByte(bytes, random, () => random.below(256)),
  (bytes, random) => withByte(bytes, random, (byte) => (byte + (random.below(2) === 0 ? 1 : 255)) & 255),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), 0, pick(interesting, random)),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), sliceOf(random), pick(interesting, random)),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), sliceOf(random), []),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), 0, some(bytes, random)),
  (bytes, random, other) => put(bytes, random.below(bytes.length + 1), sliceOf(random), some(other, random)),
];

/** One of `corpus`, changed in a few places. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = Uint8Array.from(pick(corpus, random));
  for (let left = 1 + random.below(changesMax); left > 0; left -= 1)
    bytes = Uint8Array.from(pick(changes, random)(bytes, random, pick(corpus, random)));
  return bytes.subarray(0, bytesMax);
}

function pick<T>(of: readonly T[], random: Random): T {
  return of[random.below(of.length)] as T;
}

function sliceOf(random: Random): number {
  return 1 + random.below(sliceMax);
}

function some(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random.below(bytes.length + 1);
  return bytes.subarray(from, from + sliceOf(random));
}

function withByte(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const at = random.below(Math.max(1, bytes.length));
  if (at < bytes.length) bytes[at] = change(bytes[at] ?? 0);
  return bytes;
}

/** Replaces `count` bytes at `at`. */
function put(bytes: Uint8Array, at: number, count: number, inside: Uint8Array | readonly number[]): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(inside), bytes.subarray(at + count)]);
}
