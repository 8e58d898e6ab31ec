/** A savepoint that nobody can go on from is refused before anything begins: nothing has been written, and the job is as it was. */
import { beforeEach, describe, expect, test } from "vitest";
import { fromArray, generator, job, print, value, type Job } from "tidemark";
import { patientOrigin } from "../framework/actor/origin.ts";
import { patientBlobs } from "../framework/actor/patience.ts";
import { putIndex } from "../framework/actor/savepoint-index.ts";
import { compile } from "../framework/plan/compile.ts";
import { embeddedDefaults } from "../framework/plan/options.ts";
import type { Plan } from "../framework/plan/plan.ts";
import { savepointRegister } from "../framework/log/names.ts";
import { silentLogger } from "../framework/platform/logger.ts";
import { savepointFormat } from "../framework/protocol/restore.ts";
import type { SavepointIndex } from "../framework/record/savepoint-record.ts";
import { decodeSavepointRecord, encodeSavepointRecord } from "../framework/record/wire/savepoint.ts";
import { checkedOrigin, previewRestore } from "../framework/restoring.ts";
import { originNamed } from "../framework/administration/savepoint-origin.ts";
import { openSavepoint } from "../framework/administration/savepoints.ts";
import { StreamError } from "../framework/errors.ts";
import { testJob, type TestJob } from "../framework/testing/test-job.ts";
import { administrator, settled } from "./administration/administrator.ts";

const ends = { cluster: undefined, logger: silentLogger };

function counting(name = "counting", partitions = 2): Job {
  const program = job(name, { partitions, version: "1" });
  program
    .source("words", fromArray<string>([]))
    .keyBy((word) => word)
    .process({
      state: { count: value<number>() },
      process: (word, { state }) => {
        state.count.set((state.count.get() ?? 0) + 1);
        return [[word, state.count.get()]];
      },
    })
    .named("counts")
    .to(print("counts"));
  return program;
}

let t: TestJob;

beforeEach(async () => {
  t = await testJob(counting());
  await t.feed("words", ["a", "b", "a"]);
  await t.savepoint("before", { mode: "stop" });
});

function planOf(program: Job): Plan {
  return compile(program, { defaults: embeddedDefaults, version: "1" });
}

/** What `restore` and its rehearsal are refused with: the same. Everything is as it was behind them. */
async function refusal(from: string, plan: Plan = t.plan): Promise<string> {
  const before = await everything(plan.job);
  const said = async (attempt: Promise<unknown>): Promise<string> => {
    const error: unknown = await settled(t, attempt).catch((reason: unknown) => reason);
    return error instanceof Error
      ? `${(error as Error & { readonly code?: string }).code}: ${error.message}`
      : "nothing";
  };
  const refused = await said(checkedOrigin(t, plan, ends, from));
  expect(await said(previewRestore(t, plan, ends, from))).toBe(refused);
  expect(await everything(plan.job)).toEqual(before);
  return refused;
}

async function everything(of: string): Promise<readonly string[]> {
  if (of !== "counting") return [];
  const registers = await settled(t, t.seams.registers(of));
  const all: string[] = [];
  for (const key of await settled(t, registers.list("")))
    all.push(`${key} ${(await settled(t, registers.get(key)))?.revision}`);
  return all;
}

/** Makes the register of the savepoint name an index that `change` has changed. */
async function rewriteIndex(change: (index: SavepointIndex) => SavepointIndex): Promise<void> {
  const { index } = await settled(t, openSavepoint(administrator(t), "counting", "before"));
  const blobs = await settled(t, t.seams.savepoints("counting"));
  const chunks = await settled(t, putIndex(blobs, change(index)));
  const registers = await settled(t, t.seams.registers("counting"));
  const found = await settled(t, registers.get(savepointRegister("before")));
  const record = decodeSavepointRecord(found?.value ?? new Uint8Array(0));
  const bytes = encodeSavepointRecord({ ...record, index: chunks });
  await settled(t, registers.update(savepointRegister("before"), bytes, found?.revision ?? 0));
}

describe("a savepoint", () => {
  test("that nobody has taken: those that there are are named", async () => {
    expect(await refusal("counting/after")).toBe('NOT_FOUND: job counting has no savepoint "after"; it has before');
  });

  test("of a job that is not there, and of another job than the program's", async () => {
    expect(await refusal("nowhere/before", planOf(counting("nowhere")))).toBe(
      "NOT_FOUND: there is no job nowhere here, and so no savepoint nowhere/before",
    );
    expect(await refusal("counting/before", planOf(counting("other")))).toMatch(
      /^SNAPSHOT_UNSUITABLE: savepoint counting\/before is of job counting, and the program's job is other/,
    );
  });

  test("that a newer version of Tidemark has taken", async () => {
    await rewriteIndex((index) => ({ ...index, format: savepointFormat + 1 }));
    expect(await refusal("counting/before")).toBe(
      `SNAPSHOT_UNSUITABLE: savepoint before has format ${savepointFormat + 1}, and this version reads formats up to ${savepointFormat}`,
    );
  });

  test.each([".counts.", ".index."])("with a missing chunk (%s), by its name", async (which) => {
    const blobs = await settled(t, t.seams.savepoints("counting"));
    const names = (await settled(t, blobs.list("before."))).filter((name) => name.includes(which));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const bytes = await settled(t, blobs.get(name));
      await settled(t, blobs.delete(name));
      expect(await refusal("counting/before")).toMatch(new RegExp(`^CORRUPT: .*${name.replaceAll(".", "\\.")}`));
      await settled(t, blobs.put(name, bytes ?? new Uint8Array(0)));
    }
    expect(await settled(t, checkedOrigin(t, t.plan, ends, "counting/before"))).toMatchObject({
      name: "before",
    });
  });

  test("what is no name of one", async () => {
    expect(await refusal("before")).toMatch(
      /^OPTION_INVALID: from is "before"; it takes JOB\/NAME, or the path of a file/,
    );
  });
});

test("RS4: fewer partitions than splits that go on being read", async () => {
  const forwarding = (partitions: number): Job => {
    const program = job("forwarding", { partitions, version: "1" });
    program.source("ticks", generator({ rate: 1, splits: 3, make: (n) => n })).to(print("ticks"));
    return program;
  };
  const { plan } = await testJob(forwarding(4), { splits: { ticks: 3 }, partitions: 2 });
  t = await testJob(forwarding(4), { splits: { ticks: 3 } });
  await t.savepoint("before", { mode: "stop" });
  expect(await refusal("forwarding/before", plan)).toMatch(/2 partitions, fewer than the 3 running splits of ticks/);
});

test("what instances go on from is waited for while the store is away, and no failure of theirs", async () => {
  const registers = await settled(t, t.seams.registers("counting"));
  const allowed = { allowMissing: [], allowUnknown: [] };
  const origin = await settled(t, originNamed(registers, "counting", "before", allowed));
  const { platform, seams } = administrator(t);
  const blobs = await settled(t, seams.savepoints("counting"));
  let failures = 0;
  const get = (name: string): ReturnType<typeof blobs.get> => {
    failures += 1;
    return failures < 4 ? Promise.reject(new StreamError("UNAVAILABLE", "the connection was lost")) : blobs.get(name);
  };
  const away = { ...seams, savepoints: () => Promise.resolve({ ...patientBlobs(platform, blobs, 1), get }) };
  const index = await settled(t, patientOrigin(platform, away, t.plan, origin).index());
  expect(index).toMatchObject({ job: "counting", name: "before" });
  expect(failures).toBe(4);
});
