/** R17 as decisions: what freezes, and when a savepoint has come about. */
import { describe, expect, test } from "vitest";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import {
  decideConclusion,
  decideReservation,
  decideSavepoint,
  freezesAt,
  gapReason,
  gapsOf,
  isStageFrozen,
  isWorthAnother,
  progressOf,
  type CutMember,
} from "../../framework/protocol/savepoint.ts";
import { EdgeClocks } from "../../framework/protocol/watermark.ts";
import type { Freeze, InstanceId, JobLogRecord, Report, WatermarkControl } from "../../framework/record/messages.ts";
import type { SavepointRecord } from "../../framework/record/savepoint-record.ts";

const stages = [
  { index: 0, partitions: 2, source: undefined },
  { index: 1, partitions: 1, source: undefined },
];
const all: readonly InstanceId[] = [
  { stage: 0, partition: 0 },
  { stage: 0, partition: 1 },
  { stage: 1, partition: 0 },
];
const nameOf = ({ stage, partition }: InstanceId): string => `${stage}/${partition}`;
const chunk = { name: "a", offset: 0, length: 1, sha256: "" };

/** A job log with a leader, one assignment of each instance (epochs 2 to 4), and a savepoint (5). */
function viewOf(...more: readonly JobLogRecord[]): JobLogView {
  const view = new JobLogView();
  const assignments = all.map((instance): JobLogRecord => {
    return { kind: "assignment", leader: 1, instance, worker: "w", cause: "start", detail: "" };
  });
  const request = { kind: "savepoint", name: "before", by: "ada", mode: "resume", timeoutMs: 1_000 } as const;
  const records: JobLogRecord[] = [{ kind: "leaderStart", worker: "w" }, ...assignments, request, ...more];
  for (const [at, record] of records.entries()) view.apply(at + 1, 100, record);
  return view;
}

const frozen: Freeze = { savepoint: 5, manifest: [], failure: "" };
const copied: Freeze = { ...frozen, manifest: [chunk] };

function facts(freezes: readonly (Freeze | undefined)[], nowMs = 200, view = viewOf()) {
  const reportOf = (instance: InstanceId): Report | undefined => {
    const at = all.findIndex((each) => nameOf(each) === nameOf(instance));
    return { instance, epoch: at + 2, freeze: freezes[at] } as Report;
  };
  return { savepoint: view.savepoints.open!, view, stages, reportOf, nameOf, nowMs, isLeft: false };
}

describe("R17: an instance freezes", () => {
  test("at the open savepoint, once all of its edges are drained for it", () => {
    expect(freezesAt(viewOf(), 5)).toBe(true);
    expect(freezesAt(viewOf(), 0)).toBe(false);
  });

  test("F1: at one that its worker has not read of yet", () => {
    expect(freezesAt(viewOf(), 6)).toBe(true);
  });

  test("F2: at none that is over, however often its drains are read", () => {
    const end = { kind: "savepointEnd", leader: 1, savepoint: 5, outcome: "complete", reason: "" } as const;
    expect(freezesAt(viewOf(end), 5)).toBe(false);
    expect(freezesAt(viewOf({ ...end, outcome: "cancelled" }), 5)).toBe(false);
  });

  test("SP5: at the one with which the job was stopped: another generation goes on from there", () => {
    const end = { kind: "savepointEnd", leader: 1, savepoint: 5, outcome: "complete", reason: "" } as const;
    const hold = { kind: "savepoint", name: "upgrade", by: "ada", mode: "hold", timeoutMs: 1_000 } as const;
    const stop = { kind: "command", command: "stop", by: "upgrade to generation 2" } as const;
    const view = viewOf(end, hold, { ...end, savepoint: 7 }, stop);
    expect(freezesAt(view, 7)).toBe(true);
    expect(freezesAt(view, 5)).toBe(false);
  });

  test("where the last of its edges is drained; an epoch adopted since takes that back", () => {
    const drain = (edge: number, n: number, drains: number | undefined, upto = 5): WatermarkControl => {
      return { kind: "watermark", edge, leader: 1, n, upto, watermark: 10, isIdle: false, drains };
    };
    const clocks = new EdgeClocks([3, 4]);
    clocks.control(drain(3, 1, 5));
    expect(clocks.drained).toBe(0);
    clocks.control(drain(4, 1, 5));
    expect(clocks.drained).toBe(5);
    clocks.adopt(3, 6);
    expect(clocks.drained).toBe(0);
    clocks.control(drain(3, 2, 5, 5));
    expect(clocks.drained).toBe(0);
    clocks.control(drain(3, 3, 5, 6));
    expect(clocks.drained).toBe(5);
    clocks.control(drain(3, 4, undefined, 6));
    expect(clocks.drained).toBe(5);
  });

  test("what it knows of that is in its snapshot", () => {
    const clocks = new EdgeClocks([3]);
    clocks.control({ kind: "watermark", edge: 3, leader: 1, n: 1, upto: 5, watermark: 10, isIdle: false, drains: 5 });
    const restored = new EdgeClocks([3]);
    restored.restore(clocks.states(), 1);
    expect(restored.drained).toBe(5);
  });
});

