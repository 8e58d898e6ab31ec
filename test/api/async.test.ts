/** What `mapAsync` and `mapBatch` may be told, and where the plan puts them. */
import { describe, expect, test } from "vitest";
import { asyncMap, batchMap } from "../../framework/api/async.ts";
import { job } from "../../framework/api/job.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describeText } from "../../framework/plan/describe.ts";
import { planText } from "../../framework/plan/plan-text.ts";
import { reservation } from "../../framework/plan/reserve.ts";
import { expectRefusal, outline, type Reading, readings, sink } from "../plan/doubles.ts";

const look = (r: Reading) => Promise.resolve(r.device);
const at = (r: Reading) => r.at;
const model = { deterministic: true, version: "3", run: (batch: readonly Reading[]) => batch } as const;

describe("options", () => {
  test("defaults are what their documentation says", () => {
    expect(asyncMap(look, {}).calls).toMatchObject({
      order: "ordered",
      batchMax: 1,
      capacity: 100,
      timeoutMs: 30_000,
      triesMax: 1,
      tryTimeoutMs: Infinity,
      backoffMs: 100,
      backoffMsMax: 10_000,
      resultBytesMax: 262_144,
    });
    expect(batchMap(() => [], {}).calls).toMatchObject({ batchMax: 64, capacity: 4, resultBytesMax: 16_384 });
  });

  test.each([
    [{ order: "sorted" }, 'mapAsync: order is "sorted"'],
    [{ capacity: 0 }, "mapAsync: capacity is 0"],
    [{ capacity: 1.5 }, "mapAsync: capacity is 1.5"],
    [{ timeout: 0 }, "mapAsync: timeout"],
    [{ retry: { attempts: 0 } }, "mapAsync: retry.attempts is 0"],
    [{ retry: { backoff: "soon" } }, "mapAsync: retry.backoff"],
    [{ retry: { tries: 3 } }, "tries"],
    [{ resultBytes: 1_000_000 }, "mapAsync: resultBytes is 1000000"],
    [{ limit: 3 }, "limit"],
  ])("mapAsync refuses %j when the plan is made", (options, reason) => {
    const plant = job("plant");
    plant
      .source("readings", readings())
      .mapAsync(look, options as never)
      .to(sink("out"));
    expectRefusal(() => compile(plant), 'job "plant", behind source "readings"', reason);
  });

  test.each([
    [{ ...model, version: "" }, {}, "version"],
    [{ ...model, deterministic: false }, {}, "deterministic"],
    [{ deterministic: true, version: "1" }, {}, "run"],
    [undefined, {}, "mapBatch takes a function"],
    [model, { capacity: 3 }, "capacity"],
    [model, { size: 0 }, "mapBatch: size is 0"],
  ])("mapBatch refuses %j with %j", (batch, options, reason) => {
    expect(() => batchMap(batch as never, options)).toThrow(reason);
  });
});

test("mapAsync takes a function", () => {
  expect(() => asyncMap({} as never, {})).toThrow("mapAsync takes a function, not object");
});

describe("place", () => {
  test("C5: a forward exchange stands before calls that would be made in a source stage", () => {
    const plant = job("plant");
    plant
      .source("readings", readings())
      .map((r) => r)
      .mapAsync(look)
      .named("look")
      .map((d) => d)
      .to(sink("out"));
    const plan = compile(plant);
    expect(plan.stages.map(({ name }) => name)).toEqual(["readings", "look"]);
    expect(plan.edges[0]).toMatchObject({ name: "readings.look", exchange: "forward" });
    expect(plan.stages[1]).toMatchObject({ partitions: 8, operators: [{ name: "look" }, { name: "map-2" }] });
  });

  test("behind another exchange they are chained", () => {
    const plant = job("plant");
    plant
      .source("readings", readings())
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .mapAsync(look)
      .to(sink("out"));
    expect(compile(plant).stages.map(({ name }) => name)).toEqual(["readings", "reduce"]);
  });

  test("batch turns stand where calls do; two of them in a row share the stage", () => {
    const plant = job("plant");
    plant.source("readings", readings()).mapBatch(model).mapAsync(look).to(sink("out"));
    const { stages } = compile(plant);
    expect(stages.map(({ name, operators }) => [name, operators.map((operator) => operator.name)])).toEqual([
      ["readings", []],
      ["map-batch", ["map-batch", "map-async"]],
    ]);
  });

  test("of a union, the branches from sources share one stage, and event time goes on", () => {
    const plant = job("plant");
    const one = plant.source("one", readings()).timestamps(at);
    const two = plant.source("two", readings()).timestamps(at);
    const counted = plant
      .source("three", readings())
      .timestamps(at)
      .keyBy((r) => r.device)
      .reduce((a) => a);
    one
      .union(two, counted)
      .mapAsync((r) => r)
      .named("look")
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .named("last")
      .to(sink("out"));
    const plan = compile(plant);
    expect(plan.edges.filter(({ exchange }) => exchange === "forward").map(({ name }) => name)).toEqual([
      "one.look",
      "two.look",
    ]);
    expect(outline(plan)).toEqual(outline(compile(plant)));
    expect(plan.stages.find(({ name }) => name === "reduce")?.operators.map(({ name }) => name)).toEqual([
      "reduce",
      "look-2",
    ]);
  });
});

test("R13: inboxes have room for as many results as may be on their way, and the plan says so", () => {
  const plant = job("plant", { partitions: 2 });
  plant
    .source("readings", readings())
    .mapAsync(look, { capacity: 16, resultBytes: 65_536 })
    .named("look")
    .to(sink("out"));
  const plan = compile(plant);
  const mebibyte = 1024 * 1024;
  expect(reservation(plan)).toMatchObject({
    inboxes: 2,
    bytesPerInbox: 130 * mebibyte,
    results: [{ stage: "look", bytesPerInbox: mebibyte }],
    totalBytes: (2 * 131 + 192) * mebibyte,
  });
  expect(describeText(plan)).toMatch("in each of look besides, results 1 MiB");
  const calls = "ordered, 16 calls at a time, each within 30s, results up to 65536 bytes";
  expect(describeText(plan)).toMatch(calls);
  expect(planText(plan)).toMatch(calls);
});
