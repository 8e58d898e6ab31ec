import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { count } from "../../framework/operator/aggregates.ts";
import { compile } from "../../framework/plan/compile.ts";
import type { JobOptions } from "../../framework/plan/options.ts";
import { difference, planText, stagesIn } from "../../framework/plan/plan-text.ts";
import type { Duration } from "../../framework/time/duration.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { readings, sink } from "./doubles.ts";

function textOf(size: Duration, options: JobOptions = {}): string {
  const plant = job("plant", options);
  const source = plant.source("readings", readings({ of: (r) => r.at, outOfOrdernessMs: 5000 }));
  source
    .keyBy((r) => r.device)
    .window(tumbling(size))
    .aggregate(count())
    .to(sink("out"));
  return planText(compile(plant));
}

test("T1: the text of a plan", () => {
  expect(textOf("5m").split("\n")).toEqual([
    "job plant",
    "  channelsMax 1000000",
    "  crashesMax 2",
    "  deterministicGlobals true",
    "  entriesMax 1000000",
    "  farFutureMs 86400000",
    "  frameBytesMax 262144",
    "  frameBytesTarget 32768",
    "  inboxBytes 134217728",
    "  lingerMs 5",
    "  onError deadLetter",
    "  partitions 8",
    "  replicas 1",
    "  restartsMax 5",
    "  retain forever",
    "  snapshotBytes 33554432",
    "  snapshotIntervalMs 10000",
    "  timersMax 100000",
    "  turnMsMax 10000",
    "  withinMs 60000",
    "stage readings, by split, idle after 30s, reads readings()",
    "  takes records to timestamps",
    "  operator timestamps: timestamps up to 5s out of order, to count",
    "stage count, 8 partitions",
    "  takes records to count",
    '  operator count: count tumbling 5m, to "out"',
    '  sink out "out": sink(), idempotent',
    "edge readings.count keyed, codec default",
    "",
  ]);
});

test("T1: equal plans have equal texts, whatever their version", () => {
  expect(textOf("5m", { version: "1" })).toBe(textOf("5m", { version: "2" }));
});

test("T1: another size, another option and another name are other texts", () => {
  const texts = [textOf("5m"), textOf("1m"), textOf("5m", { partitions: 4 }), textOf("5m", { onError: "fail" })];
  expect(new Set(texts).size).toBe(4);
});

test("the stages of a plan are read from its text again", () => {
  expect(stagesIn(textOf("5m"))).toEqual([
    { index: 0, name: "readings", partitions: 0, source: true },
    { index: 1, name: "count", partitions: 8, source: undefined },
  ]);
  expect(stagesIn("")).toEqual([]);
});

test("equal texts do not differ", () => {
  expect(difference(textOf("5m"), textOf("5m"))).toBe("");
});

test("T2: a difference shows the lines that changed below what they belong to", () => {
  const before = "job a\n  x 1\nstage s\n  operator o: 5m\n  sink k\nedge e";
  const after = "job a\n  x 1\nstage s\n  operator o: 1m\n  sink k\nedge e\nedge f";
  expect(difference(before, after)).toBe(
    ["  stage s", "-   operator o: 5m", "+   operator o: 1m", "+ edge f"].join("\n"),
  );
});

test("T2: a thing that is new is shown whole, its line once", () => {
  expect(difference("job a", "job a\nstage s\n  operator o")).toBe("+ stage s\n+   operator o");
});

test("a difference of real plans is short", () => {
  const lines = difference(textOf("5m"), textOf("1m")).split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[1]).toContain("tumbling 5m");
  expect(lines[2]).toContain("tumbling 1m");
});
