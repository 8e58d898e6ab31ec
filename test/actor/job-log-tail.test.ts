/** A worker's hold on the job log: everything in it, read in order, and a way to add to it. */
import { beforeEach, expect, test } from "vitest";
import { JobLogTail } from "../../framework/actor/job-log-tail.ts";
import type { StreamError } from "../../framework/errors.ts";
import type { Log } from "../../framework/log/contracts.ts";
import { encodeJobLogRecord } from "../../framework/record/wire/job-log.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let log: Log;
let positions: number[];
let broken: StreamError[];

beforeEach(async () => {
  rig = new Rig();
  log = await rig.log("TM_job_1_LOG");
  positions = [];
  broken = [];
});

function tail(): JobLogTail {
  const made: JobLogTail = new JobLogTail(rig.platform, log, {
    onRead: () => positions.push(made.view.position),
    onBroken: (error) => broken.push(error),
  });
  return made;
}

function append(payload: Uint8Array): void {
  const appender = log.appender(
    () => undefined,
    () => undefined,
  );
  appender.append(payload, 1, 1);
}

const leaderStart = (worker: string) => encodeJobLogRecord({ kind: "leaderStart", worker });

test("an empty log has been read as soon as it is opened", async () => {
  await rig.result(tail().open());
  expect(positions).toEqual([0]);
});

test("what was there at the start is read whole before anybody is told", async () => {
  append(leaderStart("a"));
  append(leaderStart("b"));
  await rig.clock.settle();
  const reading = tail();
  await rig.result(reading.open());
  expect(positions).toEqual([2]);
  expect(reading.view.leader).toEqual({ epoch: 2, worker: "b" });
});

test("a record that is added counts when it is read, and its sequence is told when it is stored", async () => {
  const writing = tail();
  await rig.result(writing.open());
  let sequence = 0;
  writing.append({ kind: "leaderStart", worker: "a" }, (stored) => (sequence = stored));
  expect(writing.view.leader).toBeUndefined();
  await rig.clock.settle();
  expect(sequence).toBe(1);
  expect(writing.view.leader).toEqual({ epoch: 1, worker: "a" });
});

test("R8: a record that is none breaks it, with the log and the record named, and nothing after it is applied", async () => {
  append(leaderStart("a"));
  append(Uint8Array.of(255, 255, 255));
  append(leaderStart("b"));
  await rig.clock.settle();
  const reading = tail();
  await rig.result(reading.open());
  expect(broken.map(({ code, message }) => [code, message])).toEqual([
    ["CORRUPT", expect.stringContaining("TM_job_1_LOG, record 2")],
  ]);
  expect(reading.view.position).toBe(1);
});

test("R8: a log that has been trimmed is not the log it was", async () => {
  for (const worker of ["a", "b", "c"]) append(leaderStart(worker));
  await rig.clock.settle();
  await rig.result(log.trim(3));
  const reading = tail();
  await rig.result(reading.open());
  expect(broken).toMatchObject([{ code: "DATA_LOST" }]);
});

test("closed: nothing is read or written any more", async () => {
  const reading = tail();
  await rig.result(reading.open());
  reading.close();
  reading.append({ kind: "leaderStart", worker: "a" });
  append(leaderStart("b"));
  await rig.clock.settle();
  expect(positions).toEqual([0]);
  expect((await rig.result(log.info())).last).toBe(1);
});

test("R8: whether the log has an assignment of an instance at some sequence is asked of the log, read so far or not", async () => {
  const instance = { stage: 1, partition: 2 };
  append(leaderStart("a"));
  append(encodeJobLogRecord({ kind: "assignment", leader: 1, instance, worker: "a", cause: "start", detail: "" }));
  await rig.clock.settle();
  const reading = tail();
  expect(await rig.result(reading.assignsAt(1, instance))).toBe(false);
  expect(await rig.result(reading.assignsAt(2, instance))).toBe(true);
  expect(await rig.result(reading.assignsAt(3, instance))).toBe(false);
  expect(await rig.result(reading.assignsAt(2, { stage: 1, partition: 1 }))).toBe(false);
});
