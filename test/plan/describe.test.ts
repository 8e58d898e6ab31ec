import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { average, max } from "../../framework/operator/aggregates.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describe as describePlan, describeText, guaranteeText } from "../../framework/plan/describe.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { codecNamed, pushed, type Reading, readings, sink } from "./doubles.ts";

function plantPlan(): Plan {
  const plant = job("plant", { partitions: 4, version: "7" });
  const source = plant.source("readings", readings({ of: (r) => r.at, outOfOrdernessMs: 5000 }));
  const byDevice = source
    .filter((r) => r.ok)
    .encodedWith(codecNamed("own"))
    .keyBy((r) => r.device);
  const averages = byDevice.window(tumbling("5m")).aggregate(average((r) => r.celsius));
  averages.to(sink("average celsius", "chained", "atLeastOnce"));
  averages.late().to(sink("late.jsonl", "global", "twoPhase"));
  const peaks = byDevice.window(sliding("60m", "1m")).aggregate(max((r) => r.celsius));
  peaks.named("peaks").to(sink("peaks"));
  return compile(plant);
}

test("the text has aligned columns for stages, edges and sinks, and the bytes reserved", () => {
  expect(describeText(plantPlan()).split("\n")).toEqual([
    "job plant",
    "  snapshots every 10s or 32 MiB of an inbox, onError: deadLetter",
    "",
    "stage       partitions  operator                            goes to",
    "readings    splits      readings()                          timestamps",
    "                        timestamps (up to 5s out of order)  filter",
    "                        filter                              average, peaks",
    'average     4           average (tumbling 5m)               "average celsius"; late records: late-jsonl',
    "late-jsonl  1           sink()",
    'peaks       4           peaks (max sliding 1h every 1m)     "peaks"',
    "",
    "edge                exchange  codec",
    "readings.average    keyed     own",
    "average.late-jsonl  global    own",
    "readings.peaks      keyed     own",
    "",
    "sink             writes  stage       guarantee",
    "average celsius  sink()  average     at least once; after a crash rows may come again",
    "late.jsonl       sink()  late-jsonl  each row once, visible when a snapshot covers it",
    "peaks            sink()  peaks       each row once; after a crash it is written again, the same",
    "",
    "reserves 1.3 GiB: 9 inboxes of 130 MiB, dead letters 64 MiB, late records 64 MiB, job log 64 MiB",
    "  an inbox: records 128 MiB, watermarks 1 MiB, fences 1 MiB",
    "",
  ]);
});

test("the object goes into JSON as it is", () => {
  const description = describePlan(plantPlan());
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
});

test("the object names stages, operators, edges, sinks with their guarantees, and what is reserved", () => {
  const { job: name, version, stages, edges, reserved } = describePlan(plantPlan());
  expect({ name, version }).toEqual({ name: "plant", version: "7" });
  expect(stages.map((stage) => [stage.name, stage.partitions, stage.source, stage.idleTimeout])).toEqual([
    ["readings", "splits", "readings()", "30s"],
    ["average", 4, undefined, undefined],
    ["late-jsonl", 1, undefined, undefined],
    ["peaks", 4, undefined, undefined],
  ]);
  expect(stages[1]?.operators).toEqual([
    {
      name: "average",
      kind: "average",
      description: expect.stringContaining("tumbling 5m") as string,
      goesTo: [{ kind: "sink", name: "average celsius" }],
      lateGoesTo: [[{ kind: "stage", name: "late-jsonl" }]],
      sides: [],
      states: [],
    },
  ]);
  expect(stages[1]?.sinks).toEqual([
    { name: "average-celsius", label: "average celsius", description: "sink()", guarantee: "atLeastOnce" },
  ]);
  expect(edges).toEqual([
    { name: "readings.average", from: "readings", to: "average", exchange: "keyed", port: 0, codec: "own" },
    { name: "average.late-jsonl", from: "average", to: "late-jsonl", exchange: "global", port: 0, codec: "own" },
    { name: "readings.peaks", from: "readings", to: "peaks", exchange: "keyed", port: 0, codec: "own" },
  ]);
  expect(reserved.inboxes).toBe(4 + 1 + 4);
});

test("a push source is told with its ingress logs", () => {
  const plant = job("plant", { replicas: 3 });
  plant
    .source("pushed", pushed())
    .map((r: Reading) => r)
    .to(sink("out"));
  const text = describeText(compile(plant));
  expect(text).toContain("an ingress log per split of pushed");
  expect(text).toContain("times 3 replicas");
});

test("every guarantee is told in words", () => {
  expect(Object.values(guaranteeText).every((words) => words.includes("once"))).toBe(true);
});
