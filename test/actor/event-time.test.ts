/** Where event time begins: what the runtime adds to it. */
import { describe, expect, test } from "vitest";
import { callback, discard } from "../../framework/connectors/callback.ts";
import { fromArray, generator } from "../../framework/connectors/memory.ts";
import { embedded } from "../../framework/home.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { start } from "../../framework/run.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { count } from "../../framework/operator/aggregates.ts";
import { job, type Job } from "../../framework/api/job.ts";
import { ingestionTime } from "../../framework/operator/watermarks.ts";
import { compile } from "../../framework/plan/compile.ts";
import { list } from "../../framework/state/descriptors.ts";
import { ManualSource } from "../../framework/testing/manual-source.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";

interface Reading {
  readonly at: number;
}

const dayMs = 86_400_000;
const nowMs = 1_700_000_000_000;

const at = (ms: number): Reading => ({ at: ms });

function timed(): Job {
  const plant = job("plant");
  plant
    .source("readings", fromArray<Reading>([]))
    .timestamps((r) => r.at)
    .to(discard());
  return plant;
}

/** Readings per day of event time, by the runtime on the machine's own clock; and the number of dead letters. */
async function countedPerDay(source: SourceSpec<Reading>): Promise<{ readonly days: number[]; readonly dead: number }> {
  const days: number[] = [];
  const plant = job("plant", { version: "test" });
  plant
    .source("readings", source)
    .timestamps((r) => r.at)
    .windowAll(tumbling("1d"))
    .aggregate(count())
    .to(callback("counts", ({ value }) => void days.push(value)));
  const platform = { clock: realClock(), random: systemRandom(), logger: silentLogger };
  const { done } = await start(plant, embedded(), { platform });
  const { totals } = await done;
  return { days, dead: totals.deadLetters };
}

test("T2: what is in an array was there when the job began: a record from further than a day behind that is a dead letter, and nothing is late because of it", async () => {
  const now = realClock().now();
  const readings = [at(now - 3 * dayMs), at(now + 3 * dayMs), at(now - 3 * dayMs), at(now - 2 * dayMs)];
  expect(await countedPerDay(fromArray(readings))).toEqual({ days: [2, 1], dead: 1 });
});

test("T2: what a generator makes has no such bound", async () => {
  const now = realClock().now();
  const make = (index: number) => at(now + index * 3 * dayMs);
  expect(await countedPerDay(generator({ make, count: 2 }))).toEqual({ days: [1, 1], dead: 0 });
});

test("T2: a record further than a day ahead of the time it was stored at is a dead letter; the job says how far", async () => {
  const t = await testJob(timed(), { now: nowMs });
  await t.feed("readings", [{ at: nowMs + dayMs }, { at: nowMs + dayMs + 1 }]);
  expect(t.take("discard").map(({ timestamp }) => timestamp)).toEqual([nowMs + dayMs]);
  expect(t.deadLetters()).toMatchObject([{ code: "TIMESTAMP_INVALID" }]);
  expect(JSON.stringify(t.deadLetters())).toContain("too far in the future");
  const wider = await testJob(timed(), { now: nowMs, farFuture: "2d" });
  await wider.feed("readings", [{ at: nowMs + dayMs + 1 }]);
  expect(wider.deadLetters()).toEqual([]);
});

test("T2: how far ahead a record is, is the same when it is read again later", async () => {
  const t = await testJob(timed(), { now: nowMs });
  await t.feed("readings", [{ at: nowMs + dayMs + 1 }]);
  await t.clock(10_000);
  await t.crash("readings/0");
  await t.feed("readings", [{ at: nowMs + dayMs + 2 }]);
  expect(t.take("discard")).toHaveLength(1);
  expect(t.deadLetters()).toHaveLength(1);
});

test("T3: ingestion time is the same when a crashed instance reads again", async () => {
  const plant = job("plant");
  const knowing = new ManualSource(1, undefined, () => nowMs).spec;
  plant.source("readings", knowing).timestamps(ingestionTime()).to(discard());
  const t = await testJob(plant, { now: nowMs });
  await t.feed("readings", [{ at: 1 }]);
  await t.clock(1_000);
  await t.feed("readings", [{ at: 2 }]);
  await t.clock(60_000);
  await t.crash("readings/0");
  await t.feed("readings", [{ at: 3 }]);
  expect(t.take("discard").map(({ timestamp }) => (timestamp ?? 0) - nowMs)).toEqual([0, 1_000, 61_000]);
});

test("T3: ingestion time of a source that does not know when a record was stored is refused with the place", () => {
  const plant = job("plant");
  plant.source("readings", fromArray<Reading>([])).timestamps(ingestionTime()).to(discard());
  expect(() => compile(plant)).toThrow(
    expect.objectContaining({
      code: "PLAN_INVALID",
      message: expect.stringContaining('ingestionTime() at source "readings": array'),
    }),
  );
});

