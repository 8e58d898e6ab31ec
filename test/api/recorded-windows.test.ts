import { describe, expect, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import type { KeyedStream } from "../../framework/api/keyed-stream.ts";
import type { Stream } from "../../framework/api/stream.ts";
import { discard } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { count } from "../../framework/operator/aggregates.ts";
import { topN } from "../../framework/operator/library-aggregates.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describeText } from "../../framework/plan/describe.ts";
import { value } from "../../framework/state/descriptors.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { dropDelta, keepLast, keepWithin } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";
import { everyCount, everyInterval, onDelta, onTime, trigger } from "../../framework/window/trigger.ts";
import { countWindow, globalWindow } from "../../framework/window/unbounded.ts";

interface Reading {
  readonly device: string;
  readonly celsius: number;
  readonly at: number;
}

type Keyed = KeyedStream<string, Reading>;

function planned(build: (keyed: Keyed, all: Stream<Reading>) => Stream<unknown>, isTimed = true): Job {
  const plant = job("plant");
  const source = plant.source("readings", fromArray<Reading>([]));
  const readings = isTimed ? source.timestamps((r) => r.at) : source;
  build(
    readings.keyBy((r) => r.device),
    readings,
  ).to(discard());
  return plant;
}

describe("the plan refuses what makes no sense, with the place", () => {
  test.each<[string, (keyed: Keyed) => Stream<unknown>, string]>([
    ["a slide of 0", (k) => k.window(sliding("1m", 0)).aggregate(count()), "the slide of a sliding window is 0"],
    ["a negative gap", (k) => k.window(session(-1)).aggregate(count()), "the gap of a session is -1"],
    ["a count of 0", (k) => k.window(countWindow(0)).aggregate(count()), "the size of a count window is 0"],
    ["an option of counts", (k) => k.window(countWindow(2, { partial: true } as never)).aggregate(count()), "partial"],
    ["an option of sessions", (k) => k.window(session(5, { clock: 1 } as never)).aggregate(count()), "clock"],
    ["another clock", (k) => k.window(session(5, { time: "wall" } as never)).aggregate(count()), '"wall"'],
    ["an untriggered global window", (k) => k.window(globalWindow() as never).aggregate(count()), "needs a trigger"],
    [
      "a trigger of 0 records",
      (k) => k.window(tumbling(5)).trigger(everyCount(0)).aggregate(count()),
      "the count is 0",
    ],
    [
      "an early interval of 0",
      (k) => k.window(tumbling(5)).trigger(onTime().withEarly(0)).aggregate(count()),
      "interval",
    ],
    [
      "a delta of no threshold",
      (k) =>
        k
          .window(tumbling(5))
          .trigger(onDelta(NaN, () => 1))
          .aggregate(count()),
      "NaN",
    ],
    [
      "a trigger of nothing",
      (k) =>
        k
          .window(tumbling(5))
          .trigger(trigger({} as never))
          .aggregate(count()),
      "onRecord",
    ],
    ["a negative evictor", (k) => k.window(tumbling(5)).evict(keepLast(-1)).aggregate(count()), "keepLast is -1"],
    ["an evictor of no time", (k) => k.window(tumbling(5)).evict(keepWithin(0)).aggregate(count()), "keepWithin"],
    [
      "an evictor of no delta",
      (k) =>
        k
          .window(tumbling(5))
          .evict(dropDelta(NaN, () => 1))
          .aggregate(count()),
      "NaN",
    ],
    [
      "an option of evict",
      (k) =>
        k
          .window(tumbling(5))
          .evict(keepLast(1), { before: 1 } as never)
          .aggregate(count()),
      "before",
    ],
    ["an option of aggregate", (k) => k.window(tumbling(5)).aggregate(count(), { cause: true } as never), "cause"],
    ["negative lateness", (k) => k.window(session(5)).allowedLateness(-1).aggregate(count()), "allowedLateness"],
    ["lateness of counts", (k) => k.window(countWindow(5)).allowedLateness(1).aggregate(count()), "no late records"],
    ["top 0", (k) => k.window(tumbling(5)).aggregate(topN(0, (r) => r.celsius)), "the count of topN is 0"],
    [
      "state per session",
      (k) => k.window(session(5)).process({ windowState: { n: value<number>() }, process: () => [1] }),
      "sessions have no windowState",
    ],
  ])("%s", (_what, build, reason) => {
    const plant = planned(build);
    expect(() => compile(plant)).toThrow('job "plant", behind operator timestamps');
    expect(() => compile(plant)).toThrow(reason);
  });
});

test("what works in event time needs timestamps, what does not needs none", () => {
  expect(() => compile(planned((k) => k.window(session("1m")).aggregate(count()), false))).toThrow("event time");
  const everySecond = everyInterval("1s", { time: "event" });
  const global = (k: Keyed) => k.window(globalWindow()).trigger(everySecond).aggregate(count());
  expect(() => compile(planned(global, false))).toThrow("event time");
  compile(planned((k) => k.window(session("1m", { time: "processing" })).aggregate(count()), false));
  compile(planned((k) => k.window(countWindow(10)).aggregate(count()), false));
});

test("the plan says what windows, when they fire, and that one partition does the work of all keys", () => {
  const composed = onTime().orEvery({ count: 100 }).withEarly("10s").withLate({ count: 1 });
  const plant = planned((_keyed, all) =>
    all
      .windowAll(tumbling("1m"))
      .allowedLateness("1h")
      .trigger(composed)
      .evict(keepLast(10), { after: true })
      .aggregate(count()),
  );
  const plan = compile(plant);
  expect(plan.stages[1]?.partitions).toBe(1);
  expect(describeText(plan)).toContain(
    "count (tumbling 1m, lateness 1h, on time or every 100 records, early every 10s, late every 1 records, keep last 10 behind firings, not keyed, keeps all records)",
  );
});
