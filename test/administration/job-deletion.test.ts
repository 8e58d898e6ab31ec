/** Deleting a job on memory: in which order, whatever crashes in between, and who is refused meanwhile. */
import { expect, test } from "vitest";
import { joinJob } from "../../framework/actor/job-register.ts";
import { deleteJob } from "../../framework/administration/job-deletion.ts";
import { restartJob, stopJob } from "../../framework/administration/job-commands.ts";
import { listJobs } from "../../framework/administration/job-listing.ts";
import { StreamError } from "../../framework/errors.ts";
import type { Holdings } from "../../framework/log/contracts.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { readings, twoExchanges } from "../actor/jobs.ts";
import { administrator, settled } from "./administrator.ts";

const job = "two-exchanges";

/** A job that has run, taken snapshots, and was stopped. */
async function stoppedJob(): Promise<TestJob> {
  const t = await testJob(twoExchanges(), { workers: 2 });
  await t.feed("readings", readings(4, 0, 2_000));
  await settled(t, stopJob(administrator(t), job, 10_000));
  return t;
}

async function names(t: TestJob): Promise<string[]> {
  return (await settled(t, t.seams.holdings.list())).map(({ name }) => name).toSorted();
}

test("nothing of it is left, and what is deleted is counted", async () => {
  const t = await stoppedJob();
  const count = (await names(t)).length;
  expect(await settled(t, deleteJob(administrator(t), job))).toMatchObject({
    generations: [1],
    isWhole: true,
    streams: count,
  });
  expect(await names(t)).toEqual([]);
  await expect(settled(t, deleteJob(administrator(t), job))).rejects.toThrow(/there is none here/);
});

test("D1: whatever deletion crashes, nobody joins, restarts or begins anew, and the next one finishes it", async () => {
  const count = (await names(await stoppedJob())).length;
  // The first call only finds out whether one may delete at all.
  for (let crashAt = 1; crashAt <= count; crashAt += 1) {
    const t = await stoppedJob();
    let deletions = 0;
    const crashing: Holdings = {
      list: () => t.seams.holdings.list(),
      delete: (name) =>
        deletions++ < crashAt ? t.seams.holdings.delete(name) : Promise.reject(new StreamError("UNAVAILABLE", "gone")),
    };
    await expect(settled(t, deleteJob(administrator(t, crashing), job))).rejects.toThrow("gone");
    const registers = await settled(t, t.seams.registers(job));
    for (const startNew of [false, true]) {
      const claim = { job, plan: "", planHash: "test", version: "test", startNew, difference: () => "" };
      await expect(settled(t, joinJob(registers, claim))).rejects.toThrow(/finish it with tidemark delete/);
    }
    await expect(settled(t, restartJob(administrator(t), job))).rejects.toThrow(/finish it with tidemark delete/);
    const { jobs } = await settled(t, listJobs(administrator(t)));
    expect(jobs).toMatchObject([{ job, generation: 1, state: "deleting" }]);
    await settled(t, deleteJob(administrator(t), job));
    expect(await names(t)).toEqual([]);
  }
});

test("D2: of one generation the job log goes first, and its pointers go; the job stays, and does not go on", async () => {
  const t = await stoppedJob();
  const order: string[] = [];
  const watched: Holdings = {
    list: () => t.seams.holdings.list(),
    delete: (name) => (order.push(name), t.seams.holdings.delete(name)),
  };
  const deleted = await settled(t, deleteJob(administrator(t, watched), job, { generation: 1 }));
  expect(deleted).toMatchObject({ generations: [1], isWhole: false, streams: order.length - 1 });
  expect(order[1]).toBe(`TM_${job}_1_LOG`);
  expect(await names(t)).toEqual([`KV_TM_${job}`]);
  const registers = await settled(t, t.seams.registers(job));
  expect(await settled(t, registers.list("pointer."))).toEqual([]);
  await expect(settled(t, restartJob(administrator(t), job))).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("D3: a job whose name begins like this one's, and streams that are only called so, are left alone", async () => {
  const t = await stoppedJob();
  const strangers = [`TM_${job}-b_1_LOG`, `TM_${job}_1_extra`, `TM_${job}_1_1_LOG`];
  for (const name of strangers) await settled(t, t.seams.logs.create(name, { maxBytes: 1_000, full: "refuse" }));
  await settled(t, deleteJob(administrator(t), job));
  expect(await names(t)).toEqual(strangers.toSorted());
});

test("refused while it runs; with force it is stopped first", async () => {
  const t = await testJob(twoExchanges(), { workers: 2 });
  await expect(settled(t, deleteJob(administrator(t), job))).rejects.toThrow(/is running: end it with tidemark stop/);
  await settled(t, deleteJob(administrator(t), job, { force: true }));
  expect(t.workers.every(({ phase }) => phase === "left")).toBe(true);
  expect(await names(t)).toEqual([]);
});

test("whoever may not delete is refused before anything has changed", async () => {
  const t = await stoppedJob();
  const forbidden: Holdings = {
    list: () => t.seams.holdings.list(),
    delete: () => Promise.reject(new StreamError("SERVER_REFUSED", "you may not")),
  };
  await expect(settled(t, deleteJob(administrator(t, forbidden), job))).rejects.toThrow("you may not");
  expect(await settled(t, restartJob(administrator(t), job))).toMatchObject({ state: "running" });
});
