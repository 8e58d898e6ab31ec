/** What the sink holds, against what the load must give. */
import { expect, test } from "vitest";
import { judge, type StoredResult } from "../../../framework/scripts/chaos/verdict.ts";
import { expectedOf, type LoadShape } from "../../../framework/scripts/recovery/load.ts";

const shape: LoadShape = {
  beginMs: 10_000,
  recordsPerMs: 2,
  splits: 2,
  keys: 5,
  partitions: 3,
  windowMs: 500,
  stepMs: 5,
};
const endMs = 12_000;

function rightResults(): StoredResult[] {
  const results: StoredResult[] = [];
  for (let startMs = shape.beginMs; startMs < endMs; startMs += shape.windowMs)
    for (const [key, { count, weight }] of expectedOf(shape, startMs))
      results.push({ key, startMs, count, weight, storedMs: startMs + shape.windowMs + 3 });
  return results;
}

const [first, ...others] = rightResults();
if (first === undefined) throw new Error("no results");

test("everything once and right, in any order: nothing is wrong", () => {
  const verdict = { records: 4_000, results: 20, lost: 0, duplicated: 0, wrongWindows: 0, examples: [] };
  expect(judge(shape, endMs, rightResults())).toEqual(verdict);
  expect(judge(shape, endMs, rightResults().toReversed())).toEqual(verdict);
});

test.each([
  ["a missing window", others, { lost: first.count, duplicated: 0, wrongWindows: 1 }],
  ["a record too few", [...others, { ...first, count: first.count - 1 }], { lost: 1, duplicated: 0, wrongWindows: 1 }],
  ["a record too many", [...others, { ...first, count: first.count + 1 }], { lost: 0, duplicated: 1, wrongWindows: 1 }],
  [
    "one record instead of another",
    [...others, { ...first, weight: first.weight + 1 }],
    { lost: 0, duplicated: 0, wrongWindows: 1 },
  ],
  ["a window twice", [first, first, ...others], { lost: 0, duplicated: first.count, wrongWindows: 1 }],
  [
    "a window in two halves",
    [{ ...first, count: 1 }, { ...first, count: first.count - 1 }, ...others],
    { lost: 0, duplicated: 0, wrongWindows: 1 },
  ],
  [
    "a window behind the end",
    [first, ...others, { ...first, startMs: endMs }],
    { lost: 0, duplicated: first.count, wrongWindows: 1 },
  ],
  [
    "a key that there is not",
    [first, ...others, { ...first, key: 77 }],
    { lost: 0, duplicated: first.count, wrongWindows: 1 },
  ],
] as const)("V1: %s", (_what, results, wrong) => {
  const { examples, ...verdict } = judge(shape, endMs, results);
  expect(verdict).toMatchObject(wrong);
  expect(examples).toHaveLength(1);
});