describe("R17: drains of a stage travel", () => {
  const stage = all.slice(0, 2);
  const reports = (...freezes: (Freeze | undefined)[]) => facts(freezes).reportOf;

  test("when every instance is frozen, and all that it has said is acknowledged", () => {
    expect(isStageFrozen(stage, 5, reports(frozen, copied))).toBe(true);
  });

  test("not while one of them is on its way, or stands at another savepoint", () => {
    expect(isStageFrozen(stage, 5, reports(frozen, undefined))).toBe(false);
    expect(isStageFrozen(stage, 5, reports(frozen, { ...frozen, savepoint: 4 }))).toBe(false);
    expect(isStageFrozen(stage, 5, () => undefined)).toBe(false);
  });
});

describe("R17: a savepoint", () => {
  test("has come about when every copy is confirmed, and not before", () => {
    expect(decideSavepoint(facts([copied, frozen, copied]))).toEqual({ kind: "wait" });
    expect(decideSavepoint(facts([copied, copied, copied]))).toEqual({ kind: "collect" });
  });

  test("counts reports of the epochs that the job log names alone", () => {
    const again = {
      kind: "assignment",
      leader: 1,
      instance: all[0]!,
      worker: "w",
      cause: "crash",
      detail: "",
    } as const;
    const after = facts([copied, copied, copied], 200, viewOf(again));
    expect(decideSavepoint(after)).toEqual({ kind: "wait" });
    expect(progressOf(after)).toEqual({ instances: 3, frozen: 2, copied: 2 });
  });

  test("is cancelled after its time, and says who is missing", () => {
    expect(decideSavepoint(facts([copied, frozen, undefined], 1_099))).toEqual({ kind: "wait" });
    expect(decideSavepoint(facts([copied, frozen, undefined], 1_100))).toEqual({
      kind: "cancel",
      reason: "after 1000 ms 0/1 is frozen and not copied, 1/0 is not frozen",
    });
  });

  test("is cancelled at once when a copy has failed", () => {
    const failed = { ...frozen, failure: "SERVER_FULL: no room" };
    expect(decideSavepoint(facts([copied, failed, undefined]))).toEqual({
      kind: "cancel",
      reason: "the copy of 0/1 failed: SERVER_FULL: no room",
    });
  });

  test("held, it waits for its time from the end on, and is given up then", () => {
    const view = viewOf();
    const end = { kind: "savepointEnd", leader: 1, savepoint: 5, outcome: "complete", reason: "" } as const;
    const open = { ...view.savepoints.open!, mode: "hold", state: "held", sinceMs: 5_000 } as const;
    expect(end.savepoint).toBe(open.id);
    expect(decideSavepoint({ ...facts([], 5_999, view), savepoint: open })).toEqual({ kind: "wait" });
    expect(decideSavepoint({ ...facts([], 6_000, view), savepoint: open })).toEqual({ kind: "giveUp" });
  });

  test("held, it is given up at once when the job is drained", () => {
    const view = viewOf({ kind: "command", command: "drain", by: "bob" });
    const open = { ...viewOf().savepoints.open!, mode: "hold", state: "held", sinceMs: 5_000 } as const;
    expect(decideSavepoint({ ...facts([], 5_001, view), savepoint: open })).toEqual({ kind: "giveUp" });
  });

  test("held, it is given up at once when whoever wanted it is gone", () => {
    const view = viewOf();
    const open = { ...view.savepoints.open!, mode: "hold", state: "held", sinceMs: 5_000 } as const;
    const left = { ...facts([], 5_001, view), isLeft: true };
    expect(decideSavepoint({ ...left, savepoint: open })).toEqual({ kind: "giveUp" });
    expect(decideSavepoint({ ...left, ...facts([copied, frozen, copied]) })).toEqual({ kind: "wait" });
  });
});

