import { describe, expect, test } from "vitest";
import type { BroadcastStream } from "../../framework/api/connected-streams.ts";
import { job, type Job } from "../../framework/api/job.ts";
import type { Stream } from "../../framework/api/stream.ts";
import { side } from "../../framework/operator/sides.ts";
import { compile } from "../../framework/plan/compile.ts";
import { map } from "../../framework/state/descriptors.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { keepLast } from "../../framework/window/evictor.ts";
import { everyCount } from "../../framework/window/trigger.ts";
import { globalWindow } from "../../framework/window/unbounded.ts";
import { expectRefusal, outline, type Reading, readings, sink } from "../plan/doubles.ts";

function alone(): { readonly plant: Job; readonly left: Stream<Reading> } {
  const plant = job("plant");
  return { plant, left: plant.source("left", readings()) };
}

function begin(): { readonly plant: Job; readonly left: Stream<Reading>; readonly right: Stream<Reading> } {
  const plant = job("plant");
  const timestamps = { of: (r: Reading) => r.at, outOfOrdernessMs: 0 };
  return {
    plant,
    left: plant.source("left", readings(timestamps)),
    right: plant.source("right", readings(timestamps)),
  };
}

const device = (r: Reading): string => r.device;
const nothing = () => undefined;
const both = { left: nothing, right: nothing };
const ruling = { rules: map<string, Reading>(), process: nothing, onBroadcast: nothing };

describe("connect", () => {
  test("is one stage with two keyed inputs, each with its key", () => {
    const { plant, left, right } = begin();
    left
      .keyBy(device, { partitions: 4 })
      .connect(right.keyBy((r) => String(r.celsius)))
      .process(both)
      .to(sink("out"));
    const { stages, edges } = compile(plant);
    expect(stages.at(-1)).toMatchObject({ name: "connect", partitions: 4 });
    expect(edges.slice(0, 2)).toMatchObject([
      { name: "left.connect", exchange: "keyed", port: 0, key: device },
      { name: "right.connect", exchange: "keyed", port: 1 },
    ]);
  });

  test("with a broadcast stream leads to every partition, without a key", () => {
    const { plant, left, right } = begin();
    left.keyBy(device).connect(right.broadcast()).process(ruling).to(sink("out"));
    const { edges } = compile(plant);
    expect(edges[1]).toMatchObject({ name: "right.broadcast", exchange: "broadcast", port: 1, key: undefined });
  });

  test("of a stream with itself has two edges", () => {
    const { plant, left } = alone();
    const keyed = left.keyBy(device);
    keyed.connect(keyed).process(both).to(sink("out"));
    expect(compile(plant).edges.slice(0, 2)).toMatchObject([
      { name: "left.connect", port: 0 },
      { name: "left.connect.2", port: 1 },
    ]);
  });

  test("of what has no keys, or another job's, is refused with the place", () => {
    const { plant, left, right } = begin();
    left
      .keyBy(device)
      .connect(right as unknown as BroadcastStream<Reading>)
      .process(ruling)
      .to(sink("out"));
    expectRefusal(() => compile(plant), 'behind source "left"', "connect: takes a keyed stream");
    const [one, other] = [begin(), begin()];
    one.left.keyBy(device).connect(other.right.keyBy(device)).process(both).to(sink("out"));
    expectRefusal(() => compile(one.plant), "another job");
  });

  test("of streams that say different partitions is refused: their records would not meet", () => {
    const { plant, left, right } = begin();
    left
      .keyBy(device, { partitions: 4 })
      .connect(right.keyBy(device, { partitions: 8 }))
      .process(both)
      .to(sink("out"));
    expectRefusal(() => compile(plant), "4 and 8 partitions");
  });
});

describe("side outputs", () => {
  test("of a process function lead where they are read", () => {
    const { plant, left } = alone();
    const sided = left
      .keyBy(device)
      .process({ sides: { odd: side<number>(), other: side<string>() }, process: nothing });
    sided.named("sorting").side("odd").to(sink("odd"));
    sided.side("other");
    sided.to(sink("out"));
    expect(outline(compile(plant))).toContain("  sorting > (out) odd > (odd) other > ");
  });

  test("that are not declared are refused with those that are", () => {
    const { plant, left } = alone();
    const sided = left.keyBy(device).process({ sides: { odd: side<number>() }, process: nothing });
    sided.side("even" as never).to(sink("out"));
    expectRefusal(() => compile(plant), "process has no side output even", "declared are odd");
  });

  test("with a declaration that is none are refused", () => {
    const { plant, left } = alone();
    left
      .keyBy(device)
      .process({ sides: { odd: map() as never }, process: nothing })
      .to(sink("out"));
    expectRefusal(() => compile(plant), "side output odd is not declared with side()");
  });
});

