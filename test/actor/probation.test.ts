/**
 * Records that end their process, on virtual time (R15): probation, skips, and what stays whole.
 */
import { describe, expect, test } from "vitest";
import { callback, fromArray, job, value, type Job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";
import { JobNames } from "../../framework/log/names.ts";
import type { Pointer } from "../../framework/record/snapshot-record.ts";
import { decodePointer } from "../../framework/record/wire/snapshot.ts";

interface Item {
  readonly key: string;
  readonly n: number;
}

/** What item does to whatever runs it. */
type Harm = (item: Item) => void;

/** A running total per key; `harm` is a function of the program. */
function totals(harm: Harm, poison = {}): Job {
  const program = job("poisoned", { partitions: 2, version: "test", poison });
  program
    .source("items", fromArray<Item>([]))
    .keyBy(({ key }) => key)
    .process({
      state: { total: value<number>() },
      process(item, { state }) {
        harm(item);
        const total = (state.total.get() ?? 0) + item.n;
        state.total.set(total);
        return [{ key: item.key, total }];
      },
    })
    .named("totals")
    .to(callback("out", () => undefined));
  return program;
}

const items = (from: number, to: number): Item[] =>
  Array.from({ length: to - from }, (_, index) => ({ key: `k${index % 4}`, n: from + index }));

/** The sum of every key's last total. */
function sumOf(t: TestJob): number {
  const last = new Map<string, number>();
  for (const { value: row } of t.take("out")) {
    const { key, total } = row as { key: string; total: number };
    last.set(key, total);
  }
  return [...last.values()].reduce((sum, total) => sum + total, 0);
}

const sum = (all: readonly Item[]) => all.reduce((total, { n }) => total + n, 0);

describe.each([1, 2, 3])("R15: a record that ends its process, %i workers", (workers) => {
  test.each([
    ["its thread, once it has one", undefined],
    ["always the whole process", "process"],
  ] as const)("becomes a dead letter, alone; it ends %s", async (_, what) => {
    const t: TestJob = await testJob(
      totals((item) => void (item.n === 13 && t.die(what))),
      { workers },
    );
    await t.feed("items", [...items(0, 10), ...items(10, 30)]);
    await t.clock(30_000);
    await t.feed("items", items(30, 40));
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(sumOf(t)).toBe(sum(items(0, 40)) - 13);
    expect(t.deadLetters()).toEqual([
      expect.objectContaining({
        stage: "totals",
        code: "POISON",
        key: '"k3"',
        value: { key: "k3", n: 13 },
        reason: expect.stringMatching(/has ended its thread or process 2 times on probation/) as string,
      }),
    ]);
  });
});

test("R15: several of them, also in one message, are skipped one after the other; the budget of crashes is not touched", async () => {
  const t: TestJob = await testJob(
    totals((item) => void (item.n % 10 === 3 && t.die())),
    { workers: 2, restart: { max: 0 } },
  );
  await t.feed("items", items(0, 30));
  await t.clock(60_000);
  await t.endOfInput();
  expect(sumOf(t)).toBe(sum(items(0, 30)) - 3 - 13 - 23);
  expect(t.deadLetters()).toHaveLength(3);
});

test("R15: one at the source's own stage is skipped there", async () => {
  const program = job("at-source", { version: "test" });
  program
    .source("items", fromArray<Item>([]))
    .map((item) => {
      if (item.n === 4) t.die();
      return item.n;
    })
    .to(callback("out", () => undefined));
  const t: TestJob = await testJob(program, { workers: 2 });
  await t.feed("items", items(0, 8));
  await t.clock(30_000);
  await t.endOfInput();
  expect(t.take("out").map(({ value: n }) => n)).toEqual([0, 1, 2, 3, 5, 6, 7]);
  expect(t.deadLetters()).toHaveLength(1);
});

test("R15: a timer that ends its process is skipped like a record", async () => {
  const program = job("timers", { partitions: 1, version: "test" });
  program
    .source("items", fromArray<Item>([]))
    .timestamps(({ n }) => n)
    .keyBy(({ key }) => key)
    .process({
      process: ({ n }, { timers }) => void timers.onEventTime(n + 100),
      onTimer: (time) => {
        if (time === 102) t.die();
        return [time];
      },
    })
    .named("timers")
    .to(callback("out", () => undefined));
  const t: TestJob = await testJob(program, { workers: 2 });
  await t.feed("items", items(0, 4));
  await t.watermark("items", 1_000);
  await t.clock(30_000);
  await t.endOfInput();
  expect(t.take("out").map(({ value: time }) => time)).toEqual([100, 101, 103]);
  expect(t.deadLetters()).toMatchObject([{ code: "POISON", stage: "timers" }]);
});

/** The pointers of the stage `totals`. */
async function pointers(t: TestJob): Promise<Pointer[]> {
  const names = new JobNames("poisoned", 1);
  const read = async () => {
    const registers = await t.seams.registers("poisoned");
    return Promise.all([0, 1].map((partition) => registers.get(names.pointer("totals", partition))));
  };
  const reading = read();
  await t.settle();
  return (await reading).flatMap((found) => (found === undefined ? [] : [decodePointer(found.value)]));
}

test("R15: a skip is in the pointer before anything is replayed, and goes when a snapshot has passed it", async () => {
  const seen: { readonly skips: number; readonly before: number }[] = [];
  let skipped = 0;
  const t: TestJob = await testJob(
    totals((item) => void (item.n === 13 && t.die())),
    { workers: 2, snapshotInterval: "5s" },
  );
  await t.feed("items", items(0, 30));
  for (let round = 0; round < 40 && skipped === 0; round += 1) {
    await t.clock(100);
    const skips = (await pointers(t)).reduce((sumOfSkips, pointer) => sumOfSkips + pointer.skips.length, 0);
    seen.push({ skips, before: t.deadLetters().length });
    skipped = t.deadLetters().length;
  }
  expect(skipped).toBe(1);
  expect(seen.at(-1)?.skips).toBe(1);
  await t.clock(30_000);
  expect((await pointers(t)).map(({ skips }) => skips)).toEqual([[], []]);
  expect(t.status().instances.filter(({ skips }) => skips > 0)).toHaveLength(1);
});

test("R15: who has stood its probation goes back to its worker, and goes on as if nothing had been", async () => {
  const t: TestJob = await testJob(
    totals((item) => void (item.n === 13 && t.die())),
    { workers: 2, snapshotInterval: "5s" },
  );
  await t.feed("items", items(0, 30));
  expect(t.status().instances.some(({ isOnProbation }) => isOnProbation)).toBe(true);
  await t.clock(30_000);
  expect(t.status().instances.some(({ isOnProbation }) => isOnProbation)).toBe(false);
  await t.feed("items", items(30, 60));
  await t.endOfInput();
  expect(sumOf(t)).toBe(sum(items(0, 60)) - 13);
});

test("R15: a crash of an instance that ends nothing else puts nobody on probation", async () => {
  const t: TestJob = await testJob(
    totals(() => undefined),
    { workers: 2 },
  );
  await t.feed("items", items(0, 10));
  for (let count = 0; count < 4; count += 1) await t.crash("totals/0");
  expect(t.status().instances.every(({ isOnProbation }) => !isOnProbation)).toBe(true);
});

test.each([1, 3])(
  "R15: of %i, workers that die of something else put nobody on probation who has caught up in between",
  async (workers) => {
    const t: TestJob = await testJob(
      totals(() => undefined),
      { workers },
    );
    await t.feed("items", items(0, 20));
    for (let count = 0; count < 4; count += 1) {
      await t.crash("leader");
      await t.startWorker();
      await t.clock(5_000);
      expect(t.status().instances.every(({ isOnProbation }) => !isOnProbation)).toBe(true);
    }
    await t.endOfInput();
    expect(sumOf(t)).toBe(sum(items(0, 20)));
    expect(t.deadLetters()).toEqual([]);
  },
);
