import fc from "fast-check";
import { expect, test } from "vitest";
import { Row, Segment } from "../../framework/state/row.ts";
import { SliceTable } from "../../framework/window/slice-table.ts";
import { Slices } from "../../framework/window/slices.ts";

function slicesOf(table: SliceTable, first: number): { slices: Slices; row: Row; starts: () => readonly number[] } {
  const row = new Row("key", "key", 0, new Segment(0), [undefined]);
  const slices = new Slices(table, row, first);
  return { slices, row, starts: () => slices.places.map((_place, index) => slices.startOf(index)) };
}

test("W1: slices are sorted by start and unique, and are found; W3: the row knows the newest", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1 }),
      fc.integer({ min: -25, max: 25 }),
      (given, sought) => {
        const table = new SliceTable(1);
        const [first = 0] = given;
        const { slices, row, starts } = slicesOf(table, first);
        for (const start of given) {
          const index = slices.find(start);
          if (index < 0) slices.insert(-1 - index, start);
        }
        const sorted = [...new Set(given)].toSorted((a, b) => a - b);
        expect(starts()).toEqual(sorted);
        expect(table.start(row.newest)).toBe(sorted.at(-1));
        expect(slices.firstFrom(sought)).toBe(sorted.filter((start) => start < sought).length);
        expect(slices.find(sought) >= 0).toBe(sorted.includes(sought));
      },
    ),
    { numRuns: 1000 },
  );
});

test("slices are removed one by one, or the first ones", () => {
  const table = new SliceTable(1);
  const { slices, row, starts } = slicesOf(table, 1);
  for (const start of [2, 3, 4]) slices.insert(slices.places.length, start);
  slices.removeAt(slices.find(3));
  slices.removeFirst(1);
  slices.removeFirst(0);
  expect(starts()).toEqual([2, 4]);
  slices.removeAt(1);
  expect([starts(), table.start(row.newest)]).toEqual([[2], 2]);
  slices.removeFirst(1);
  expect([starts(), row.newest]).toEqual([[], -1]);
});
