/** Commands to a job on memory: what is refused, what is waited for, and that they may be given again. */
import { describe, expect, test } from "vitest";
import { drainJob, restartJob, stopJob } from "../../framework/administration/job-commands.ts";
import { listJobs } from "../../framework/administration/job-listing.ts";
import { lookAtJob } from "../../framework/administration/job-look.ts";
import { announceSuccessor, giveOrigin, successionOf, switchTo } from "../../framework/actor/succession.ts";
import { decodeJobRecord, encodeJobRecord } from "../../framework/record/wire/job-record.ts";
import { testJob } from "../../framework/testing/test-job.ts";
import { readings, twoExchanges } from "../actor/jobs.ts";
import { administrator, settled } from "./administrator.ts";

const job = "two-exchanges";

describe("stop", () => {
  test("waits until all workers have gone, and says how many there were", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    expect(await settled(t, stopJob(administrator(t), job, 10_000))).toEqual({
      job,
      generation: 1,
      state: "stopped",
      workers: 3,
      left: [],
    });
    expect(await settled(t, stopJob(administrator(t), job, 10_000))).toMatchObject({ state: "stopped", workers: 0 });
  });

  test("says who is still there when the time is up", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(4, 0, 2_000));
    // Outputs that a sink has not taken hold the last snapshot, and with it the release.
    t.sink("out").pause();
    await t.watermark("readings", 1_500);
    const { left, state } = await settled(t, stopJob(administrator(t), job, 3_000));
    expect(state).toBe("stopped");
    expect(left.length).toBeGreaterThan(0);
    t.sink("out").resume();
    expect(await settled(t, stopJob(administrator(t), job, 10_000))).toMatchObject({ left: [] });
  });
});

describe("restart", () => {
  test("a running job, and one that has completed, are refused", async () => {
    const t = await testJob(twoExchanges());
    await expect(settled(t, restartJob(administrator(t), job))).rejects.toThrow(/is running already/);
    await t.endOfInput();
    await expect(settled(t, restartJob(administrator(t), job))).rejects.toThrow(/has completed, .*--new/);
    await expect(settled(t, stopJob(administrator(t), job, 1_000))).rejects.toThrow(/has completed: .*nothing to stop/);
  });

  test("C1: a register that a dead command left behind is written by the next one", async () => {
    const t = await testJob(twoExchanges());
    await settled(t, stopJob(administrator(t), job, 10_000));
    const registers = await settled(t, t.seams.registers(job));
    const deaf = administrator(t);
    const dying = {
      ...registers,
      get: registers.get.bind(registers),
      update: () => Promise.reject(new Error("killed")),
    };
    const seams = { ...deaf.seams, registers: () => Promise.resolve(dying as unknown as typeof registers) };
    await expect(settled(t, restartJob({ ...deaf, seams }, job))).rejects.toThrow("killed");
    await expect(t.startWorker()).rejects.toMatchObject({ code: "JOB_NOT_RUNNABLE" });
    expect(await settled(t, restartJob(administrator(t), job))).toMatchObject({ state: "running" });
    await t.startWorker();
    await t.clock(1_000);
    expect(t.status().state).toBe("running");
  });
});

