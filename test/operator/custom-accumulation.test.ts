import { expect, test } from "vitest";
import type { Aggregate } from "../../framework/operator/aggregates.ts";
import { windowOperator, type Windowed } from "../../framework/operator/window.ts";
import { operatorHarness, type OperatorHarness } from "../../framework/testing/operator-harness.ts";
import { tumbling } from "../../framework/window/assigner.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- aggregates of any kind are tried
function harnessOf(aggregate: Aggregate<any, any, any>): OperatorHarness {
  return operatorHarness(windowOperator({ assigner: tumbling(10), aggregate }), {
    key: () => 1,
    poisonEachRecord: true,
  });
}

function valuesOf(harness: OperatorHarness): unknown[] {
  return harness
    .watermark(Infinity)
    .take()
    .main.map(({ value }) => (value as Windowed<number, unknown>).value);
}

const failing = { create: () => ({ n: 0 }), result: (held: { n: number }) => held.n };

test("U1: an accumulator that is changed in place is as it was after a throw", () => {
  const harness = harnessOf({
    ...failing,
    add(held, value) {
      held.n += 1;
      if (value === "bad") throw new Error("half-way");
      return held;
    },
  });
  for (const value of ["good", "bad", "good"]) operatorProcess(harness, value);
  expect(valuesOf(harness)).toEqual([2]);
});

/** Without poison: the record fails by itself. */
function operatorProcess(harness: OperatorHarness, value: string): void {
  harness.process(value, 1);
}

test("a copy of one's own is used instead of a deep one", () => {
  let copies = 0;
  const harness = harnessOf({
    create: () => ["start"],
    add: (held: string[], value: string) => {
      held.push(value);
      return held;
    },
    result: (held: string[]) => held.join(),
    copy(held: string[]) {
      copies += 1;
      return [...held];
    },
  });
  for (const value of ["a", "b", "c"]) harness.process(value, 1);
  expect(copies).toBe(4);
  expect(valuesOf(harness)).toEqual(["start,a,b,c"]);
});

test("an accumulator that no snapshot can hold is refused with the record that brings it", () => {
  const sets = harnessOf({
    create: () => new Set(),
    add: (held: Set<unknown>, value) => held.add(value),
    result: (held: Set<unknown>) => held.size,
  });
  sets.process(1, 1);
  expect(sets.take().deadLetters).toMatchObject([{ code: "VALUE_NOT_ENCODABLE" }]);
  const later = harnessOf({
    create: () => [],
    add: (held: unknown[], value) => [...held, value === 2 ? () => 1 : value],
    result: (held: unknown[]) => held.length,
  });
  for (const value of [1, 2, 3]) later.process(value, 1);
  expect(later.take().deadLetters).toMatchObject([{ code: "VALUE_NOT_ENCODABLE", value: 2 }]);
  expect(valuesOf(later)).toEqual([2]);
});

test("undefined and null are accumulators like any other", () => {
  const harness = harnessOf({
    create: () => undefined,
    add: (held: unknown, value) => (value === 1 ? undefined : [held ?? "none", null]),
    result: (held: unknown) => held ?? "none",
  });
  harness.process(1, 1).restore();
  harness.process(2, 2);
  expect(valuesOf(harness)).toEqual([["none", null]]);
});