describe("split", () => {
  test("is one operator; a branch that nobody reads leads nowhere", () => {
    const { plant, left } = alone();
    const { hot } = left.split({ hot: (r) => r.celsius > 30, cold: (r) => r.celsius < 0 });
    hot.to(sink("out"));
    expect(outline(compile(plant))).toContain("  split >  hot > left.out cold > ");
  });

  test("without branches is refused with the place; so is one that leads nowhere at all", () => {
    const { plant, left } = alone();
    left.split({});
    left.to(sink("out"));
    expectRefusal(() => compile(plant), "split: needs at least one branch");
    const other = begin();
    other.left.split({ hot: () => true });
    other.left.union(other.right).to(sink("out"));
    expectRefusal(() => compile(other.plant), "operator split leads to no sink");
  });
});

describe("joins", () => {
  const select = (a: unknown, b: unknown) => [a, b];

  test("late records of each side are a stream; those that nobody reads go to the job", () => {
    const { plant, left, right } = begin();
    const joined = left.keyBy(device).intervalJoin(right.keyBy(device), { lower: "-5m", upper: "1h" }).select(select);
    joined.to(sink("out"));
    joined.lateRight().to(sink("missed"));
    const plan = compile(plant);
    expect(outline(plan)).toContain("  interval-join > (out) late > (missed)");
    expect(plan.stages.at(-1)?.operators[0]?.late).toEqual([[], [{ kind: "sink", sink: 1 }]]);
  });

  test("bounds that make no sense are refused with the place", () => {
    const refused = (options: object, ...words: readonly string[]) => {
      const { plant, left, right } = begin();
      left
        .keyBy(device)
        .intervalJoin(right.keyBy(device), options as { lower: 0; upper: 0 })
        .select(select)
        .to(sink("out"));
      expectRefusal(() => compile(plant), 'job "plant", behind source "left"', ...words);
    };
    refused({ lower: "5s", upper: "2s" }, "nothing lies in the interval [5s, 2s]");
    refused({ lower: 0, upper: 0, bounds: "[)" }, "nothing lies in the interval");
    refused({ lower: 0, upper: 1, bounds: "<>" }, 'bounds is "<>"');
    refused({ lower: 0, upper: 1, type: "outer" }, 'type is "outer"');
    refused({ lower: "soon", upper: 1 }, 'lower is "soon"');
    refused({ lower: 0 }, "upper is undefined");
    refused({ lower: 0, upper: 1, bound: "[)" }, "bound");
  });

  test("an interval join needs timestamps on both sides", () => {
    const plant = job("plant");
    const [left, right] = [plant.source("left", readings()), plant.source("right", readings())];
    left
      .timestamps((r) => r.at)
      .keyBy(device)
      .intervalJoin(right.keyBy(device), { lower: 0, upper: 1 })
      .select(select)
      .to(sink("out"));
    expectRefusal(() => compile(plant), "works in event time", 'records of source "right" have no timestamps');
  });

  test("window joins and groups are stages of both sides, named after what they do", () => {
    const { plant, left, right } = begin();
    const windows = left.keyBy(device).join(right.keyBy(device), { type: "full" }).window(tumbling("1m"));
    windows.allowedLateness("5s").select(select).to(sink("pairs"));
    const groups = left.keyBy(device).coGroup(right.keyBy(device)).window(globalWindow()).trigger(everyCount(2));
    groups.evict(keepLast(3)).select(select).to(sink("groups"));
    const operators = compile(plant).stages.flatMap((stage) => stage.operators);
    expect(operators.slice(-2).map(({ name, factory }) => `${name}: ${factory.description}`)).toEqual([
      "join: full, tumbling 1m, lateness 5s",
      "co-group: global, every 2 records, keep last 3",
    ]);
  });

  test("a join of a type that is none, and windows that make no sense, are refused with the place", () => {
    const { plant, left, right } = begin();
    const join = left.keyBy(device).join(right.keyBy(device), { type: "outer" as "left" });
    join.window(tumbling("1m")).select(select).to(sink("out"));
    expectRefusal(() => compile(plant), 'behind source "left"', 'join: type is "outer"');
    const other = begin();
    other.left.keyBy(device).coGroup(other.right.keyBy(device)).window(tumbling(0)).select(select).to(sink("out"));
    expectRefusal(() => compile(other.plant), 'behind source "left"', "0");
  });
});
