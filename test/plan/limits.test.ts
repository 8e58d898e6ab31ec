/** Limits of a job: one beyond, a plan is refused, or a record becomes a dead letter, and everything else goes on. */
import { callback, fromArray, job, type JobOptions, list, map, tumbling } from "tidemark";
import { testJob } from "tidemark/testing";
import { describe, expect, test } from "vitest";
import { compile } from "../../framework/plan/compile.ts";
import type { ListState, MapState } from "../../framework/state/descriptors.ts";
import { expectRefusal, readings, sink } from "./doubles.ts";

interface Order {
  readonly at: number;
  readonly key: string;
  readonly n: number;
}

const limits = { stateEntries: 3, timersPerKey: 2 };
const options: JobOptions = { partitions: 1, version: "1", limits };

/** Four orders of one key, and one of another, behind. */
const orders: readonly Order[] = [1, 2, 3, 4].map((n) => ({ at: n, key: "hot", n }));
const other: Order = { at: 5, key: "cold", n: 9 };

type Put = (
  state: { readonly mapped: MapState<number, number>; readonly listed: ListState<number> },
  n: number,
) => number;

describe("state of one key", () => {
  test.each<readonly [string, Put]>([
    ["a map", ({ mapped }, n) => (mapped.set(n, n), mapped.size)],
    ["a list", ({ listed }, n) => (listed.append(n), listed.size)],
    ["a list that is replaced", ({ listed }, n) => (listed.replace([...listed.values(), n]), listed.size)],
  ])(
    "%s takes as many entries as there may be; the record that brings one more is a dead letter",
    async (_what, put) => {
      const shop = job("shop", options);
      shop
        .source("orders", fromArray<Order>([]))
        .timestamps(({ at }) => at)
        .keyBy(({ key }) => key)
        .process({
          state: { mapped: map<number, number>(), listed: list<number>() },
          process: ({ key, n }, { state }) => [`${key} ${put(state, n)}`],
        })
        .to(callback("sizes", () => undefined));
      const t = await testJob(shop);
      await t.feed("orders", [...orders, other]);
      expect(t.take("sizes").map(({ value }) => value)).toEqual(["hot 1", "hot 2", "hot 3", "cold 1"]);
      expect(t.deadLetters()).toMatchObject([{ code: "LIMIT_EXCEEDED", value: { n: 4 } }]);
      await t.crash("process/0");
      await t.feed("orders", [
        { ...other, n: 10 },
        { at: 6, key: "hot", n: 5 },
      ]);
      expect(t.take("sizes").map(({ value }) => value)).toEqual(["cold 2"]);
      expect(t.deadLetters()).toHaveLength(2);
    },
  );

  test("a window that keeps its records takes as many; results are of those", async () => {
    const shop = job("shop", options);
    shop
      .source("orders", fromArray<Order>([]))
      .timestamps(({ at }) => at)
      .keyBy(({ key }) => key)
      .window(tumbling("1s"))
      .process({ process: (values: Iterable<Order>, { key }) => [`${key} ${[...values].map(({ n }) => n).join(",")}`] })
      .to(callback("rows", () => undefined));
    const t = await testJob(shop);
    await t.feed("orders", [...orders, other]);
    await t.endOfInput();
    expect(t.take("rows").map(({ value }) => value)).toEqual(["hot 1,2,3", "cold 9"]);
    expect(t.deadLetters()).toMatchObject([{ code: "LIMIT_EXCEEDED", value: { n: 4 } }]);
  });

  test("timers: as many as there may be fire; the record that registers one more is a dead letter, whatever else it did", async () => {
    const shop = job("shop", options);
    shop
      .source("orders", fromArray<Order>([]))
      .timestamps(({ at }) => at)
      .keyBy(({ key }) => key)
      .process({
        process: ({ n }, { timers }) => {
          timers.onEventTime(1_000 + n);
          timers.onEventTime(1_000 + n);
          return [];
        },
        onTimer: (time, { key }) => [`${key} ${time}`],
      })
      .to(callback("rows", () => undefined));
    const t = await testJob(shop);
    await t.feed("orders", [...orders, other]);
    await t.endOfInput();
    expect(t.take("rows").map(({ value }) => value)).toEqual(["hot 1001", "hot 1002", "cold 1009"]);
    expect(t.deadLetters()).toMatchObject([{ code: "LIMIT_EXCEEDED" }, { code: "LIMIT_EXCEEDED" }]);
  });
});

test("channels of one edge: as many as there may be are planned, one more is refused with both numbers", () => {
  const plant = (first: number, second: number) => {
    const made = job("plant", { limits: { channelsPerEdge: 12 } });
    made
      .source("readings", readings())
      .keyBy(({ device }) => device, { partitions: first })
      .reduce((one) => one)
      .keyBy(({ celsius }) => celsius, { partitions: second })
      .reduce((one) => one)
      .to(sink("out"));
    return made;
  };
  expect(() => compile(plant(4, 3))).not.toThrow();
  expectRefusal(
    () => compile(plant(7, 2)),
    "reduce.reduce-2 has 14 channels (7 partitions to 2)",
    "limits.channelsPerEdge is 12",
  );
});
