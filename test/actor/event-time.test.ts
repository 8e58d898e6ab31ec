/** Where event time begins: what the runtime adds to it. */
import { expect, test } from "vitest";
import { discard } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { job, type Job } from "../../framework/api/job.ts";
import { ingestionTime } from "../../framework/operator/watermarks.ts";
import { compile } from "../../framework/plan/compile.ts";
import { ManualSource } from "../../framework/testing/manual-source.ts";
import { testJob } from "../../framework/testing/test-job.ts";

interface Reading {
  readonly at: number;
}

const dayMs = 86_400_000;
const nowMs = 1_700_000_000_000;

function timed(): Job {
  const plant = job("plant");
  plant
    .source("readings", fromArray<Reading>([]))
    .timestamps((r) => r.at)
    .to(discard());
  return plant;
}

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
