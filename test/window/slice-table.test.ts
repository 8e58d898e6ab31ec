import fc from "fast-check";
import { expect, test } from "vitest";
import { SliceTable } from "../../framework/window/slice-table.ts";

test("T2: whatever comes and goes, each slice keeps its start and its numbers", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(fc.nat(9), { maxLength: 600 }), (slots, moves) => {
      const table = new SliceTable(slots);
      const held: { at: number; start: number }[] = [];
      for (const [index, move] of moves.entries()) {
        const gone = move < 3 ? held.splice(index % (held.length + 1), 1) : [];
        for (const { at } of gone) table.free(at);
        if (move < 3) continue;
        const at = table.allocate(index);
        for (let slot = 1; slot <= slots; slot++) table.numbers[at + slot] = index + slot / 10;
        held.push({ at, start: index });
      }
      const found = held.map(({ at }) => [...table.numbers.subarray(at, at + 1 + slots)]);
      expect(found).toEqual(
        held.map(({ start }) => [start, ...Array.from({ length: slots }, (_, slot) => start + (slot + 1) / 10)]),
      );
    }),
  );
});

test("an object is let go with its slice", () => {
  const table = new SliceTable(0);
  const places = [1, 2].map((start) => table.allocate(start));
  for (const at of places) table.objects[at] = { of: at };
  table.free(places[0] ?? -1);
  expect(places.map((at) => table.objects[at])).toEqual([undefined, { of: places[1] }]);
});