describe("C3: restart of a job that was stopped with what was held for an upgrade", () => {
  /** The job is stopped, and a successor is prepared to go on from its savepoint. */
  async function stopped() {
    const t = await testJob(twoExchanges());
    const { savepoint } = await t.savepoint("upgrade", { mode: "hold", timeoutMs: 60_000 });
    const registers = await settled(t, t.seams.registers(job));
    const program = { plan: "", planHash: "2", version: "2" };
    const { generation } = await settled(t, announceSuccessor(registers, 1, program));
    await settled(
      t,
      giveOrigin(registers, generation, {
        name: "upgrade",
        generation: 1,
        savepoint,
        index: [],
        allowMissing: [],
        allowUnknown: [],
      }),
    );
    await settled(t, stopJob(administrator(t), job, 10_000));
    const platform = administrator(t).platform;
    const toSwitch = () => settled(t, switchTo(platform, registers, generation));
    return { t, registers, generation, toSwitch };
  }

  test("no successor takes its place any more: what it says from here on would be said twice", async () => {
    const { t, registers, generation, toSwitch } = await stopped();
    await settled(t, restartJob(administrator(t), job));
    expect(await toSwitch()).toBe(false);
    expect(await settled(t, successionOf(registers, generation))).toBe("givenUp");
    await t.startWorker();
    await t.clock(1_000);
    expect(t.status().state).toBe("running");
  });

  test("is refused where a successor has taken its place meanwhile", async () => {
    const { t, registers, generation } = await stopped();
    const seams = administrator(t).seams;
    // Between its look at the register and its word there.
    let looks = 0;
    const overtaken = {
      ...registers,
      list: registers.list.bind(registers),
      update: registers.update.bind(registers),
      get: async (key: string) => {
        const found = await registers.get(key);
        looks += 1;
        const record = found && decodeJobRecord(found.value);
        return looks > 1 && found && record ? { ...found, value: encodeJobRecord({ ...record, generation }) } : found;
      },
    };
    const late = { ...administrator(t), seams: { ...seams, registers: () => Promise.resolve(overtaken as never) } };
    await expect(settled(t, restartJob(late, job))).rejects.toThrow(/another generation has taken its place/);
  });
});

describe("drain", () => {
  test("waits until the job has completed; again, it is no news", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(4, 0, 2_000));
    expect(await settled(t, drainJob(administrator(t), job, 30_000))).toMatchObject({ state: "completed" });
    expect(t.take("out")).toHaveLength(8);
    expect(await settled(t, drainJob(administrator(t), job, 30_000))).toMatchObject({ state: "completed" });
  });

  test("says so when the time is up before it has completed", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(4, 0, 2_000));
    t.sink("out").pause();
    const result = await settled(t, drainJob(administrator(t), job, 3_000));
    expect(result).toMatchObject({ state: "running", workers: 2 });
  });
});

describe("what is written down", () => {
  test("of a stopped job: its instances at their last snapshots, with owners, counts and event time", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await t.feed("readings", readings(4, 0, 2_000));
    await t.watermark("readings", 1_500);
    const before = t.status();
    await settled(t, stopJob(administrator(t), job, 10_000));
    const after = await settled(t, lookAtJob(administrator(t), job));
    expect(after).toMatchObject({ leader: "none", state: "stopped", workers: [], totals: before.totals });
    const facts = ({ instances }: typeof after) =>
      instances.map(({ name, worker, epoch, watermark, counts }) => ({ name, worker, epoch, watermark, counts }));
    expect(facts(after)).toEqual(facts(before));
    expect(after.instances.every(({ snapshot }) => snapshot > 0)).toBe(true);
  });

  test("of a job whose leader has just died: who is alive, and who held what", async () => {
    const t = await testJob(twoExchanges(), { workers: 3 });
    const look = async () => settled(t, lookAtJob(administrator(t), job));
    expect(await look()).toMatchObject({ leader: { worker: t.leader.worker.id }, workers: [{}, {}, {}] });
    t.leader.scope.kill();
    const { leader, workers, state } = await look();
    expect({ leader, state, workers: workers.length }).toEqual({ leader: "none", state: "running", workers: 2 });
  });

  test("a job that is not there is answered with those that are", async () => {
    const t = await testJob(twoExchanges());
    await expect(settled(t, lookAtJob(administrator(t), "two"))).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/no job "two": there are two-exchanges; .*handle\.status\(\)/),
    });
    expect(await settled(t, t.seams.holdings.list())).not.toContainEqual(
      expect.objectContaining({ name: "KV_TM_two" }),
    );
  });

  test("all jobs, with their workers and leader", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    const { jobs, strange } = await settled(t, listJobs(administrator(t)));
    const { id } = t.leader.worker;
    expect(jobs).toMatchObject([{ job, generation: 1, isCurrent: true, state: "running", workers: 2, leader: id }]);
    expect(strange).toEqual([]);
  });
});
