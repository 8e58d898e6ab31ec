/** Strings from bytes: the cache never changes what is answered. */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { asTextBuffer, readText, readTexts } from "../../framework/record/text.ts";

/** Short and long, ASCII and not, and now and then the same again. */
const anyText = fc.oneof(
  fc.constantFrom("", "a", "b", "é", "日本語", "x".repeat(32), "x".repeat(33)),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.nat(100_000).map((n) => `device-${n}`),
);

function bytesAndBounds(texts: readonly string[]): { bytes: Buffer; bounds: Int32Array } {
  const parts = texts.map((text) => Buffer.from(text));
  const bounds = new Int32Array(texts.length + 1);
  for (const [index, part] of parts.entries()) bounds[index + 1] = (bounds[index] ?? 0) + part.length;
  return { bytes: Buffer.concat(parts), bounds };
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

test("T1: texts come back as they are, one by one and together, whatever has been read before", () => {
  fc.assert(
    fc.property(fc.array(anyText, { maxLength: 60 }), (texts) => {
      const { bytes, bounds } = bytesAndBounds(texts);
      const from = asTextBuffer(bytes);
      const view = viewOf(bytes);
      expect(readTexts(from, view, bounds, texts.length)).toEqual(texts);
      expect(texts.map((_, index) => readText(from, view, bounds[index] ?? 0, bounds[index + 1] ?? 0))).toEqual(texts);
    }),
  );
});

test("T1: more different texts than the cache has places come back, again and again", () => {
  const texts = Array.from({ length: 50_000 }, (_, index) => `key-${index}`);
  const { bytes, bounds } = bytesAndBounds(texts);
  for (let round = 0; round < 3; round += 1)
    expect(readTexts(asTextBuffer(bytes), viewOf(bytes), bounds, texts.length)).toEqual(texts);
});

test("T1: texts that differ in their length, in zeros at the end or in one byte are told apart", () => {
  const texts = [
    "",
    "\0",
    "\0\0",
    "a",
    "a\0",
    "a\0\0\0",
    "abcd",
    "abcd\0",
    "abcde",
    "abcdf",
    "bbcde",
    "x".repeat(28),
    "x".repeat(29),
  ];
  const { bytes, bounds } = bytesAndBounds(texts);
  for (let round = 0; round < 3; round += 1)
    expect(readTexts(asTextBuffer(bytes), viewOf(bytes), bounds, texts.length)).toEqual(texts);
});