describe("alignment", () => {
  function aligned(idleTimeout: number): Job {
    const plant = job("plant");
    plant
      .source("readings", fromArray<Reading>([]))
      .timestamps((r) => r.at, { maxDrift: 100, idleTimeout })
      .to(discard());
    return plant;
  }

  async function begin(idleTimeout = 1_000_000): Promise<{ t: TestJob; read: () => readonly number[] }> {
    const t = await testJob(aligned(idleTimeout), { splits: { readings: 2 } });
    return {
      t,
      read: () =>
        t
          .take("discard")
          .map(({ timestamp = 0 }) => timestamp)
          .toSorted((a, b) => a - b),
    };
  }

  /** Event time of a split comes to `ms`, and something is there to read behind it. */
  async function reach(t: TestJob, split: number, ms: number): Promise<void> {
    t.source("readings").watermarkOf(split, ms);
    await t.feed("readings", [at(ms)], { split });
    await t.clock(50);
  }

  test("D1: a split that is more than the drift ahead pauses, and goes on when the others catch up", async () => {
    const { t, read } = await begin();
    await reach(t, 1, 0);
    await reach(t, 0, 100);
    expect(read()).toEqual([0, 100]);
    await reach(t, 0, 101);
    expect(read()).toEqual([]);
    await reach(t, 1, 1);
    expect(read()).toEqual([1, 101]);
  });

  test("D1: sources of one group wait for each other", async () => {
    const plant = job("plant");
    for (const name of ["fast", "slow"]) {
      plant
        .source(name, fromArray<Reading>([]))
        .timestamps((r) => r.at, { maxDrift: 100, driftGroup: "both", idleTimeout: 1_000_000 })
        .to(discard())
        .named(`out-${name}`);
    }
    const t = await testJob(plant);
    await t.watermark("slow", 0);
    await t.watermark("fast", 500);
    await t.feed("fast", [at(500)]);
    await t.clock(50);
    expect(t.take("out-fast")).toEqual([]);
    await t.watermark("slow", 450);
    await t.clock(50);
    expect(t.take("out-fast")).toHaveLength(1);
  });

  test("FLIP-471: a split that pauses does not become idle, and is waited for when it goes on", async () => {
    const { t, read } = await begin(1_000);
    await reach(t, 1, 0);
    await reach(t, 0, 500);
    for (let quiet = 0; quiet < 10; quiet += 1) {
      await t.clock(200);
      // The slow one is not idle either: it reads.
      t.source("readings").watermarkOf(1, 0);
    }
    read();
    expect(t.status().instances.map(({ activity }) => activity)).not.toContain("idle");
    await reach(t, 1, 450);
    expect(read()).toContain(500);
  });

  test("a split that is idle, or has ended, holds nobody up", async () => {
    const { t, read } = await begin(1_000);
    await reach(t, 1, 0);
    await reach(t, 0, 500);
    expect(read()).toEqual([0]);
    await t.clock(5_000);
    expect(read()).toEqual([500]);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
  });

  test.each(["readings/0", "readings/1", "leader"])("a crash of %s leaves nobody waiting", async (victim) => {
    const { t, read } = await begin();
    await reach(t, 1, 0);
    await reach(t, 0, 300);
    await t.crash(victim);
    await t.clock(2_000);
    expect(read()).toEqual([0]);
    await reach(t, 1, 250);
    await t.clock(2_000);
    expect(new Set(read())).toEqual(new Set([250, 300]));
  });
});

test.each(["event", "processing"] as const)(
  "state that has expired in %s time is cleaned up though no record comes, also by a successor",
  async (time) => {
    const plant = job("plant");
    plant
      .source("readings", fromArray<Reading>([]))
      .timestamps((r) => r.at)
      .keyBy(() => "k")
      // Visible: what is gone has been cleaned up.
      .process({
        state: { seen: list<number>({ ttl: { after: 1_000, time, expired: "visible" } }) },
        process(r, { state }) {
          state.seen.append(r.at);
          return [[...state.seen.values()]];
        },
      })
      .to(discard());
    const t = await testJob(plant, { partitions: 1 });
    const pass = (ms: number): Promise<void> => (time === "event" ? t.watermark("readings", ms) : t.clock(ms));
    await t.feed("readings", [at(0)]);
    await pass(999);
    await t.feed("readings", [at(999)]);
    await t.crash("process/0");
    await pass(time === "event" ? 1_200 : 300);
    await t.crash("process/0");
    await t.feed("readings", [at(1_200)]);
    expect(t.take("discard").map(({ value }) => value)).toEqual([[0], [0, 999], [999, 1_200]]);
  },
);
