/** Stages whose instances live in threads of their worker: the same results, and what a thread that ends takes with it. */
import { describe, expect, test } from "vitest";
import { callback, fromArray, job, type Job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";
import { compile } from "../../framework/plan/compile.ts";
import { describeText } from "../../framework/plan/describe.ts";
import { planText } from "../../framework/plan/plan-text.ts";

interface Item {
  readonly at: number;
  readonly key: string;
}

/** Counts per key in threads, then hands on in the worker itself. `work` is called with each item. */
function counting(work: (item: Item) => void = () => undefined, threads: number | undefined = 2): Job {
  const counts = job("counting", { partitions: 4, version: "test" });
  counts
    .source("items", fromArray<Item>([]))
    .timestamps((item) => item.at)
    .keyBy((item) => item.key, { threads })
    .process({
      state: {},
      process(item) {
        work(item);
        return [{ ...item, weight: 1 }];
      },
    })
    .named("heavy")
    .keyBy((item) => item.key)
    .process({ state: {}, process: (item) => [item.key] })
    .named("light")
    .to(callback("out", () => undefined));
  return counts;
}

const items = (from: number, to: number): Item[] =>
  Array.from({ length: to - from }, (_, at) => ({ at: from + at, key: `k${(from + at) % 8}` }));
const taken = (t: TestJob) => t.take("out").length;
const epochOf = (t: TestJob, name: string) => t.status().instances.find((each) => each.name === name)?.epoch;

test("the option is checked, shown with the plan, and no part of its identity", () => {
  const text = (threads: number | undefined) => planText(compile(counting(undefined, threads)));
  expect(text(3)).toBe(text(undefined));
  expect(describeText(compile(counting(undefined, 3)))).toContain("4 in 3 threads");
  expect(() => compile(counting(undefined, 0))).toThrow(/keyBy: threads is 0/);
  expect(() => compile(counting(undefined, 65))).toThrow(/keyBy: threads is 65/);
});

describe.each([1, 3])("on %i workers", (workers) => {
  test("results are the same, in threads or not", async () => {
    for (const threads of [false, true]) {
      const t = await testJob(counting(), { workers, threads });
      await t.feed("items", items(0, 100));
      await t.endOfInput();
      expect([t.outcome, taken(t)]).toEqual(["completed", 100]);
    }
  });

  test("a thread that ends takes its instances with it, and nobody else; everything arrives once", async () => {
    let t: TestJob | undefined;
    let deaths = 0;
    const work = ({ at }: Item) => {
      if (at !== 50 || deaths > 0) return;
      deaths += 1;
      t?.die();
    };
    t = await testJob(counting(work), { workers, threads: true });
    await t.feed("items", items(0, 40));
    const before = [0, 1, 2, 3].map((partition) => epochOf(t, `light/${partition}`));
    const alive = t.workers.length;
    await t.feed("items", items(40, 100));
    await t.clock(5_000);
    expect(deaths).toBe(1);
    expect(t.workers).toHaveLength(alive);
    expect([0, 1, 2, 3].map((partition) => epochOf(t, `light/${partition}`))).toEqual(before);
    await t.endOfInput();
    expect([t.outcome, taken(t), t.deadLetters()]).toEqual(["completed", 100, []]);
  });

  test("a record that ends its thread again and again becomes a dead letter, as one that ends its process does (R15)", async () => {
    let t: TestJob | undefined;
    const work = ({ at }: Item) => {
      if (at === 50) t?.die();
    };
    t = await testJob(counting(work), { workers, threads: true });
    await t.feed("items", items(0, 100));
    await t.clock(60_000);
    await t.endOfInput();
    expect([t.outcome, taken(t)]).toEqual(["completed", 99]);
    expect(t.deadLetters()).toHaveLength(1);
  });
});

test("a worker that leaves takes last snapshots in its threads, too", async () => {
  const t = await testJob(counting(), { workers: 2, threads: true });
  await t.feed("items", items(0, 50));
  const leaving = t.workers[1]?.stop();
  await t.clock(5_000);
  await leaving;
  await t.feed("items", items(50, 100));
  await t.endOfInput();
  expect([t.outcome, taken(t)]).toEqual(["completed", 100]);
});
