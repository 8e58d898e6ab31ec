/** What a worker lets others measure, on a job that runs, and whether it is ready. */
import { describe, expect, test } from "vitest";
import { callback, fromArray, job, type Job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";
import type { Seams } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { InstanceMeasures, WorkerMeasures } from "../../framework/telemetry/measures.ts";
import { readings, twoExchanges } from "./jobs.ts";

/** One partition behind a source: rows for a sink. */
function passing(): Job {
  const plant = job("passing", { partitions: 1, version: "test" });
  plant
    .source("numbers", fromArray<number>([]))
    .keyBy((number) => number)
    .process({ process: (number) => [number] })
    .named("copies")
    .to(callback("out", () => undefined));
  return plant;
}

const measuresOf = (t: TestJob): WorkerMeasures[] => t.workers.map((worker) => worker.measures());

/** The instances of `stage`, of every worker. */
function instancesOf(t: TestJob, stage: string): InstanceMeasures[] {
  return measuresOf(t).flatMap(({ instances }) => instances.filter((instance) => instance.stage === stage));
}

function recordsIn(t: TestJob, stage: string): number {
  return instancesOf(t, stage).reduce((sum, { work }) => sum + work.recordsIn, 0);
}

function only<T>(all: readonly T[]): T {
  expect(all).toHaveLength(1);
  return all[0] as T;
}

describe("work", () => {
  test("records in and out, windows, turns: each instance's share, together everything", async () => {
    const t = await testJob(twoExchanges(), { workers: 2, partitions: 2 });
    await t.feed("readings", readings(4, 0, 2_000));
    await t.watermark("readings", 2_000);
    expect(recordsIn(t, "readings")).toBe(80);
    expect(recordsIn(t, "sums")).toBe(80);
    expect(instancesOf(t, "sums").reduce((sum, { work }) => sum + work.windowsOut, 0)).toBe(8);
    expect(recordsIn(t, "totals")).toBe(8);
    for (const { work } of instancesOf(t, "sums")) expect(work.turns).toBeGreaterThan(0);
    for (const { partition } of instancesOf(t, "totals")) expect([0, 1]).toContain(partition);
    for (const measures of measuresOf(t)) expect(measures).toMatchObject({ job: "two-exchanges", generation: 1 });
  });

  test("late records and dead letters", async () => {
    const plant = job("marks", { partitions: 1, version: "test" });
    plant
      .source("numbers", fromArray<number>([]))
      .timestamps((number) => number)
      .map((number) => {
        if (number === 13) throw new Error("unlucky");
        return number;
      })
      .keyBy(() => "all")
      .process({ process: (number) => [number] })
      .named("copies")
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await t.feed("numbers", [1, 13, 14]);
    expect(only(instancesOf(t, "numbers")).work).toMatchObject({ recordsIn: 3, deadLetters: 1 });
  });

  test("a crash and its replay never make a count go back: what is done twice is counted twice", async () => {
    const t = await testJob(twoExchanges(), { partitions: 1 });
    await t.feed("readings", readings(2, 0, 1_000));
    const before = only(instancesOf(t, "sums")).work;
    expect(before.recordsIn).toBe(20);
    await t.crash("sums/0");
    expect(only(instancesOf(t, "sums")).work).toMatchObject({ recordsIn: 40 });
    expect(t.status().instances.find(({ name }) => name === "sums/0")?.counts.recordsIn).toBe(20);
  });

  test("what a snapshot had counted elsewhere is not this worker's work", async () => {
    const t = await testJob(twoExchanges(), { partitions: 1, workers: 2 });
    await t.feed("readings", readings(2, 0, 1_000));
    await t.clock(15_000);
    const host = t.workers.find(({ instances }) => instances.some(({ name }) => name === "sums/0"));
    await t.crash(host?.id ?? "");
    await t.clock(5_000);
    expect(recordsIn(t, "sums")).toBe(0);
    await t.feed("readings", readings(2, 1_000, 1_100));
    expect(recordsIn(t, "sums")).toBe(2);
    await t.clock(1_500);
    expect(t.status().instances.find(({ name }) => name === "sums/0")?.counts.recordsIn).toBe(22);
  });
});

describe("load", () => {
  test("lag is what is stored and not read: back-pressure raises it, and it goes to 0 again", async () => {
    const t = await testJob(passing());
    t.sink("out").pause();
    for (let batch = 0; batch < 30; batch += 1) {
      await t.feed(
        "numbers",
        Array.from({ length: 500 }, (_, at) => at),
      );
      await t.clock(10);
    }
    await t.clock(2_000);
    const { inbox } = only(instancesOf(t, "copies"));
    expect(inbox?.lag).toBeGreaterThan(0);
    expect(inbox?.bytes).toBeGreaterThan(0);
    const status = t.status().instances.find(({ name }) => name === "copies/0");
    expect(status).toMatchObject({ lag: inbox?.lag, inboxBytes: inbox?.bytes });
    t.sink("out").resume();
    await t.clock(3_000);
    expect(only(instancesOf(t, "copies")).inbox?.lag).toBe(0);
    expect(t.status().instances.find(({ name }) => name === "copies/0")?.lag).toBe(0);
  });

  test("a source stage has no inbox", async () => {
    const t = await testJob(passing());
    await t.clock(5_000);
    expect(only(instancesOf(t, "numbers")).inbox).toBeUndefined();
    expect(t.status().instances.find(({ name }) => name === "numbers/0")).toMatchObject({ lag: 0, inboxBytes: 0 });
  });

  test("snapshots: how many, when, how large; and since when what has been read is not covered", async () => {
    const t = await testJob(twoExchanges(), { partitions: 1, now: 1_000_000, snapshotInterval: "10s" });
    await t.feed("readings", readings(2, 0, 1_000));
    await t.clock(1_000);
    const young = only(instancesOf(t, "sums"));
    expect(young).toMatchObject({ work: { snapshots: 0 }, snapshot: { atMs: 0 } });
    expect(young.uncoveredMs).toBeGreaterThanOrEqual(1_000);
    await t.clock(2_000);
    const { work, snapshot, uncoveredMs } = only(instancesOf(t, "sums"));
    expect(work.snapshots).toBe(1);
    expect(snapshot.atMs).toBeGreaterThan(1_001_000);
    expect(snapshot.bytes).toBeGreaterThan(100);
    expect(uncoveredMs).toBe(0);
    expect(t.status().instances.find(({ name }) => name === "sums/0")).toMatchObject({
      snapshotAt: snapshot.atMs,
      snapshotBytes: snapshot.bytes,
      snapshotDurationMs: snapshot.durationMs,
    });
  });

  test("event time is what has been reported: infinite before the first and after the end", async () => {
    const t = await testJob(twoExchanges(), { partitions: 1 });
    expect(only(instancesOf(t, "sums")).watermark).toBe(-Infinity);
    await t.feed("readings", readings(1, 0, 500));
    await t.watermark("readings", 400);
    expect(only(instancesOf(t, "sums")).watermark).toBe(400);
  });
});

describe("lanes", () => {
  test("frames by the stage they lead into; side streams by their names", async () => {
    const t = await testJob(twoExchanges(), { partitions: 2 });
    await t.feed("readings", readings(4, 0, 2_000));
    await t.watermark("readings", 2_000);
    const { lanes } = only(measuresOf(t));
    expect(lanes.map(({ to }) => to).toSorted()).toEqual(["sums", "totals"]);
    for (const lane of lanes) {
      expect(lane.frames).toBeGreaterThan(0);
      expect(lane).toMatchObject({ resends: 0, bytes: 0 });
    }
  });

  test("frames whose appends are lost are sent again, and counted", async () => {
    let toLose = 0;
    const isLost = () => toLose > 0 && (toLose -= 1) >= 0;
    const t = await testJob(passing(), { seams: (clock) => losing(new MemorySeams(clock), isLost) });
    const source = t.source("numbers");
    await t.feed("numbers", [1]);
    expect(only(only(measuresOf(t)).lanes)).toMatchObject({ frames: 1, resends: 0 });
    toLose = 2;
    source.feed([2], 0);
    await t.virtualClock.until(() => toLose === 0, 10_000);
    expect(only(only(measuresOf(t)).lanes)).toMatchObject({ frames: 3, resends: 1 });
    expect(only(only(measuresOf(t)).lanes).bytes).toBeGreaterThan(0);
    await t.clock(10_000);
    expect(only(only(measuresOf(t)).lanes)).toMatchObject({ frames: 4, resends: 2, bytes: 0 });
    expect(recordsIn(t, "copies")).toBe(2);
  });
});

describe("the leader", () => {
  test("knows the job's state, who lives, and restarts by cause; the others say nothing of that", async () => {
    const t = await testJob(twoExchanges(), { workers: 3, partitions: 2 });
    expect(measuresOf(t).filter(({ leader }) => leader !== undefined)).toHaveLength(1);
    await t.crash("sums/1");
    await t.crash("sums/0");
    const victim = t.workers.find(({ isLeader, instances }) => !isLeader && instances.length > 0);
    const lost = victim?.instances.length ?? 0;
    expect(lost).toBeGreaterThan(0);
    await t.crash(victim?.id ?? "");
    await t.clock(5_000);
    const { leader } = t.leader.worker.measures();
    expect(leader).toMatchObject({ state: "running", workersAlive: 2 });
    expect(leader?.restarts.get("crash")).toBe(2);
    expect(leader?.restarts.get("workerLost")).toBe(lost);
  });
});

describe("obstacles", () => {
  test("none once the worker has joined and hears itself; the server silent: one, until it answers again", async () => {
    let isDeaf = false;
    const t = await testJob(twoExchanges(), { seams: (clock) => deafening(new MemorySeams(clock), () => isDeaf) });
    const [worker] = t.workers;
    await t.clock(10_000);
    expect(worker?.obstacles()).toEqual([]);
    isDeaf = true;
    await t.clock(2_500);
    expect(worker?.obstacles()).toEqual([]);
    await t.clock(2_000);
    expect(worker?.obstacles()).toEqual([expect.stringMatching(/^nothing has been heard over the bus for [34] s/)]);
    isDeaf = false;
    await t.clock(1_000);
    expect(worker?.obstacles()).toEqual([]);
  });

  test("a worker that has gone, or whose job is over, says so", async () => {
    const t = await testJob(passing());
    const [worker] = t.workers;
    await t.endOfInput();
    expect(worker?.obstacles()).toEqual(["the worker is over"]);
  });
});

/** Seams whose Bus carries nothing while `isDeaf`. */
function deafening(seams: MemorySeams, isDeaf: () => boolean): Seams {
  return {
    logs: seams.logs,
    holdings: seams.holdings,
    registers: (name) => seams.registers(name),
    blobs: (name, generation) => seams.blobs(name, generation),
    savepoints: (name) => seams.savepoints(name),
    bus: {
      publish: (subject, payload) => {
        if (!isDeaf()) seams.bus.publish(subject, payload);
      },
      subscribe: (subject, onMessage) => seams.bus.subscribe(subject, onMessage),
      request: (subject, payload, timeoutMs) => seams.bus.request(subject, payload, timeoutMs),
    },
  };
}

/** Seams whose logs lose what is appended to one that was opened, when `isLost` says so. */
function losing(seams: MemorySeams, isLost: () => boolean): Seams {
  const { logs } = seams;
  return {
    bus: seams.bus,
    holdings: seams.holdings,
    registers: (name) => seams.registers(name),
    blobs: (name, generation) => seams.blobs(name, generation),
    savepoints: (name) => seams.savepoints(name),
    logs: {
      create: (name, config) => logs.create(name, config),
      list: (prefix) => logs.list(prefix),
      delete: (name) => logs.delete(name),
      open: async (name) => {
        const log = await logs.open(name);
        const appender = log.appender.bind(log);
        log.appender = (onAppended, onLink) => {
          const inner = appender(onAppended, onLink);
          const append: typeof inner.append = (payload, tag, attempt) => {
            if (!isLost()) inner.append(payload, tag, attempt);
          };
          return { append, close: () => inner.close() };
        };
        return log;
      },
    },
  };
}
