/** Which dead letters have been taken: each once, and in as few runs as there are gaps. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isWithin, TakenNumbers } from "../../framework/protocol/redelivery.ts";

test("RD1: a number is taken once, also after a restore", () => {
  const taken = new TakenNumbers();
  expect([3, 5, 3, 4, 4, 5].map((number) => taken.take(number))).toEqual([true, true, false, true, false, false]);
  const restored = new TakenNumbers();
  restored.restore(taken.ranges);
  expect([3, 4, 5, 6].map((number) => restored.take(number))).toEqual([false, false, false, true]);
  expect(taken.ranges).toEqual([{ first: 3, last: 5 }]);
});

test("RD2: whatever the order, the runs are those of the numbers, ascending, with gaps between them", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 }), (numbers) => {
      const taken = new TakenNumbers();
      const known = new Set<number>();
      for (const number of numbers) {
        expect(taken.take(number)).toBe(!known.has(number));
        known.add(number);
      }
      for (let number = 0; number <= 31; number += 1) expect(isWithin(taken.ranges, number)).toBe(known.has(number));
      const gaps = taken.ranges.slice(1).map(({ first }, at) => first - (taken.ranges[at]?.last ?? 0));
      expect(gaps.every((gap) => gap > 1)).toBe(true);
    }),
  );
});
