import { describe, expect, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import type { LateStream, Stream } from "../../framework/api/stream.ts";
import { average, count } from "../../framework/operator/aggregates.ts";
import { compile } from "../../framework/plan/compile.ts";
import type { ProgramNode } from "../../framework/plan/program.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { codecNamed, expectRefusal, type Reading, readings, sink } from "../plan/doubles.ts";

function begin(): { readonly plant: Job; readonly source: Stream<Reading> } {
  const plant = job("plant");
  return { plant, source: plant.source("readings", readings()) };
}

const device = (r: Reading): string => r.device;

function lastOf({ nodes }: Job): ProgramNode | undefined {
  return nodes.at(-1);
}

test("every method answers a new stream and leaves the old one as it was", () => {
  const { plant, source } = begin();
  const good = source.filter((r) => r.ok);
  source.map(device);
  good.map(device);
  const [first, filter, second, third] = plant.nodes;
  expect(second).toMatchObject({ kind: "chained", input: first });
  expect(third).toMatchObject({ kind: "chained", input: filter });
});

test("filter keeps values, map and flatMap make others", () => {
  const { plant, source } = begin();
  source.filter((r) => r.ok);
  source.map(device);
  source.flatMap((r) => [r]);
  const chained = plant.nodes.filter((node) => node.kind === "chained");
  expect(chained.map(({ factory, keepsValues }) => [factory.kind, keepsValues])).toEqual([
    ["filter", true],
    ["map", false],
    ["flat-map", false],
  ]);
});

test("timestamps are monotonic and splits idle after 30 s where nobody says otherwise", () => {
  const { plant, source } = begin();
  source.timestamps((r) => r.at);
  expect(lastOf(plant)).toMatchObject({ kind: "timestamps", idleTimeoutMs: 30_000 });
});

test("keyBy alone says nothing; what follows it does, with key and partitions", () => {
  const { plant, source } = begin();
  const byDevice = source.keyBy(device, { partitions: 4 });
  expect(plant.nodes).toHaveLength(1);
  byDevice.reduce((a) => a);
  expect(lastOf(plant)).toMatchObject({
    kind: "keyed",
    inputs: [{ exchange: "keyed", key: device }],
    partitions: 4,
    factory: { kind: "reduce" },
  });
});

test("windows are a node once they are aggregated", () => {
  const { plant, source } = begin();
  const windows = source.keyBy(device).window(tumbling("1m")).allowedLateness("30s");
  expect(plant.nodes).toHaveLength(1);
  windows.aggregate(average((r) => r.celsius));
  windows.aggregate((of) => ({ n: of.count() }));
  windows.reduce((a) => a);
  const kinds = plant.nodes.filter((node) => node.kind === "keyed").map(({ factory }) => factory.kind);
  expect(kinds).toEqual(["average", "aggregate", "reduce"]);
});

test("process is a node with state", () => {
  const { plant, source } = begin();
  source.keyBy(device).process({ process: () => undefined });
  expect(lastOf(plant)).toMatchObject({ kind: "keyed", factory: { kind: "process", keyed: true } });
});

test("late refers to its window, through names and codecs", () => {
  const { plant, source } = begin();
  const windows = source.keyBy(device).window(tumbling("1m")).aggregate(count());
  const keyed = lastOf(plant);
  windows.named("n").encodedWith(codecNamed("own")).late();
  expect(lastOf(plant)).toEqual({ kind: "late", input: keyed, port: 0 });
});

test("union has its inputs in the order given", () => {
  const { plant, source } = begin();
  const mapped = source.map((r) => r);
  mapped.union(source, mapped);
  const [first, second] = plant.nodes;
  expect(lastOf(plant)).toEqual({ kind: "union", inputs: [second, first, second] });
});

test("to answers what can be named", () => {
  const { plant, source } = begin();
  source.to(sink("out")).named("results");
  expect(lastOf(plant)).toMatchObject({ kind: "named", name: "results", input: { kind: "sink" } });
});

/** Expects that `say` throws nothing, and that the plan is refused behind the source, with every one of `words`. */
function expectRefusalBehindSource(say: (source: Stream<Reading>) => unknown, ...words: readonly string[]): void {
  const { plant, source } = begin();
  say(source);
  source.to(sink("out"));
  expectRefusal(() => compile(plant), 'job "plant", behind source "readings": ', ...words);
}

describe("what makes no sense is refused by the plan, with its place", () => {
  test("options that do not exist, with the nearest known one", () => {
    const [lateness, partitions] = [{ outOfOrdernes: "5s" } as object, { partition: 3 } as object];
    const offset = { offest: "5s" } as object;
    expectRefusalBehindSource((s) => s.timestamps((r) => r.at, lateness), "timestamps", 'mean "outOfOrderness"?');
    expectRefusalBehindSource((s) => s.keyBy(device, partitions), "keyBy", 'did you mean "partitions"?');
    for (const [windows, kind] of [
      [tumbling("1m", offset), "tumbling"],
      [sliding("1m", "30s", offset), "sliding"],
    ] as const) {
      const counts = (s: Stream<Reading>) => s.keyBy(device).window(windows).aggregate(count());
      expectRefusalBehindSource(counts, `a ${kind} window: there is no option "offest"`, 'did you mean "offset"?');
    }
  });

  test.for([0, -1, 1.5, 32_769])("%d partitions of a stage", (partitions) => {
    expectRefusalBehindSource((s) => s.keyBy(device, { partitions }), "keyBy: partitions", String(partitions));
  });

  test.for([-1, "-5s", 0.5, "soon", Number.NaN] as const)("%o as disorder and as idle timeout", (duration) => {
    const said = duration as never;
    expectRefusalBehindSource((s) => s.timestamps((r) => r.at, { outOfOrderness: said }), "outOfOrderness");
    expectRefusalBehindSource((s) => s.timestamps((r) => r.at, { idleTimeout: said }), "idleTimeout");
  });

  test.for([-1, "-5s", 0.5, "soon"] as const)("%o as allowed lateness", (duration) => {
    const late = (s: Stream<Reading>) =>
      s
        .keyBy(device)
        .window(tumbling("1m"))
        .allowedLateness(duration as never);
    expectRefusalBehindSource((s) => late(s).aggregate(count()), "allowedLateness");
    expectRefusalBehindSource((s) => late(s).reduce((a) => a), "allowedLateness");
  });

  test.for([
    [tumbling(0), "the size of a tumbling window is 0"],
    [tumbling("-5s"), 'the size of a tumbling window is "-5s"'],
    [sliding(0, "1s"), "the size of a sliding window is 0"],
    [sliding("-1m", "1s"), 'the size of a sliding window is "-1m"'],
    [sliding("1m", 0), "the slide of a sliding window is 0"],
    [sliding("1m", "-1s"), 'the slide of a sliding window is "-1s"'],
    [tumbling("1m", { offset: "1m" }), "the offset 1m is not smaller than the size of the window, 1m"],
  ] as const)("windows: $1", ([windows, message]) => {
    expectRefusalBehindSource((s) => s.keyBy(device).window(windows).aggregate(count()), message);
    expectRefusalBehindSource(
      (s) =>
        s
          .keyBy(device)
          .window(windows)
          .reduce((a) => a),
      message,
    );
  });

  test("an aggregate that names nothing, or throws", () => {
    const windows = (s: Stream<Reading>) => s.keyBy(device).window(tumbling("1m"));
    expectRefusalBehindSource((s) => windows(s).aggregate(() => ({})), "names no aggregate");
    const broken = (): never => {
      throw new TypeError("of what?");
    };
    expectRefusalBehindSource((s) => windows(s).aggregate(broken), "of what?");
  });

  test("a union with something else than a stream", () => {
    for (const other of [{}, undefined, null, "stream", begin().plant] as never[]) {
      expectRefusalBehindSource((s) => s.union(other), "union", "this is none");
    }
  });

  test("late records of a stream without windows, should the types be passed by", () => {
    expectRefusalBehindSource((s) => (s as LateStream<Reading, Reading>).late(), "late: only windows");
  });

  test("the place is what stands before it, by the name that the user gave it", () => {
    const { plant, source } = begin();
    const good = source.filter((r) => r.ok).named("good");
    good.keyBy(device).window(tumbling(0)).aggregate(count()).to(sink("out"));
    expectRefusal(() => compile(plant), 'job "plant", behind "good": the size of a tumbling window is 0');
  });

  test("the first of several is named, and its cause kept", () => {
    const { plant, source } = begin();
    source.keyBy(device, { partitions: 0 }).window(tumbling(0)).aggregate(count()).to(sink("out"));
    expect(plant.problems).toHaveLength(2);
    const [first] = plant.problems;
    expect(first?.behind).toBe(plant.nodes[0]);
    expect(() => compile(plant)).toThrow(
      expect.objectContaining({ code: "PLAN_INVALID", cause: first?.error, message: expect.stringContaining("keyBy") }),
    );
  });

  test("programs that make sense have no problems", () => {
    const { plant, source } = begin();
    source.timestamps((r) => r.at, { outOfOrderness: "5s", idleTimeout: Infinity });
    source.keyBy(device).window(sliding("1m", "30s")).allowedLateness("1m").aggregate(count()).late().union(source);
    expect(plant.problems).toEqual([]);
  });
});