describe("F3: copies make one cut", () => {
  const edges = [
    { index: 0, from: 0, to: 1 },
    { index: 1, from: 0, to: "dead" as const },
  ];
  const sender = (partition: number, last: number): CutMember => ({
    instance: { stage: 0, partition },
    channelsIn: [],
    channelsOut: last === 0 ? [] : [{ edge: 0, to: 0, last, check: 0 }],
  });
  const receiver = (...read: readonly number[]): CutMember => ({
    instance: { stage: 1, partition: 0 },
    channelsIn: read.flatMap((last, from) => (last === 0 ? [] : [{ edge: 0, from, epoch: 1, last, check: 0 }])),
    channelsOut: [{ edge: 1, to: 0, last: 7, check: 0 }],
  });

  test("when each receiver has read what each sender has said; what has said nothing has no channel", () => {
    expect(gapsOf(edges, [sender(0, 4), sender(1, 0), receiver(4, 0)])).toEqual([]);
  });

  test("not when a sender is behind what was read of it, nor ahead", () => {
    expect(gapsOf(edges, [sender(0, 3), sender(1, 9), receiver(4, 8)])).toEqual([
      { edge: 0, from: { stage: 0, partition: 0 }, to: { stage: 1, partition: 0 }, said: 3, read: 4 },
      { edge: 0, from: { stage: 0, partition: 1 }, to: { stage: 1, partition: 0 }, said: 9, read: 8 },
    ]);
  });

  test("a gap is told with its numbers, and is worth another try", () => {
    const [gap] = gapsOf(edges, [sender(0, 3), receiver(4)]);
    const reason = gapReason(gap!, "a.b", nameOf);
    expect(reason).toContain("0/0 has said 3 records over a.b, and 1/0 has read 4");
    expect(isWorthAnother(reason)).toBe(true);
    expect(isWorthAnother("after 1000 ms 1/0 is not frozen")).toBe(false);
  });
});

describe("F4: the register of its name", () => {
  const owner = { generation: 1, savepoint: 5, leader: 9 };
  const record = (change: Partial<SavepointRecord>): SavepointRecord => {
    return {
      generation: 1,
      savepoint: 5,
      leader: 9,
      state: "open",
      reason: "",
      index: [],
      atMs: 0,
      bytes: 0,
      ...change,
    };
  };

  test("is made this leader's, over what an older one, or a cancelled or forgotten attempt, has left", () => {
    expect(decideReservation(undefined, owner)).toBe("write");
    expect(decideReservation(record({ leader: 8 }), owner)).toBe("write");
    expect(decideReservation(record({ savepoint: 3, state: "cancelled" }), owner)).toBe("write");
    expect(decideReservation(record({ savepoint: 3 }), owner)).toBe("write");
    expect(decideReservation(record({}), owner)).toBe("mine");
  });

  test("is not taken from a newer leader, nor from a savepoint that exists", () => {
    expect(decideReservation(record({ leader: 10 }), owner)).toBe("deposed");
    expect(decideReservation(record({ savepoint: 3, state: "complete" }), owner)).toBe("taken");
    expect(decideReservation(record({ generation: 2, state: "complete" }), owner)).toBe("taken");
  });

  test("the first conclusion stands, whoever leads", () => {
    expect(decideReservation(record({ leader: 8, state: "complete" }), owner)).toBe("settled");
    expect(decideConclusion(record({ state: "cancelled" }), owner)).toBe("settled");
    expect(decideConclusion(record({ leader: 10, state: "complete" }), owner)).toBe("settled");
  });

  test("nobody concludes who has not reserved it, or does not lead any more", () => {
    expect(decideConclusion(record({}), owner)).toBe("write");
    expect(decideConclusion(record({ leader: 10 }), owner)).toBe("deposed");
    expect(decideConclusion(record({ leader: 8 }), owner)).toBe("deposed");
    expect(decideConclusion(undefined, owner)).toBe("deposed");
    expect(decideConclusion(record({ savepoint: 6 }), owner)).toBe("deposed");
  });
});
