/** Batch turns: a function takes a whole turn's values, and may await; nothing happens in between (design, section 4). */
import { describe, expect, test } from "vitest";
import {
  callback,
  fromArray,
  job,
  tumbling,
  type BatchFunction,
  type BatchModel,
  type BatchOptions,
  type Job,
} from "tidemark";
import { testJob } from "tidemark/testing";
import type { OperatorContext } from "../../framework/operator/contract.ts";
import { batchMapOperator } from "../../framework/operator/batch-map.ts";
import { BatchRunner } from "../../framework/actor/batch-turn.ts";
import { questions, type Question } from "./callee.ts";
import { Rig } from "./rig.ts";

type Model = BatchModel<Question, string>;

/** A model that remembers its batches, and awaits something each time. */
function model(version: string, batches: string[][], run?: (ids: readonly string[]) => readonly unknown[]): Model {
  return {
    deterministic: true,
    version,
    async run(values) {
      await Promise.resolve();
      const ids = values.map(({ id }) => id);
      batches.push(ids);
      return (run?.(ids) ?? ids.map((id) => `${id}!`)) as string[];
    },
  };
}

function inferring(
  batch: Model | BatchFunction<Question, string>,
  options: BatchOptions = {},
  snapshotInterval: "10s" | "1s" = "10s",
): Job {
  const plant = job("inferring", { partitions: 1, version: "test", snapshotInterval });
  const source = plant.source("questions", fromArray<Question>([])).timestamps((q) => q.at);
  const outputs = typeof batch === "function" ? source.mapBatch(batch, options) : source.mapBatch(batch, options);
  outputs.named("infer").to(callback("out", () => undefined));
  return plant;
}

describe("a deterministic model", () => {
  test("takes the values of a whole message at once, and its outputs keep order and timestamps", async () => {
    const batches: string[][] = [];
    const t = await testJob(inferring(model("1", batches)));
    await t.feed("questions", questions(0, 3));
    expect(batches).toEqual([["q0", "q1", "q2"]]);
    expect(t.take("out")).toEqual([
      { value: "q0!", timestamp: 0 },
      { value: "q1!", timestamp: 100 },
      { value: "q2!", timestamp: 200 },
    ]);
  });

  test("in calls of at most `size`", async () => {
    const batches: string[][] = [];
    const t = await testJob(inferring(model("1", batches), { size: 2 }));
    await t.feed("questions", questions(0, 5));
    expect(batches).toEqual([["q0", "q1"], ["q2", "q3"], ["q4"]]);
    expect(t.take("out")).toHaveLength(5);
  });

  test("nothing interleaves: no turn, no watermark and no snapshot while it is awaited", async () => {
    const waiting: ((outputs: string[]) => void)[] = [];
    const slow: Model = {
      deterministic: true,
      version: "1",
      run: () => new Promise((resolve) => waiting.push(resolve)),
    };
    const t = await testJob(inferring(slow, { timeout: "1h" }, "1s"));
    await t.feed("questions", questions(0, 1));
    await t.feed("questions", questions(1, 2));
    await t.watermark("questions", 500);
    await t.clock(20_000);
    expect(waiting).toHaveLength(1);
    expect(t.watermarkOf("infer")).toBe(-Infinity);
    expect(t.status().instances.find(({ name }) => name === "infer/0")?.snapshot).toBe(0);
    waiting[0]?.(["first"]);
    await t.settle();
    waiting[1]?.(["second"]);
    await t.clock(10_000);
    expect(t.take("out").map(({ value }) => value)).toEqual(["first", "second"]);
    expect(t.watermarkOf("infer")).toBe(500);
    expect(t.status().instances.find(({ name }) => name === "infer/0")?.snapshot).toBeGreaterThan(0);
  });

  test("nor is anything cut: after a crash behind it, nothing of the batch is missing", async () => {
    const waiting: (() => void)[] = [];
    const slow: Model = {
      deterministic: true,
      version: "1",
      run: (values) => new Promise((resolve) => waiting.push(() => resolve(values.map(({ id }) => id)))),
    };
    const t = await testJob(inferring(slow, { timeout: "1h" }, "1s"));
    await t.feed("questions", questions(0, 1));
    await t.feed("questions", questions(1, 2));
    await t.clock(5_000);
    waiting[0]?.();
    await t.clock(5_000);
    await t.crash("infer/0");
    for (let at = 1; at < waiting.length; at += 1) {
      waiting[at]?.();
      await t.settle();
    }
    await t.endOfInput();
    expect(t.take("out").map(({ value }) => value)).toEqual(["q0", "q1"]);
  });

  test("results of windows are a batch as well, and go before their watermark", async () => {
    const batches: number[][] = [];
    const plant = job("windows", { partitions: 1, version: "test" });
    plant
      .source("questions", fromArray<Question>([]))
      .timestamps((q) => q.at)
      .keyBy((q) => q.id)
      .window(tumbling("1s"))
      .aggregate((of) => ({ n: of.count() }))
      .named("counts")
      .mapBatch({
        deterministic: true,
        version: "1",
        run: (windows) => {
          batches.push(windows.map(({ value }) => value.n));
          return Promise.resolve(windows.map(({ key }) => key));
        },
      })
      .keyBy((key) => key)
      .window(tumbling("1s"))
      .aggregate((of) => ({ n: of.count() }))
      .named("again")
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await t.feed("questions", questions(0, 9, 3));
    await t.watermark("questions", 999);
    expect(batches).toEqual([[3, 3, 3]]);
    expect(t.take("out").map(({ value }) => (value as { key: string }).key)).toEqual(["q0", "q1", "q2"]);
    expect(t.lateRecords()).toEqual([]);
  });

  test("one poisonous value takes no other with it", async () => {
    const batches: string[][] = [];
    const poisoned = model("1", batches, (ids) => {
      if (ids.includes("q1")) throw new RangeError("cannot be inferred");
      return ids;
    });
    const t = await testJob(inferring(poisoned));
    await t.feed("questions", questions(0, 3));
    expect(t.take("out").map(({ value }) => value)).toEqual(["q0", "q2"]);
    expect(t.deadLetters()).toMatchObject([
      { operator: "infer", code: "USER_FUNCTION", reason: "cannot be inferred", value: { id: "q1" } },
    ]);
    expect(batches).toEqual([["q0", "q1", "q2"], ["q0"], ["q1"], ["q2"]]);
  });

  test("as many results as values, or it has failed", async () => {
    const t = await testJob(inferring(model("1", [], () => ["one too", "many"])));
    await t.feed("questions", questions(0, 1));
    expect(t.deadLetters()).toMatchObject([{ reason: "the batch function answered 2 results for 1 values" }]);
  });

  test("a crash during the await: the successor takes the same batch", async () => {
    const batches: string[][] = [];
    let isStuck = true;
    const t = await testJob(
      inferring({
        deterministic: true,
        version: "1",
        run(values) {
          batches.push(values.map(({ id }) => id));
          return isStuck ? new Promise(() => undefined) : Promise.resolve(values.map(({ id }) => id));
        },
      }),
    );
    await t.feed("questions", questions(0, 2));
    isStuck = false;
    await t.crash("infer/0");
    expect(batches).toEqual([
      ["q0", "q1"],
      ["q0", "q1"],
    ]);
    expect(t.take("out").map(({ value }) => value)).toEqual(["q0", "q1"]);
  });

  test("one that does not end in time ends the instance, not the record", async () => {
    const stuck: Model = { deterministic: true, version: "1", run: () => new Promise(() => undefined) };
    const t = await testJob(inferring(stuck, { timeout: "1s" }), { restart: { max: 1, within: "10m" } });
    await t.feed("questions", questions(0, 1));
    await expect(t.endOfInput()).rejects.toThrow(/a batch has not ended within 1000 ms/);
    expect(t.deadLetters()).toEqual([]);
  });

  test("a snapshot of another version does not go on", async () => {
    const t = await testJob(inferring(model("1", []), {}, "1s"));
    await t.feed("questions", questions(0, 1));
    await t.clock(10_000);
    const factory = t.plan.stages.find(({ name }) => name === "infer")?.operators[0]?.factory;
    const later = batchMapOperator({ call: () => [], version: "2", batchMax: 1, timeoutMs: Infinity });
    Object.assign(factory as object, { create: (context: OperatorContext) => later.create(context) });
    await t.crash("infer/0");
    expect(t.outcome).toBe("failed");
    expect(t.failure?.message).toMatch(/taken with version "1" of infer, and the program brings "2"/);
  });
});

