/** The life of a job in its register: who may begin one, join one, or is refused. */
import { beforeEach, describe, expect, test } from "vitest";
import { claimJobLog, giveUpSwitch, joinJob, recordState, type JobClaim } from "../../framework/actor/job-register.ts";
import { announceSuccessor } from "../../framework/actor/succession.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let registers: Registers;

beforeEach(async () => {
  rig = new Rig();
  registers = await rig.result(rig.seams.registers("job"));
});

function join(changed: Partial<JobClaim> = {}) {
  const claim = {
    job: "job",
    plan: "the plan",
    planHash: "h1",
    version: "v1",
    startNew: false,
    difference: () => "- a\n+ b",
  };
  return rig.result(joinJob(registers, { ...claim, ...changed }));
}

test("the first worker begins generation 1, the others join it", async () => {
  expect(await join()).toMatchObject({ generation: 1, state: "running" });
  expect(await join()).toMatchObject({ generation: 1, state: "running" });
});

test("two workers that begin at once agree on one life", async () => {
  const claim = { job: "job", plan: "", planHash: "h1", version: "v1", startNew: false, difference: () => "" };
  const both = Promise.all([joinJob(registers, claim), joinJob(registers, claim)]);
  expect((await rig.result(both)).map(({ generation }) => generation)).toEqual([1, 1]);
});

describe("a generation that goes on from a savepoint of a higher one, carried here in a file", () => {
  const origin = { name: "carried", generation: 7, savepoint: 3, index: [], allowMissing: [], allowUnknown: [] };

  test("is above that one where the job has had no life, so that nothing it writes counts as a repetition", async () => {
    expect(await join({ origin })).toMatchObject({ generation: 8, origin });
  });

  test("… and where it has had lives of its own; so are those that follow", async () => {
    await join();
    await rig.result(recordState(registers, { generation: 1, state: "stopped", message: "", position: 3 }));
    expect(await join({ origin })).toMatchObject({ generation: 8 });
    expect(
      await rig.result(announceSuccessor(registers, 8, { plan: "", planHash: "h2", version: "v2" })),
    ).toMatchObject({
      generation: 9,
    });
    expect(await join({ startNew: true })).toMatchObject({ generation: 10 });
  });
});

describe("refused", () => {
  test("another plan, with the difference", async () => {
    await join();
    await expect(join({ planHash: "h2" })).rejects.toMatchObject({
      code: "JOB_MISMATCH",
      message: expect.stringContaining("+ b"),
    });
  });

  test("another version, naming both", async () => {
    await join();
    await expect(join({ version: "v2" })).rejects.toThrow(/v1.*v2/);
  });

  test.each(["failed", "stopped"] as const)("a job that is %s, with its reason", async (state) => {
    await join();
    await rig.result(recordState(registers, { generation: 1, state, message: "the disk is full", position: 3 }));
    await expect(join()).rejects.toMatchObject({
      code: "JOB_NOT_RUNNABLE",
      message: expect.stringMatching(/the disk is full.*tidemark restart job/),
    });
  });
});

test.each([false, true])("a job that is being deleted, also with --new (%j)", async (startNew) => {
  await join();
  await rig.result(recordState(registers, { generation: 1, state: "deleting", message: "", position: 3 }));
  await expect(join({ startNew })).rejects.toThrow(/is being deleted; finish it with tidemark delete job/);
});

test("the register follows the job log and never goes back, whoever writes it and however late", async () => {
  await join();
  await rig.result(recordState(registers, { generation: 1, state: "stopped", message: "", position: 7 }));
  await rig.result(recordState(registers, { generation: 1, state: "running", message: "", position: 9 }));
  await rig.result(recordState(registers, { generation: 1, state: "stopped", message: "", position: 7 }));
  expect(await join()).toMatchObject({ state: "running", position: 9 });
});

test("a completed job says so", async () => {
  await join();
  await rig.result(recordState(registers, { generation: 1, state: "completed", message: "", position: 3 }));
  expect(await join()).toMatchObject({ generation: 1, state: "completed" });
});

test("--new begins the next generation, whatever the record says", async () => {
  await join();
  await rig.result(recordState(registers, { generation: 1, state: "failed", message: "no", position: 3 }));
  expect(await join({ startNew: true, planHash: "h2" })).toMatchObject({
    generation: 2,
    state: "running",
    planHash: "h2",
    message: "",
  });
});

test("how an earlier generation ended does not touch a later one", async () => {
  await join();
  await join({ startNew: true });
  await rig.result(recordState(registers, { generation: 1, state: "failed", message: "late news", position: 9 }));
  expect(await join()).toMatchObject({ generation: 2, state: "running" });
});

describe("a worker that was told its generation", () => {
  test("joins that one", async () => {
    await join();
    expect(await join({ generation: 1 })).toMatchObject({ generation: 1, state: "running" });
  });

  test("never begins a life, and joins no later one", async () => {
    await expect(join({ generation: 1 })).rejects.toMatchObject({
      code: "JOB_MISMATCH",
      message: expect.stringMatching(/generation 1 of job job, but the server knows nothing/) as string,
    });
    await join();
    await join({ startNew: true });
    await expect(join({ generation: 1 })).rejects.toMatchObject({
      code: "JOB_MISMATCH",
      message: expect.stringMatching(/generation 1 .* generation 2 is running/) as string,
    });
    await expect(join({ generation: 1, startNew: true })).rejects.toMatchObject({ code: "JOB_MISMATCH" });
  });
});

describe("R8: the job log of a generation", () => {
  const claimed = (createdMs: number, generation = 1) =>
    rig.result(claimJobLog(registers, generation, { name: "TM_job_1_LOG", createdMs }));

  test("is the one that its first worker opened", async () => {
    await join();
    await claimed(1_000);
    await claimed(1_000);
    expect(await join()).toMatchObject({ state: "running", logCreatedMs: 1_000 });
  });

  test("created anew it has forgotten what was decided: the job has failed, whoever comes", async () => {
    await join();
    await claimed(1_000);
    const lost = {
      code: "DATA_LOST",
      message: expect.stringMatching(/TM_job_1_LOG was created at 2000, .* generation 1 at 1000.*--new/) as string,
    };
    await expect(claimed(2_000)).rejects.toMatchObject(lost);
    await expect(claimed(2_000)).rejects.toMatchObject(lost);
    await expect(join()).rejects.toMatchObject({ code: "JOB_NOT_RUNNABLE" });
  });

  test("is no matter of another generation, or of a job without a record", async () => {
    await claimed(1_000);
    await join();
    await claimed(1_000);
    await join({ startNew: true });
    await claimed(3_000);
    expect(await join()).toMatchObject({ generation: 2, logCreatedMs: 0 });
    await claimed(2_000, 2);
    expect(await join()).toMatchObject({ generation: 2, logCreatedMs: 2_000 });
  });
});

test("R17: a hold that is given up is given up for good, and only while no other generation has taken the place", async () => {
  expect(await rig.result(giveUpSwitch(registers, 1, 7))).toBe(false);
  await join();
  expect(await rig.result(giveUpSwitch(registers, 1, 7))).toBe(true);
  expect(await join()).toMatchObject({ generation: 1, resumed: 7 });
  expect(await rig.result(giveUpSwitch(registers, 1, 7))).toBe(true);
  await join({ startNew: true });
  expect(await rig.result(giveUpSwitch(registers, 1, 9))).toBe(false);
  expect((await join()).resumed).toBeUndefined();
});
