/** Which steps of event time somebody waits for: against a list of what has been said. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventTimeDemand } from "../../framework/protocol/demand.ts";

const time = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(Infinity, -Infinity));

test("R10: a step is met when a due time lies behind its beginning and not behind its end, or every step counts", () => {
  const says = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), time), { maxLength: 12 });
  fc.assert(
    fc.property(says, time, time, (said, before, after) => {
      const demand = new EventTimeDemand();
      const newest = new Map<number, number>();
      for (const [partition, due] of said) {
        expect(demand.waits(partition, due)).toBe(newest.get(partition) !== due);
        newest.set(partition, due);
      }
      const dues = [...newest.values()];
      const isMet = dues.some((due) => due === -Infinity || (before < due && due <= after));
      expect(demand.isMet(before, after)).toBe(isMet);
    }),
  );
});

test("who waits for nothing, and who has said nothing, holds nothing up and moves nothing", () => {
  const demand = new EventTimeDemand();
  expect(demand.isMet(-Infinity, 1_000_000)).toBe(false);
  demand.waits(0, Infinity);
  expect(demand.isMet(-Infinity, 1_000_000)).toBe(false);
});
