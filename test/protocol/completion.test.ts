/** The specification of completion: when the job log may say `completed`. */
import { expect, test } from "vitest";
import { isComplete } from "../../framework/protocol/completion.ts";
import { instanceKey, JobLogView } from "../../framework/protocol/job-log.ts";
import type { Activity, InstanceId, JobLogRecord, Report } from "../../framework/record/messages.ts";
import { noLoad } from "../actor/rig.ts";

const stages = [
  { index: 0, partitions: 0, source: {} },
  { index: 1, partitions: 1, source: undefined },
];
const counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

function assign(stage: number): JobLogRecord {
  return { kind: "assignment", leader: 1, instance: { stage, partition: 0 }, worker: "w1", cause: "start", detail: "" };
}

/** Stage 0 has epoch 3, stage 1 epoch 4; the splits are closed by record 5. */
const log: readonly JobLogRecord[] = [
  { kind: "leaderStart", worker: "w1" },
  { kind: "split", leader: 1, stage: 0, index: 0, name: "a", identity: "a" },
  assign(0),
  assign(1),
  { kind: "splitsClosed", leader: 1, stage: 0 },
];

function viewOf(records: readonly JobLogRecord[]): JobLogView {
  const view = new JobLogView();
  for (const [at, record] of records.entries()) view.apply(at + 1, 0, record);
  return view;
}

function report(instance: InstanceId, epoch: number, activity: Activity = "finished"): Report {
  return {
    instance,
    epoch,
    n: 1,
    position: 0,
    watermark: Infinity,
    activity,
    due: Infinity,
    state: "running",
    snapshot: 0,
    failure: "",
    counts,
    load: noLoad,
  };
}

function isDone(records: readonly JobLogRecord[], ...reports: Report[]): boolean {
  const newest = new Map(reports.map((one) => [instanceKey(one.instance), one]));
  return isComplete({ stages, view: viewOf(records), reportOf: (id) => newest.get(instanceKey(id)) });
}

const first = { stage: 0, partition: 0 };
const second = { stage: 1, partition: 0 };

test("C2: complete when every instance is finished in its current epoch", () => {
  expect(isDone(log, report(first, 3), report(second, 4))).toBe(true);
});

test("C1: not while splits may follow, also when all known ones are finished", () => {
  expect(isDone(log.slice(0, -1), report(first, 3), report(second, 4))).toBe(false);
});

test("C2: an instance that has ended is not finished: its sinks have not committed", () => {
  expect(isDone(log, report(first, 3), report(second, 4, "ended"))).toBe(false);
});

test("C2: an instance that has not reported is not finished", () => {
  expect(isDone(log, report(first, 3))).toBe(false);
});

test("C2: a report of an older incarnation finishes nothing", () => {
  expect(isDone([...log, assign(1)], report(first, 3), report(second, 4))).toBe(false);
  expect(isDone([...log, assign(1)], report(first, 3), report(second, 6))).toBe(true);
});

test("C2: an instance that was never assigned is not finished", () => {
  const unassigned = log.filter((record) => record.kind !== "assignment");
  expect(isDone(unassigned, report(first, 3), report(second, 4))).toBe(false);
});

test("C1: a source without splits is complete when it is closed", () => {
  const empty = log.filter((record) => record.kind !== "split");
  expect(isDone(empty, report(second, 3))).toBe(true);
});
