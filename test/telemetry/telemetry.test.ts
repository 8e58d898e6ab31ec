/** Metrics and health as a user has them: an embedded job, an endpoint, a collector, a provider of the program's own; and nothing of it where nothing is asked for. */
import { metrics as api } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { spawnSync } from "node:child_process";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { callback, embedded, fromArray, job, start, type Job, type JobHandle, type TelemetryOptions } from "tidemark";
import { stderrLogger } from "../../framework/platform/logger.ts";
import type { Platform } from "../../framework/platform/platform.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import type { WorkerMeasures } from "../../framework/telemetry/measures.ts";
import { metrics } from "../../framework/telemetry/metrics.ts";
import { resolveTelemetry } from "../../framework/telemetry/options.ts";
import { openTelemetry, type Telemetry } from "../../framework/telemetry/telemetry.ts";
import { startCollector, type Collector } from "../support/otlp.ts";
import { root } from "../support/program.ts";
import { until } from "../support/until.ts";

const fed = 1_000;

let lines: string[];
let platform: Platform;

beforeEach(() => {
  lines = [];
  const write = (line: string) => void lines.push(line);
  platform = {
    clock: realClock(),
    random: systemRandom(),
    logger: stderrLogger({ level: "debug", form: "lines", write }),
  };
});

/** Reads its input once; then it waits, as the sink holds the last row until `release`. */
function plant(release: Promise<void>): Job {
  const numbers = Array.from({ length: fed }, (_, at) => at);
  const program = job("plant", { partitions: 2, version: "test" });
  program
    .source("numbers", fromArray(numbers))
    .keyBy((number) => number % 10)
    .process({ process: (number) => (number === fed - 1 ? [number] : []) })
    .named("last")
    .to(callback("out", () => release));
  return program;
}

/** A job that completes when it may, at the latest when the test is through. */
interface Started extends JobHandle {
  complete(): Promise<void>;
}

async function started(telemetry: TelemetryOptions): Promise<Started> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const handle = await start(plant(promise), embedded(), { telemetry, platform });
  const complete = async () => {
    resolve();
    expect(await handle.done).toMatchObject({ state: "completed" });
  };
  onTestFinished(complete);
  return Object.assign(handle, { complete });
}

