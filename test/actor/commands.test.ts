/** Commands to a whole job, as its workers carry them out: stop, restart, drain, whoever leads and whether anybody does. */
import { describe, expect, test } from "vitest";
import { recordState } from "../../framework/actor/job-register.ts";
import type { Log } from "../../framework/log/contracts.ts";
import { jobRegister, JobNames } from "../../framework/log/names.ts";
import type { JobCommand } from "../../framework/record/messages.ts";
import { encodeJobLogRecord } from "../../framework/record/wire/job-log.ts";
import { decodeJobRecord } from "../../framework/record/wire/job-record.ts";
import type { JobRecord } from "../../framework/record/snapshot-record.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { readings, twoExchanges } from "./jobs.ts";

async function jobLog(t: TestJob): Promise<Log> {
  const opening = t.seams.logs.open(new JobNames(t.plan.job, 1).jobLog);
  await t.settle();
  return opening;
}

function record(command: JobCommand): Uint8Array {
  return encodeJobLogRecord({ kind: "command", command, by: "ada" });
}

/** Appends commands, as somebody does who is no worker; resolves when they are in the job log. */
async function give(t: TestJob, ...commands: readonly JobCommand[]): Promise<void> {
  const log = await jobLog(t);
  const stored = commands.map((command) => log.append(record(command)));
  await t.settle();
  await Promise.all(stored);
}

async function register(t: TestJob): Promise<JobRecord> {
  const opening = t.seams.registers(t.plan.job);
  await t.settle();
  const reading = (await opening).get(jobRegister);
  await t.settle();
  return decodeJobRecord((await reading)?.value ?? new Uint8Array(0));
}

/** Makes the register follow a restart, as the command does. */
async function letRun(t: TestJob): Promise<void> {
  const opening = t.seams.registers(t.plan.job);
  await t.settle();
  const { position, message } = await register(t);
  const writing = recordState(await opening, { generation: 1, state: "running", message, position: position + 1 });
  await t.settle();
  await writing;
}

function phases(t: TestJob): string[] {
  return t.workers.map(({ phase }) => phase);
}

describe("stop", () => {
  test("every worker takes last snapshots and goes; nothing fires; the register says so", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    await t.feed("readings", readings(4, 0, 1_500));
    await t.watermark("readings", 1_400);
    expect(t.take("out")).toHaveLength(4);
    await give(t, "stop");
    await t.clock(1_000);
    expect(phases(t)).toEqual(["left", "left", "left"]);
    expect(t.take("out")).toHaveLength(0);
    expect(await register(t)).toMatchObject({ state: "stopped", generation: 1 });
    expect(t.outcome).toBeUndefined();
  });

  test("said twice it is the same, and nobody joins or leads afterwards", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await give(t, "stop", "stop");
    await t.clock(5_000);
    await give(t, "stop");
    await t.clock(5_000);
    expect(phases(t)).toEqual(["left", "left"]);
    expect(t.workers.some(({ isLeader }) => isLeader)).toBe(false);
    await expect(t.startWorker()).rejects.toMatchObject({ code: "JOB_NOT_RUNNABLE" });
  });

  test.each([1, 5, 10, 20, 40, 80])("with a leader that dies after %i tasks of it", async (tasks) => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    await t.feed("readings", readings(4, 0, 1_500));
    const log = await jobLog(t);
    const { leader } = t;
    void log.append(record("stop"));
    for (let count = 0; count < tasks; count += 1) await t.virtualClock.step();
    leader.scope.kill();
    await t.clock(10_000);
    expect(phases(t)).toEqual(["left", "left"]);
    expect(await register(t)).toMatchObject({ state: "stopped" });
  });

  test("with nobody alive: whoever starts before the register knows goes at once, and makes it know", async () => {
    const t = await testJob(twoExchanges(), { workers: 1 });
    const before = await register(t);
    t.leader.scope.kill();
    await give(t, "stop");
    expect(before).toMatchObject({ state: "running" });
    const worker = await t.startWorker();
    await t.clock(1_000);
    expect(worker).toMatchObject({ phase: "left", isLeader: false });
    expect(await register(t)).toMatchObject({ state: "stopped" });
    await expect(t.startWorker()).rejects.toThrow(/is stopped; let it go on with tidemark restart two-exchanges/);
  });
});

describe("restart", () => {
  test("a stopped job goes on from its last snapshots: the same rows, none twice", async () => {
    const fed = readings(4, 0, 3_000);
    const straight = await testJob(twoExchanges(), { workers: 1 });
    await straight.feed("readings", fed);
    await straight.endOfInput();
    const expected = straight.take("out");

    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", fed.slice(0, 60));
    const rows = t.take("out");
    await give(t, "stop");
    await t.clock(1_000);
    await give(t, "restart");
    await letRun(t);
    await t.startWorker();
    await t.startWorker();
    await t.clock(1_000);
    expect(t.status()).toMatchObject({ state: "running", totals: { restarts: 0 } });
    await t.feed("readings", fed.slice(60));
    await t.endOfInput();
    const sorted = (given: typeof expected) => given.map((row) => JSON.stringify(row)).toSorted();
    expect(sorted([...rows, ...t.take("out")])).toEqual(sorted(expected));
  });

  test("a failed job goes on with a new budget; what it has failed with stays visible", async () => {
    let isArmed = false;
    const t = await testJob(twoExchanges(), {
      restart: { max: 1 },
      crashAt: ({ stage }) => (isArmed && stage === "sums" ? "actor" : undefined),
    });
    isArmed = true;
    await t.feed("readings", readings(2, 0, 1_500));
    await t.clock(5_000);
    expect(t.failure).toMatchObject({ code: "RESTARTS_EXHAUSTED" });
    expect(await register(t)).toMatchObject({ state: "failed" });

    isArmed = false;
    await give(t, "restart");
    await letRun(t);
    await t.startWorker();
    await t.clock(1_000);
    expect(t.status()).toMatchObject({
      state: "running",
      lastFailure: expect.stringMatching(/^RESTARTS_EXHAUSTED: sums/),
    });
    expect(t.status().instances.every(({ restarts }) => restarts === 0)).toBe(true);
  });

  test("stop and restart in one breath: whoever has not gone goes on under a new leader", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(4, 0, 1_500));
    const { epoch } = t.status().leader as { epoch: number };
    await give(t, "stop", "restart");
    await t.clock(5_000);
    if (phases(t).every((phase) => phase === "left")) await t.startWorker();
    await t.clock(5_000);
    expect((t.status().leader as { epoch: number }).epoch).toBeGreaterThan(epoch);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
  });
});

describe("drain", () => {
  test("from outside, without a leader at the moment: the next one carries it out", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(3, 0, 1_500));
    t.leader.scope.kill();
    await give(t, "drain");
    await t.clock(10_000);
    expect(t.outcome).toBe("completed");
    expect(t.take("out")).toHaveLength(6);
    expect(await register(t)).toMatchObject({ state: "completed" });
  });
});
