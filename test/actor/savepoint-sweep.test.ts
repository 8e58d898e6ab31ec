/** What savepoints leave behind, and what is never taken for it: what its register says, or may still come to say, is complete. */
import { describe, expect, test } from "vitest";
import { sweepSavepoints } from "../../framework/actor/savepoint-sweep.ts";
import { openSavepoint } from "../../framework/administration/savepoints.ts";
import { lookAtSavepoint } from "../../framework/administration/savepoint-look.ts";
import { job } from "../../framework/api/job.ts";
import { callback } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import { savepointRegister } from "../../framework/log/names.ts";
import type { SavepointView } from "../../framework/protocol/savepoint-life.ts";
import type { SavepointRecord } from "../../framework/record/savepoint-record.ts";
import { decodeSavepointRecord, encodeSavepointRecord } from "../../framework/record/wire/savepoint.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { administrator, settled } from "../administration/administrator.ts";

const name = "first";
const key = savepointRegister(name);

function sums() {
  const adding = job("adding", { partitions: 2 });
  adding
    .source("numbers", fromArray<number>([]))
    .keyBy((n) => n % 2)
    .reduce((a, b) => a + b)
    .to(callback("sums", () => undefined));
  return adding;
}

/** A job with one savepoint that is complete, what its register says, and the register as it was before that: open. */
async function taken() {
  const t = await testJob(sums());
  await t.feed("numbers", [1, 2, 3]);
  await t.savepoint(name);
  const registers = await settled(t, t.seams.registers("adding"));
  const blobs = await settled(t, t.seams.savepoints("adding"));
  const complete = decodeSavepointRecord((await settled(t, registers.get(key)))!.value);
  const open: SavepointRecord = { ...complete, state: "open", index: [], atMs: 0, bytes: 0 };
  const write = async (record: SavepointRecord) => {
    const { revision } = (await registers.get(key))!;
    await registers.update(key, encodeSavepointRecord(record), revision);
  };
  await settled(t, write(open));
  const id = complete.savepoint;
  const view = {
    id,
    name,
    by: "ada",
    mode: "hold",
    timeoutMs: 1,
    atMs: 0,
    sinceMs: 0,
    state: "cancelled",
    reason: "stopped",
  };
  return { t, registers, blobs, complete, write, ended: [view as SavepointView] };
}

/** As `registers`, with something that happens in front of the first update. */
function overtaken(registers: Registers, before: () => Promise<void>): Registers {
  let isFirst = true;
  return {
    get: (of) => registers.get(of),
    create: (of, value) => registers.create(of, value),
    list: (prefix) => registers.list(prefix),
    delete: (of) => registers.delete(of),
    update: async (of, value, revision) => {
      if (isFirst) await before();
      isFirst = false;
      return registers.update(of, value, revision);
    },
  };
}

const look = (t: TestJob) => settled(t, openSavepoint(administrator(t), "adding", name).then(lookAtSavepoint));

describe("SW1: a cancelled savepoint", () => {
  test("is cancelled in its register, too, before anything of it goes: then nobody says any more that it has come about", async () => {
    const { t, registers, blobs, ended } = await taken();
    await settled(t, sweepSavepoints(registers, blobs, 1, ended));
    const record = decodeSavepointRecord((await settled(t, registers.get(key)))!.value);
    expect(record).toMatchObject({ state: "cancelled", reason: "stopped" });
    expect(await settled(t, blobs.list(""))).toEqual([]);
  });

  test("stays when its register says meanwhile that it has come about", async () => {
    const { t, registers, blobs, complete, write, ended } = await taken();
    const before = await settled(t, blobs.list(""));
    await settled(
      t,
      sweepSavepoints(
        overtaken(registers, () => write(complete)),
        blobs,
        1,
        ended,
      ),
    );
    expect(await settled(t, blobs.list(""))).toEqual(before);
    expect((await look(t)).stages).toHaveLength(2);
  });

  test("stays for the next sweep when its register does not let itself be written", async () => {
    const { t, registers, blobs, ended } = await taken();
    const before = await settled(t, blobs.list(""));
    const stubborn: Registers = {
      ...overtaken(registers, () => Promise.resolve()),
      update: () => Promise.resolve({ kind: "conflict" }),
    };
    await settled(t, sweepSavepoints(stubborn, blobs, 1, ended));
    expect(await settled(t, blobs.list(""))).toEqual(before);
    await settled(t, sweepSavepoints(registers, blobs, 1, ended));
    expect(await settled(t, blobs.list(""))).toEqual([]);
  });
});
