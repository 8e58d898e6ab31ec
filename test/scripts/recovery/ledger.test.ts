/** The results of a measurement against its load: what counts as lost, doubled, wrong or merely repeated. */
import { beforeEach, describe, expect, test } from "vitest";
import { Ledger } from "../../../framework/scripts/recovery/ledger.ts";
import { expectedOf, partitionOfKey, type LoadShape } from "../../../framework/scripts/recovery/load.ts";
import type { ResultRow } from "../../../framework/scripts/recovery/messages.ts";

const shape: LoadShape = {
  beginMs: 10_000,
  recordsPerMs: 2,
  splits: 2,
  keys: 20,
  partitions: 3,
  windowMs: 1_000,
  stepMs: 5,
};
const endMs = 12_000;

let ledger: Ledger;
let numbers: number[];

beforeEach(() => {
  ledger = new Ledger(shape);
  numbers = [0, 0, 0];
});

/** Every right row, with the number its partition would give it. */
function rows(): { partition: number; row: ResultRow }[] {
  return [10_000, 11_000].flatMap((startMs) =>
    [...expectedOf(shape, startMs)].map(([key, { count, weight }]) => {
      const partition = partitionOfKey(shape, key);
      const number = (numbers[partition] = (numbers[partition] ?? 0) + 1);
      return { partition, row: [number, key, startMs, count, weight] as const };
    }),
  );
}

function addAll(all = rows()): void {
  for (const { partition, row } of all) ledger.add(partition, row, row[2] + 1_007);
}

const nothingWrong = { lost: 0, doubled: 0, wrong: 0, repeated: 0 };

test("every result once: right, with its delay from the end of its window", () => {
  addAll();
  expect(ledger.verdict(endMs)).toEqual({ ...nothingWrong, results: 40 });
  expect(ledger.isWhole(11_000)).toBe(true);
  expect(ledger.arrivals(11_000).map(({ delayMs }) => delayMs)).toEqual(Array.from({ length: 20 }, () => 7));
});

test("D1: a window has been passed when it has been at every split; what is said first counts", () => {
  ledger.passed(0, 11_000, 11_002);
  expect(ledger.passedMs(10_000)).toBeUndefined();
  ledger.passed(1, 11_000, 11_004);
  ledger.passed(0, 11_000, 11_900);
  expect(ledger.passedMs(10_000)).toBe(4);
});

describe("D2", () => {
  test("a missing one is lost", () => {
    addAll(rows().slice(1));
    expect(ledger.verdict(endMs)).toMatchObject({ ...nothingWrong, lost: 1 });
    expect(ledger.isWhole(10_000)).toBe(false);
  });

  test("one that comes again under its number is dropped; under another number it is doubled", () => {
    const all = rows();
    const [first] = all;
    if (first === undefined) throw new Error("no rows");
    const { partition, row } = first;
    addAll(all);
    ledger.add(partition, row, 20_000);
    expect(ledger.verdict(endMs)).toMatchObject({ ...nothingWrong, repeated: 1 });
    ledger.add(partition, [999, row[1], row[2], row[3], row[4]], 20_000);
    expect(ledger.verdict(endMs)).toMatchObject({ doubled: 1, repeated: 1, lost: 0, wrong: 0 });
  });

  test.each([
    [
      "another count",
      ([number, key, startMs, count, weight]: ResultRow): ResultRow => [number, key, startMs, count + 1, weight],
    ],
    [
      "another weight",
      ([number, key, startMs, count, weight]: ResultRow): ResultRow => [number, key, startMs, count, weight - 1],
    ],
  ])("%s is wrong", (_what, change) => {
    const [first, ...rest] = rows();
    if (first === undefined) throw new Error("no rows");
    addAll([{ ...first, row: change(first.row) }, ...rest]);
    expect(ledger.verdict(endMs)).toMatchObject({ ...nothingWrong, wrong: 1 });
  });

  test("a repetition that says something else is wrong, and so is a result from behind the end", () => {
    const all = rows();
    addAll(all);
    const [first] = all;
    if (first === undefined) throw new Error("no rows");
    const [number, key, startMs, count, weight] = first.row;
    ledger.add(first.partition, [number, key, startMs, count + 1, weight], 20_000);
    ledger.add(0, [500, 0, 12_000, 1, 1], 20_000);
    expect(ledger.verdict(endMs).wrong).toBeGreaterThanOrEqual(2);
  });
});
