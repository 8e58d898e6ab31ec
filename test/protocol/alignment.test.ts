import fc from "fast-check";
import { expect, test } from "vitest";
import { Alignment, alignmentsOf, type AlignedMember, type ReadLimit } from "../../framework/protocol/alignment.ts";

function member(partition: number, watermark: number, isActive = true, epoch = 1): AlignedMember {
  return { instance: { stage: 0, partition }, epoch, watermark, isActive };
}

/** An alignment of one stage, as `decide` of these members. */
function decider(maxDriftMs: number) {
  const alignment = new Alignment(maxDriftMs);
  let known: readonly AlignedMember[] = [];
  alignment.join(() => known);
  return {
    decide(members: readonly AlignedMember[], reporter: AlignedMember["instance"] | undefined, nowMs: number) {
      known = members;
      return alignment.decide(reporter, nowMs);
    },
  };
}

function told(limits: readonly ReadLimit[]): Readonly<Record<number, number>> {
  return Object.fromEntries(limits.map(({ instance, watermark }) => [instance.partition, watermark]));
}

test("D1: a split may read as far as the drift beyond the slowest other one that is active", () => {
  const alignment = decider(100);
  const members = [member(0, 50), member(1, 500), member(2, 10, false), member(3, Infinity, false)];
  expect(told(alignment.decide(members, undefined, 0))).toEqual({ 0: 600, 1: 150, 2: 150, 3: 150 });
});

test("D1: one that is alone, or alone among idle and ended ones, reads as it likes", () => {
  const alignment = decider(100);
  expect(told(alignment.decide([member(0, 50), member(1, 10, false)], undefined, 0))).toEqual({ 0: Infinity, 1: 150 });
});

test("D1: splits of a group wait for each other, of whatever stage they are; a partition is not another stage's of the same number", () => {
  const [one, other, alone, free] = alignmentsOf([
    { maxDriftMs: 100, driftGroup: "g" },
    { maxDriftMs: 100, driftGroup: "g" },
    { maxDriftMs: 100 },
    {},
  ]);
  expect([one === other, one === alone, free]).toEqual([true, false, undefined]);
  one?.join(() => [member(0, 50)]);
  other?.join(() => [{ ...member(0, 500), instance: { stage: 1, partition: 0 } }]);
  const limits = one?.decide(undefined, 0).map(({ instance, watermark }) => [instance.stage, watermark]);
  expect(limits).toEqual([
    [0, 600],
    [1, 150],
  ]);
  expect(one?.decide({ stage: 1, partition: 0 }, 1_000).map(({ instance }) => instance.stage)).toEqual([1]);
});

test("D3: while one has not reported, the others wait for it", () => {
  const alignment = decider(100);
  alignment.decide([member(0, 50), member(1, 20)], undefined, 0);
  const reassigned = [member(0, 50), member(1, -Infinity, true, 2)];
  expect(told(alignment.decide(reassigned, undefined, 1))).toEqual({ 0: -Infinity, 1: 150 });
});

test("D2: a limit is said again with a report of the split, once a second", () => {
  const alignment = decider(100);
  const members = [member(0, 50), member(1, 60)];
  const reporter = { stage: 0, partition: 0 };
  alignment.decide(members, reporter, 0);
  expect(told(alignment.decide(members, reporter, 999))).toEqual({});
  expect(told(alignment.decide(members, reporter, 1000))).toEqual({ 0: 160 });
  expect(told(alignment.decide(members, reporter, 1001))).toEqual({});
});

test("D2: whoever has far to go is not told of every step, and whoever has not is told at once", () => {
  const alignment = decider(100);
  alignment.decide([member(0, 50), member(1, 60)], undefined, 0);
  expect(told(alignment.decide([member(0, 55), member(1, 65)], undefined, 1))).toEqual({});
  expect(told(alignment.decide([member(0, 55), member(1, 101)], undefined, 2))).toEqual({ 1: 155 });
});

test("D1, D2: whatever happens, who was told a limit that has gone down or used up half of it knows the one that counts", () => {
  const anyChange = fc.tuple(
    fc.nat({ max: 2 }),
    fc.nat({ max: 300 }),
    fc.constantFrom("moves", "idles", "begins anew"),
  );
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 30 }), (changes) => {
      const alignment = decider(100);
      const members = [0, 1, 2].map((partition) => member(partition, -Infinity));
      const known = new Map<number, number>();
      for (const [at, [partition, step, what]] of changes.entries()) {
        const before = members[partition] ?? member(partition, 0);
        const reached = before.watermark === -Infinity ? step : before.watermark + step;
        members[partition] =
          what === "begins anew"
            ? member(partition, -Infinity, true, before.epoch + 1)
            : member(partition, reached, what === "moves", before.epoch);
        for (const limit of alignment.decide(members, { stage: 0, partition }, at)) {
          known.set(limit.instance.partition, limit.watermark);
        }
        for (const { instance, watermark } of members) {
          const others = members.filter((other) => other.instance !== instance && other.isActive);
          const right = Math.min(...others.map((other) => other.watermark)) + 100;
          const has = known.get(instance.partition) ?? Infinity;
          expect(has).toBeLessThanOrEqual(right);
          expect(has === right || watermark <= has - 50).toBe(true);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
