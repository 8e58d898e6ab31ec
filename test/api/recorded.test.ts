import { expect, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import type { LateStream, Stream } from "../../framework/api/stream.ts";
import { average, count } from "../../framework/operator/aggregates.ts";
import type { ProgramNode } from "../../framework/plan/program.ts";
import { tumbling } from "../../framework/window/assigner.ts";
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
  expect(lastOf(plant)).toMatchObject({ kind: "keyed", key: device, partitions: 4, factory: { kind: "reduce" } });
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
  expect(lastOf(plant)).toEqual({ kind: "late", input: keyed });
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

test("options that do not exist are refused where they are written, with the nearest known one", () => {
  const { source } = begin();
  const [lateness, partitions] = [{ outOfOrdernes: "5s" } as object, { partition: 3 } as object];
  expectRefusal(() => source.timestamps((r) => r.at, lateness), "timestamps", 'did you mean "outOfOrderness"?');
  expectRefusal(() => source.keyBy(device, partitions), "keyBy", 'did you mean "partitions"?');
});

test.for([0, -1, 1.5, 32_769])("%d partitions of a stage are refused", (partitions) => {
  expectRefusal(() => begin().source.keyBy(device, { partitions }), "keyBy: partitions", String(partitions));
});

test.for([-1, "-5s", 0.5, "soon", Number.NaN] as const)("%o is no disorder and no idle timeout", (duration) => {
  const { source } = begin();
  expectRefusal(() => source.timestamps((r) => r.at, { outOfOrderness: duration as never }), "outOfOrderness");
  expectRefusal(() => source.timestamps((r) => r.at, { idleTimeout: duration as never }), "idleTimeout");
});

test.for([-1, "-5s", 0.5, "soon"] as const)("%o is no allowed lateness", (duration) => {
  const windows = begin().source.keyBy(device).window(tumbling("1m"));
  expectRefusal(() => windows.allowedLateness(duration as never), "allowedLateness");
});

test("union with something else than a stream is refused", () => {
  const { source } = begin();
  expectRefusal(() => source.union({} as Stream<Reading>), "union");
});

test("late of a stream without windows is refused, should the types be passed by", () => {
  const { source } = begin();
  expectRefusal(() => (source as LateStream<Reading, Reading>).late(), "late");
});