/** The samples of a scrape, by name and labels. */
async function scrape(url = ""): Promise<Map<string, number>> {
  const text = await (await fetch(url)).text();
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

function sum(samples: ReadonlyMap<string, number>, name: string, label: string): number {
  const found = [...samples].filter(([key]) => key.startsWith(`${name}{`) && key.includes(label));
  return found.reduce((total, [, value]) => total + value, 0);
}

/** Repeats `read` until `holds`. */
async function settled<T>(what: string, read: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
  const endMs = performance.now() + 15_000;
  for (;;) {
    const found = await read();
    if (holds(found)) return found;
    if (performance.now() > endMs) throw new Error(`not within 15 s: ${what}; found ${JSON.stringify(found)}`);
  }
}

describe("an embedded job with an endpoint", () => {
  test("records in are what was fed, once per stage; every metric that has a value is there", async () => {
    const { metricsUrl } = await started({ prometheus: 0 });
    const isRead = (samples: Map<string, number>) =>
      sum(samples, "tidemark_records_in_total", 'tidemark_stage="last"') === fed &&
      samples.size > 0 &&
      [...samples.keys()].some((key) => key.startsWith("tidemark_inbox_lag"));
    const samples = await settled("everything has been read", () => scrape(metricsUrl), isRead);
    expect(sum(samples, "tidemark_records_in_total", 'tidemark_stage="numbers"')).toBe(fed);
    expect(sum(samples, "tidemark_instances", 'tidemark_job="plant"')).toBe(3);
    expect(sum(samples, "tidemark_leader", "")).toBe(1);
    expect(sum(samples, "tidemark_job_state", 'tidemark_state="running"')).toBe(1);
    const names = new Set([...samples.keys()].map((key) => key.slice(0, key.indexOf("{"))));
    const expected = metrics.map(
      ({ name, kind }) => `${name.replaceAll(".", "_")}${kind === "counter" ? "_total" : ""}`,
    );
    // There is no event time and there are no restarts; a snapshot has been taken, or not.
    const absent = expected.filter((name) => !names.has(name) && !name.startsWith("tidemark_snapshot_"));
    expect(absent).toEqual(["tidemark_watermark_lag", "tidemark_restarts_total"]);
  });

  test("it is ready when it has joined, and says where it can be scraped", async () => {
    const { metricsUrl = "" } = await started({ prometheus: 0 });
    expect(metricsUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const ready = await settled(
      "ready",
      () => fetch(new URL("/readyz", metricsUrl)),
      ({ status }) => status === 200,
    );
    expect(await ready.json()).toEqual({ ready: true, reasons: [] });
  });

  test("a port that is taken: nothing is started", async () => {
    const { metricsUrl = "" } = await started({ prometheus: 0 });
    const taken = start(plant(Promise.resolve()), embedded(), {
      telemetry: { prometheus: Number(new URL(metricsUrl).port) },
      platform,
    });
    await expect(taken).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("the endpoint ends with the job", async () => {
    const handle = await started({ prometheus: 0 });
    await handle.complete();
    await expect(fetch(handle.metricsUrl ?? "")).rejects.toThrow("fetch failed");
  });
});

describe("a collector", () => {
  const newest = ({ sent }: Collector) => sent.at(-1)?.points ?? [];
  const valuesOf = (collector: Collector, name: string, stage: string) =>
    newest(collector).flatMap((point) =>
      point.name === name && point.attributes["tidemark.stage"] === stage ? [point.value] : [],
    );

  test("gets all metrics at intervals, and the last values at the end", async () => {
    const collector = await startCollector();
    const headers = { authorization: "Bearer s3cret" };
    const handle = await started({ otlp: { url: collector.url, headers, interval: "100ms" } });
    await until("two requests", () => collector.sent.length >= 2);
    expect(collector.sent[0]).toMatchObject({
      path: "/v1/metrics",
      headers: { authorization: "Bearer s3cret", "content-type": "application/x-protobuf" },
      resource: { "service.name": "plant" },
    });
    await until("all records are read", () => valuesOf(collector, "tidemark.records.in", "numbers")[0] === fed);
    const before = collector.sent.length;
    await handle.complete();
    expect(collector.sent.length).toBeGreaterThan(before);
    expect(valuesOf(collector, "tidemark.records.in", "numbers")).toEqual([fed]);
    expect(lines.join("")).not.toContain("s3cret");
  });

  test("E1: one that refuses is spoken of once, without the headers, and holds nothing up", async () => {
    const collector = await startCollector(401);
    const headers = { authorization: "Bearer s3cret" };
    const handle = await started({ otlp: { url: collector.url, headers, interval: "100ms" } });
    await until("three requests", () => collector.sent.length >= 3);
    const startedMs = performance.now();
    await handle.complete();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const said = lines.filter((line) => line.includes("metrics cannot be sent"));
    expect(said).toHaveLength(1);
    expect(JSON.parse(said[0] ?? "")).toMatchObject({ level: "warn" });
    expect(lines.join("")).not.toContain("s3cret");
  });

  test("E1: one that is absent holds a stop up for a second at most", async () => {
    const handle = await started({ otlp: { url: "http://127.0.0.1:9", interval: "100ms" } });
    const startedMs = performance.now();
    await handle.complete();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

describe("what is shown", () => {
  const measured = {
    of: { job: "plant", generation: 1, worker: "w", nowMs: 0, instances: [], departed: [], lanes: [] },
    state: "starting",
    measures(): WorkerMeasures {
      return { ...this.of, leader: { state: this.state, workersAlive: 1, restarts: new Map([["crash", 1]]) } };
    },
    obstacles: () => [],
  };

  async function shown(options: TelemetryOptions): Promise<Telemetry> {
    const telemetry = await openTelemetry(resolveTelemetry(options, {}), "plant", platform);
    onTestFinished(() => telemetry.close());
    return telemetry;
  }

  test("before the worker has been started it is not ready, and there is nothing to scrape", async () => {
    const { url = "" } = await shown({ prometheus: 0 });
    const response = await fetch(new URL("/readyz", url));
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ ready: false, reasons: ["the worker has not been started"] });
    expect(await (await fetch(url)).text()).not.toContain("tidemark_");
  });

  test("E2: a state that has passed is not shown any more; counts stay", async () => {
    const telemetry = await shown({ prometheus: 0 });
    telemetry.observe(measured);
    const before = await scrape(telemetry.url);
    expect(sum(before, "tidemark_job_state", 'tidemark_state="starting"')).toBe(1);
    measured.state = "running";
    const after = await scrape(telemetry.url);
    const states = [...after.keys()].filter((key) => key.startsWith("tidemark_job_state"));
    expect(states).toEqual([expect.stringContaining('tidemark_state="running"')]);
    expect(sum(after, "tidemark_restarts_total", 'tidemark_cause="crash"')).toBe(1);
  });

  test("E3: a collector and an endpoint at once: each reads for itself", async () => {
    const collector = await startCollector();
    const telemetry = await shown({ prometheus: 0, otlp: { url: collector.url, interval: "100ms" } });
    telemetry.observe(measured);
    await until("sent", () => collector.sent.length > 0);
    expect(sum(await scrape(telemetry.url), "tidemark_workers", "")).toBe(1);
  });
});

test("a meter provider of the program's own: the instruments are on it, as long as the job runs", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 3_600_000,
    exportTimeoutMillis: 1_000,
  });
  const provider = new MeterProvider({ readers: [reader] });
  api.setGlobalMeterProvider(provider);
  onTestFinished(async () => {
    api.disable();
    await provider.shutdown();
  });
  const handle = await started({});
  expect(handle.metricsUrl).toBeUndefined();
  const names = () =>
    exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap((scope) => scope.metrics.map(({ descriptor }) => descriptor.name)),
      );
  const flushed = () => provider.forceFlush().then(names);
  await settled("the instruments are on it", flushed, (found) => found.includes("tidemark.records.in"));
  await handle.complete();
  exporter.reset();
  await provider.forceFlush();
  expect(names()).toEqual([]);
});

test("a job that asks for nothing loads nothing of OpenTelemetry", { timeout: 120_000 }, () => {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve(specifier, context, next) {
      if (specifier.includes("opentelemetry")) console.log("loads", specifier);
      return next(specifier, context);
    } });
    const { default: plant } = await import("./examples/quick-start.ts");
    const { run } = await import("tidemark");
    const options = process.argv[1] === "on" ? { telemetry: { prometheus: 0 } } : {};
    await run(plant, undefined, options);
  `;
  const loads = (mode: string) => {
    const args = ["--input-type=module", "--eval", program, mode];
    const { stdout, status, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, TIDEMARK_NATS: "", TIDEMARK_METRICS_PORT: "" },
    });
    expect([status, stderr.replace(/^metrics and health: .*\n/, "")]).toEqual([0, ""]);
    return stdout.split("\n").filter((line) => line.startsWith("loads "));
  };
  expect(loads("off")).toEqual([]);
  expect(loads("on")).toContain("loads @opentelemetry/sdk-metrics");
});
