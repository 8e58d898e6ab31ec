/**
 * Joins by brute force: what the operators must come to, however their input is shuffled.
 */
import fc from "fast-check";
import type { HarnessOptions } from "../../framework/testing/operator-harness.ts";
import type { JoinType } from "../../framework/operator/join-type.ts";

/** A record of one of two inputs. */
export interface Sent {
  readonly port: 0 | 1;
  readonly key: string;
  readonly id: number;
  readonly time: number;
}

/** What a join says of two records, one of which may not be there. */
export type Said = readonly [left: number | undefined, right: number | undefined, time: number];

const sent = fc.record({
  port: fc.constantFrom<(0 | 1)[]>(0, 1),
  key: fc.constantFrom("a", "b", "__proto__"),
  time: fc.integer({ min: -20, max: 40 }),
});

/** Records of both inputs, in any order. */
export const input: fc.Arbitrary<readonly Sent[]> = fc
  .array(sent, { maxLength: 30 })
  .map((all) => all.map((one, id) => ({ ...one, id })));

/** Every kind of join. */
export const anyType: fc.Arbitrary<JoinType> = fc.constantFrom<JoinType[]>("inner", "left", "right", "full");

/** How the harness makes life hard; mostly not at all, which takes least time. */
export const anyMode: fc.Arbitrary<HarnessOptions> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant({ restoreEachStep: true }) },
  { weight: 1, arbitrary: fc.constant({ poisonEachRecord: true }) },
);

/** The pairs of `records` that `meet`, and those who stay alone, as `type` wants. */
export function naivePairs(
  records: readonly Sent[],
  type: JoinType,
  meet: (left: Sent, right: Sent) => boolean,
): readonly Said[] {
  const [lefts, rights] = [0, 1].map((port) => records.filter((record) => record.port === port)) as [Sent[], Sent[]];
  const pairs = lefts.flatMap((left) =>
    rights
      .filter((right) => right.key === left.key && meet(left, right))
      .map((right): Said => [left.id, right.id, Math.max(left.time, right.time)]),
  );
  const alone = (own: readonly Sent[], at: 0 | 1): readonly Said[] => {
    const met = new Set(pairs.map((one) => one[at]));
    const single = own.filter(({ id }) => !met.has(id));
    return single.map(({ id, time }): Said => (at === 0 ? [id, undefined, time] : [undefined, id, time]));
  };
  return [
    ...pairs,
    ...(type === "left" || type === "full" ? alone(lefts, 0) : []),
    ...(type === "right" || type === "full" ? alone(rights, 1) : []),
  ];
}

/** As texts, in an order of their own. */
export function sorted(all: readonly unknown[]): readonly string[] {
  return all.map((each) => JSON.stringify(each)).toSorted();
}
