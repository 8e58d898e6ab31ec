import { expect, test } from "vitest";
import { fromArray, fromArrays, generator } from "../../framework/connectors/memory.ts";
import { noCluster } from "./home.ts";
import { expectReplayable, openAs, openSplit, readSplit, replayable, valuesOf } from "./reading.ts";

test("an array is one bounded split with positions 1, 2, 3", async () => {
  const source = replayable(fromArray(["a", "b", "c"]));
  expect(source).toMatchObject({ positions: "dense", bounded: true });
  expect(await expectReplayable(source)).toEqual([
    { position: 1, value: "a" },
    { position: 2, value: "b" },
    { position: 3, value: "c" },
  ]);
});

test("values that are arrays stay values", async () => {
  expect(valuesOf(await readSplit(replayable(fromArray([[1], [2]]))))).toEqual([[1], [2]]);
});

test("several arrays are a split each", async () => {
  const source = replayable(fromArrays([[1, 2], [], [3]]));
  expect((await source.splits(noCluster)).map(({ name }) => name)).toEqual(["0", "1", "2"]);
  expect(valuesOf(await expectReplayable(source, 0))).toEqual([1, 2]);
  expect(await expectReplayable(source, 1)).toEqual([]);
  expect(valuesOf(await expectReplayable(source, 2))).toEqual([3]);
});

test("timestamps come with the source", () => {
  const spec = fromArray([{ at: 5 }], { timestamps: ({ at }) => at });
  expect(spec.timestamps?.outOfOrdernessMs).toBe(0);
  expect(spec.timestamps?.of({ at: 5 })).toBe(5);
  expect(fromArray([1]).timestamps).toBeUndefined();
});

test("an array of another length is another split", async () => {
  const [split] = await replayable(fromArray([1, 2])).splits(noCluster);
  if (split === undefined) throw new Error("no split");
  await expect(openAs(replayable(fromArray([1])), { split, after: 1 })).rejects.toMatchObject({
    code: "SOURCE_CHANGED",
  });
});

test("a generator deals its indexes to its splits", async () => {
  const source = replayable(generator({ count: 7, splits: 3, make: (index, split) => [index, split] }));
  expect(source).toMatchObject({ positions: "dense", bounded: true });
  expect(valuesOf(await expectReplayable(source, 0))).toEqual([
    [0, 0],
    [3, 0],
    [6, 0],
  ]);
  expect(valuesOf(await expectReplayable(source, 1))).toEqual([
    [1, 1],
    [4, 1],
  ]);
  expect(valuesOf(await expectReplayable(source, 2))).toEqual([
    [2, 2],
    [5, 2],
  ]);
});

test("a generator without a count does not end", async () => {
  const source = replayable(generator({ make: (index) => index }));
  expect(source.bounded).toBe(false);
  const { reader } = await openSplit(source, 0, 1_000_000);
  expect(reader.take()).toEqual({ position: 1_000_001, value: 1_000_000 });
});

test("S3: a record that cannot be made is an entry at its position", async () => {
  const make = (index: number): number => {
    if (index === 1) throw new Error("no one");
    return index;
  };
  expect(await expectReplayable(replayable(generator({ count: 3, make })))).toEqual([
    { position: 1, value: 0 },
    { position: 2, invalid: "no one", raw: "record 2 of split 0" },
    { position: 3, value: 2 },
  ]);
});

test("A1: the rate counts from the opening, over all splits together, and what is not due is waiting", async () => {
  const source = replayable(generator({ rate: 20, splits: 2, make: (index) => index }));
  const { reader, clock, wakes } = await openSplit(source, 0, 500);
  expect(reader.take()).toMatchObject({ position: 501 });
  expect(reader.take()).toBe("waiting");
  expect(reader.take()).toBe("waiting");
  expect(clock.scheduled).toBe(1);
  clock.moveTo(99);
  expect(wakes()).toBe(0);
  clock.moveTo(100);
  expect(wakes()).toBe(1);
  expect(reader.take()).toMatchObject({ position: 502 });
  expect(reader.take()).toBe("waiting");
});

test("A2: a reader that was held up catches up", async () => {
  const { reader, clock } = await openSplit(replayable(generator({ rate: 10, make: (index) => index })));
  clock.moveTo(1_000);
  const taken = Array.from({ length: 12 }, () => reader.take());
  expect(taken.filter((take) => take !== "waiting")).toHaveLength(11);
});

test("a closed reader leaves no wake-up", async () => {
  const { reader, clock } = await openSplit(replayable(generator({ rate: 1, make: (index) => index })));
  reader.take();
  reader.take();
  expect(clock.scheduled).toBe(1);
  reader.close();
  expect(clock.scheduled).toBe(0);
});

test.each([
  ["count is -1", { count: -1 }],
  ["count is 1.5", { count: 1.5 }],
  ["splits is 0", { splits: 0 }],
  ["rate is 0", { rate: 0 }],
  ["rate is NaN", { rate: Number.NaN }],
])("a generator refuses nonsense: %s", (message, options) => {
  expect(() => generator({ make: (index) => index, ...options })).toThrow(message);
});

test("no array at all is refused", () => {
  expect(() => fromArrays([])).toThrow("at least one array");
});
