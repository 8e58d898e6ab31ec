/** How outputs are compared with what a golden case expects. */
import { describe, expect, test } from "vitest";
import { difference } from "../../../framework/scripts/golden/compare.ts";
import type { GoldenCase, GoldenComparison, GoldenOutput } from "../../../framework/scripts/golden/format.ts";

const record = { key: "a", ts: 1 };
const watermark = { watermark: 5 };

function caseOf(compare: Partial<GoldenComparison>): GoldenCase {
  return {
    id: "one",
    family: "windows",
    pipeline: {},
    compare: { onRecord: "exact", onTime: "exact", ...compare },
    input: [],
    expected: { steps: [] },
  };
}

function outputs(...said: readonly (readonly [key: string, value: unknown, ts: number])[]): readonly GoldenOutput[] {
  return said.map(([key, value, ts]) => ({ key, value, ts, window: [0, 10] }));
}

const expected = outputs(["a", 1, 9], ["b", 2, 9], ["a", 3, 9], ["a", 4, 19]);
const keysMixed = outputs(["b", 2, 9], ["a", 1, 9], ["a", 3, 9], ["a", 4, 19]);
const runMixed = outputs(["a", 3, 9], ["a", 1, 9], ["b", 2, 9], ["a", 4, 19]);
const runsMixed = outputs(["a", 4, 19], ["a", 1, 9], ["b", 2, 9], ["a", 3, 9]);

describe.each([
  ["exact", [expected], [keysMixed, runMixed, runsMixed]],
  ["perKey", [expected, keysMixed], [runMixed, runsMixed]],
  ["perKeyWindow", [expected, keysMixed], [runMixed, runsMixed]],
  ["perKeyTs", [expected, keysMixed, runMixed], [runsMixed]],
  ["any", [expected, keysMixed, runMixed, runsMixed], []],
] as const)("%s", (order, taken, refused) => {
  const golden = caseOf({ onTime: order });

  test("takes what keeps the order that it asks for", () => {
    for (const main of taken)
      expect(difference(golden, watermark, { main, late: undefined }, { main: expected })).toBeUndefined();
  });

  test("refuses another order, and what is missing, too much or of another value", () => {
    const wrong = [...refused, expected.slice(1), [...expected, ...expected.slice(0, 1)], outputs(["a", 7, 9])];
    for (const main of wrong) {
      expect(difference(golden, watermark, { main, late: undefined }, { main: expected })).toMatch(
        /^main: expected .* found /s,
      );
    }
  });
});

test("records have a rule of their own, and fields may stand in any order", () => {
  const golden = caseOf({ onTime: "any" });
  const swapped = expected.map(({ key, ...others }) => ({ ...others, key }));
  expect(difference(golden, record, { main: swapped, late: undefined }, { main: expected })).toBeUndefined();
  expect(difference(golden, record, { main: keysMixed, late: undefined }, { main: expected })).toMatch(/^main/);
});

test("lists are compared in order, or as multisets where the case says so; windows always in order", () => {
  const [one, other] = [outputs(["a", [1, 2, 2], 9]), outputs(["a", [2, 1, 2], 9])];
  expect(difference(caseOf({}), record, { main: other, late: undefined }, { main: one })).toMatch(/^main/);
  expect(difference(caseOf({ lists: "any" }), record, { main: other, late: undefined }, { main: one })).toBeUndefined();
  const turned = one.map((output) => ({ ...output, window: [10, 0] }));
  expect(difference(caseOf({ lists: "any" }), record, { main: turned, late: undefined }, { main: one })).toMatch(
    /^main/,
  );
});

test("late records are compared exactly, where the case reads them", () => {
  const late = outputs(["a", 1, 2]);
  expect(difference(caseOf({}), record, { main: [], late }, { late })).toBeUndefined();
  expect(difference(caseOf({}), record, { main: [], late: [] }, { late })).toBe(
    'late: expected {"key":"a","ts":2,"value":1,"window":[0,10]}; found nothing',
  );
  expect(difference(caseOf({}), record, { main: [], late: undefined }, { late })).toBeUndefined();
});

test("one instance speaks in order of time, where the case says so", () => {
  const golden = caseOf({ onTime: "any", oneInstance: "byTime" });
  expect(difference(golden, watermark, { main: runsMixed, late: undefined }, { main: expected })).toMatch(
    /order of time/,
  );
  expect(difference(golden, watermark, { main: expected, late: undefined }, { main: expected })).toBeUndefined();
});
