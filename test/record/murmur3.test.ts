/**
 * MurmurHash3 against the reference implementation's results.
 */
import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { murmur3 } from "../../framework/record/murmur3.ts";

test.each([
  ["", 0],
  ["hello", 0x248bfa47],
  ["hello, world", 0x149bbb7f],
  ["The quick brown fox jumps over the lazy dog", 0x2e4ff723],
])("M1: the hash of %j is that of the reference", (text, hash) => {
  expect(murmur3(Buffer.from(text))).toBe(hash);
});

test("M1: only the first `length` bytes count", () => {
  expect(murmur3(Buffer.from("hello, world"), 5)).toBe(0x248bfa47);
});
