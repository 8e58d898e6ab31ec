import fc from "fast-check";
import { expect, test } from "vitest";
import { Slices } from "../../framework/window/slices.ts";

test("W1: slices are sorted by start and unique, and are found", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -20, max: 20 })), fc.integer({ min: -25, max: 25 }), (starts, sought) => {
      const slices = new Slices();
      for (const start of starts) {
        const at = slices.find(start);
        if (at < 0) slices.insert(-1 - at, start, `from ${start}`);
      }
      const sorted = [...new Set(starts)].toSorted((a, b) => a - b);
      expect(slices.starts).toEqual(sorted);
      expect(slices.accumulators).toEqual(sorted.map((start) => `from ${start}`));
      expect(slices.firstFrom(sought)).toBe(sorted.filter((start) => start < sought).length);
      expect(slices.find(sought) >= 0).toBe(sorted.includes(sought));
    }),
    { numRuns: 1000 },
  );
});

test("slices are removed one by one, or the first ones", () => {
  const slices = new Slices();
  for (const start of [1, 2, 3, 4]) slices.insert(slices.starts.length, start, start * 10);
  slices.removeAt(slices.find(3));
  slices.removeFirst(1);
  slices.removeFirst(0);
  expect([slices.starts, slices.accumulators]).toEqual([
    [2, 4],
    [20, 40],
  ]);
});
