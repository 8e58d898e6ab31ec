import fc from "fast-check";
import { expect, test } from "vitest";
import { cloneValue, defaultCodec } from "../../framework/record/default-codec.ts";
import { isSameValue } from "../../framework/state/same-value.ts";

const anyValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withNullPrototype: true,
  withSparseArray: true,
  maxDepth: 2,
});

test("E1: two values are the same exactly when their bytes are", () => {
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      expect(isSameValue(a, cloneValue(a))).toBe(true);
      const sameBytes = Buffer.compare(defaultCodec.encode(a), defaultCodec.encode(b)) === 0;
      expect(isSameValue(a, b)).toBe(sameBytes);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["the order of properties", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["-0", [0], [-0]],
  ["a hole", [undefined], Array.from({ length: 1 }).fill(undefined).toSpliced(0, 1).concat(Array(1))],
  ["undefined", { a: undefined }, {}],
  ["a prototype", {}, Object.create(null)],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["a date", new Date(1), new Date(2)],
])("E1: %s makes a difference", (_what, a, b) => {
  expect(isSameValue(a, b)).toBe(false);
});

test("E2: values that no codec takes are never the same", () => {
  expect(isSameValue(new Map(), new Map())).toBe(false);
  expect(isSameValue({ f: () => 1 }, { f: () => 1 })).toBe(false);
});