describe("any other function", () => {
  test("is called outside of the turn, and its results are logged: a crash asks again only for what is not", async () => {
    const batches: string[][] = [];
    const keys: string[][] = [];
    const call: BatchFunction<Question, string> = (values, { idempotencyKeys }) => {
      batches.push(values.map(({ id }) => id));
      keys.push([...idempotencyKeys]);
      return values.map(({ id }) => `${id}, call ${batches.length}`);
    };
    const t = await testJob(inferring(call, { size: 2 }));
    await t.feed("questions", questions(0, 3));
    expect(batches).toEqual([["q0", "q1"], ["q2"]]);
    expect(new Set(keys.flat()).size).toBe(3);
    await t.crash("infer/0");
    await t.endOfInput();
    expect(batches).toHaveLength(2);
    expect(t.take("out").map(({ value }) => value)).toEqual(["q0, call 1", "q1, call 1", "q2, call 2"]);
  });

  test("one poisonous value takes no other with it", async () => {
    const call: BatchFunction<Question, string> = (values) => {
      if (values.some(({ id }) => id === "q1")) throw new Error("q1 is poison");
      return values.map(({ id }) => id);
    };
    const t = await testJob(inferring(call));
    await t.feed("questions", questions(0, 3));
    expect(t.take("out").map(({ value }) => value)).toEqual(["q0", "q2"]);
    expect(t.deadLetters()).toMatchObject([{ reason: "q1 is poison", value: { id: "q1" } }]);
  });
});

test("what a runner is asked after its incarnation is gone sees an aborted signal", async () => {
  const rig = new Rig();
  const runner = new BatchRunner(rig.clock, () => "key");
  runner.close();
  const spec = {
    call: (_: unknown, { signal }: { signal: AbortSignal }) => [signal.aborted],
    version: "1",
    batchMax: 1,
    timeoutMs: Infinity,
  };
  const outcomes = await rig.result(runner.run({ spec, values: [1], identities: [{ sequence: 1, ordinal: 1 }] }));
  expect(outcomes).toEqual([{ output: true }]);
});
