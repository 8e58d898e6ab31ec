/** The metrics: their names and units, what of a worker's measures each shows, and the table in the README. */
import { AggregationTemporality, MeterProvider, MetricReader, type DataPoint } from "@opentelemetry/sdk-metrics";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { observeOn } from "../../framework/telemetry/instruments.ts";
import type { InstanceMeasures, InstanceWork, WorkerMeasures } from "../../framework/telemetry/measures.ts";
import { metrics, type Moment } from "../../framework/telemetry/metrics.ts";
import { root } from "../support/program.ts";

const work: InstanceWork = {
  recordsIn: 100,
  recordsOut: 90,
  late: 3,
  deadLetters: 2,
  windowsOut: 7,
  turns: 40,
  turnMs: 1_500,
  snapshots: 4,
};
const instance: InstanceMeasures = {
  stage: "sums",
  partition: 3,
  state: "running",
  work,
  watermark: 997_500,
  inbox: { lag: 12, bytes: 4_096 },
  snapshot: { atMs: 990_000, durationMs: 250, bytes: 65_536 },
  pendingRequests: 12,
  uncoveredMs: 10_000,
  turnP99Ms: 8,
};
const worker: WorkerMeasures = {
  job: "plant",
  generation: 2,
  worker: "w1",
  nowMs: 1_000_000,
  instances: [instance],
  departed: [],
  lanes: [{ to: "totals", frames: 50, resends: 5, bytes: 300 }],
  leader: { state: "running", workersAlive: 3, restarts: new Map([["crash", 2]]) },
};
const moment: Moment = { worker, loop: { p99Ms: 5, maxMs: 20 } };

/** The values of `seen`, by metric. */
function valuesOf(seen: Moment): Record<string, number[]> {
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric.points(seen).map(({ value }) => value)]));
}

const withInstance = (of: Partial<InstanceMeasures>): Moment => ({
  ...moment,
  worker: { ...worker, instances: [{ ...instance, ...of }] },
});

test("each shows its part of the measures, in seconds, bytes and counts", () => {
  expect(valuesOf(moment)).toEqual({
    "tidemark.records.in": [100],
    "tidemark.records.out": [90],
    "tidemark.records.late": [3],
    "tidemark.dead_letters": [2],
    "tidemark.windows.out": [7],
    "tidemark.watermark.lag": [2.5],
    "tidemark.inbox.lag": [12],
    "tidemark.inbox.size": [4_096],
    "tidemark.requests.pending": [12],
    "tidemark.snapshots": [4],
    "tidemark.snapshot.age": [10],
    "tidemark.snapshot.duration": [0.25],
    "tidemark.snapshot.size": [65_536],
    "tidemark.turns": [40],
    "tidemark.turn.time": [1.5],
    "tidemark.turn.duration.p99": [0.008],
    "tidemark.instances": [1],
    "tidemark.lane.frames": [50],
    "tidemark.lane.resends": [5],
    "tidemark.lane.size": [300],
    "tidemark.leader": [1],
    "tidemark.job.state": [1],
    "tidemark.workers": [3],
    "tidemark.restarts": [2],
    "tidemark.event_loop.delay.p99": [0.005],
    "tidemark.event_loop.delay.max": [0.02],
  });
});

describe("what is not known is not shown", () => {
  test.each([Infinity, -Infinity])("the lag of a watermark of %d", (watermark) => {
    expect(valuesOf(withInstance({ watermark }))["tidemark.watermark.lag"]).toEqual([]);
  });

  test("the inbox of a source stage, and a snapshot before the first", () => {
    const values = valuesOf(withInstance({ inbox: undefined, snapshot: { atMs: 0, durationMs: 0, bytes: 0 } }));
    expect(values["tidemark.inbox.lag"]).toEqual([]);
    expect(values["tidemark.inbox.size"]).toEqual([]);
    expect(values["tidemark.snapshot.duration"]).toEqual([]);
    expect(values["tidemark.snapshot.size"]).toEqual([]);
  });

  test("what only the leader knows, on another worker", () => {
    const values = valuesOf({ ...moment, worker: { ...worker, leader: undefined } });
    expect(values["tidemark.leader"]).toEqual([0]);
    for (const name of ["tidemark.job.state", "tidemark.workers", "tidemark.restarts"])
      expect(values[name]).toEqual([]);
  });
});

test("work done for an instance that has moved away stays counted; nothing else of it is shown", () => {
  const moved = { ...moment, worker: { ...worker, instances: [], departed: [{ stage: "sums", partition: 3, work }] } };
  const values = valuesOf(moved);
  expect(values["tidemark.records.in"]).toEqual([100]);
  expect(values["tidemark.inbox.lag"]).toEqual([]);
  expect(values["tidemark.instances"]).toEqual([]);
});

test("instances are counted by state", () => {
  const instances = ["running", "failed", "running"].map((state) => ({ ...instance, state }));
  const points = metrics
    .find(({ name }) => name === "tidemark.instances")
    ?.points({ ...moment, worker: { ...worker, instances } });
  expect(points).toEqual([
    { value: 2, attributes: { "tidemark.state": "running" } },
    { value: 1, attributes: { "tidemark.state": "failed" } },
  ]);
});

class HandReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

async function collect(reader: MetricReader) {
  const { resourceMetrics } = await reader.collect();
  const [scope] = resourceMetrics.scopeMetrics;
  return {
    scope: scope?.scope.name,
    metrics: new Map((scope?.metrics ?? []).map((metric) => [metric.descriptor.name, metric])),
  };
}

describe("as instruments", () => {
  test("every point says which job, generation and worker; units and kinds are the table's", async () => {
    const reader = new HandReader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
    const provider = new MeterProvider({ readers: [reader] });
    observeOn(provider.getMeter("tidemark"), () => moment);
    const found = (await collect(reader)).metrics;
    expect([...found.keys()]).toEqual(metrics.map(({ name }) => name));
    for (const { name, unit, kind } of metrics) {
      const metric = found.get(name);
      expect(metric?.descriptor.unit).toBe(unit);
      expect(metric !== undefined && "isMonotonic" in metric && metric.isMonotonic).toBe(kind === "counter");
    }
    const [point] = (found.get("tidemark.records.in")?.dataPoints ?? []) as DataPoint<number>[];
    expect(point).toMatchObject({
      value: 100,
      attributes: {
        "tidemark.job": "plant",
        "tidemark.generation": 2,
        "tidemark.worker": "w1",
        "tidemark.stage": "sums",
        "tidemark.partition": 3,
      },
    });
  });

  test("nothing is read between two collections, nor after the end", async () => {
    const reader = new HandReader();
    const provider = new MeterProvider({ readers: [reader] });
    let reads = 0;
    const stop = observeOn(provider.getMeter("tidemark"), () => {
      reads += 1;
      return moment;
    });
    await collect(reader);
    await collect(reader);
    expect(reads).toBe(2);
    stop();
    await collect(reader);
    expect(reads).toBe(2);
  });
});

test("the README's table is this one", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| `(tidemark\.[\w.]+)` \| (counter|gauge) \| `([^`]+)` \| (.+) \|$/gm)];
  expect(rows.map(([, name, kind, unit, description]) => ({ name, kind, unit, description }))).toEqual(
    metrics.map(({ name, kind, unit, description }) => ({ name, kind, unit, description })),
  );
});
