/** The specification of the job log's view: what every worker makes of the same records. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instanceKey, JobLogView } from "../../framework/protocol/job-log.ts";
import type { AssignmentCause, JobCommand, JobLogRecord } from "../../framework/record/messages.ts";

const instance = { stage: 2, partition: 0 };
const source = { index: 0, partitions: 0, source: {} };

function leaderStart(worker = "w1"): JobLogRecord {
  return { kind: "leaderStart", worker };
}

function assign(leader: number, worker: string, cause: AssignmentCause = "start", detail = ""): JobLogRecord {
  return { kind: "assignment", leader, instance, worker, cause, detail };
}

function split(leader: number, index: number, name = `file-${index}`): JobLogRecord {
  return { kind: "split", leader, stage: 0, index, name, identity: "id" };
}

function command(what: JobCommand): JobLogRecord {
  return { kind: "command", command: what, by: "ada" };
}

function viewOf(records: readonly JobLogRecord[]): JobLogView {
  const view = new JobLogView();
  for (const [at, record] of records.entries()) view.apply(at + 1, 1000 + at, record);
  return view;
}

test("an instance's key is its stage and partition", () => {
  expect(instanceKey({ stage: 2, partition: 0 })).toBe("2/0");
});

test("before the first record there is no leader, no owner, no split, no outcome", () => {
  const view = new JobLogView();
  expect(view).toMatchObject({ position: 0, leader: undefined, outcome: undefined, isDraining: false, restarts: 0 });
  expect(view.assignment(instance)).toBeUndefined();
  expect(view.instancesOf(source)).toEqual([]);
  expect(view.isClosed(0)).toBe(false);
});

describe("R4: an epoch is the sequence of its record", () => {
  test("R4: the leader epoch is the sequence of the newest leader-start", () => {
    expect(viewOf([leaderStart("w1"), leaderStart("w2")]).leader).toEqual({ epoch: 2, worker: "w2" });
  });

  test("R4: an instance's epoch is the sequence of its newest assignment", () => {
    const view = viewOf([leaderStart(), assign(1, "w1"), assign(1, "w2", "balance")]);
    expect(view.assignment(instance)).toMatchObject({ epoch: 3, worker: "w2", cause: "balance", storedAtMs: 1002 });
    expect([...view.assignments()]).toEqual([
      { instance, epoch: 3, worker: "w2", cause: "balance", detail: "", storedAtMs: 1002 },
    ]);
  });

  test("R4: a record of an older leader than the newest leader-start is void, and moves the position", () => {
    const records = [leaderStart("w1"), assign(1, "w1"), leaderStart("w2"), assign(1, "w9", "crash"), split(1, 0)];
    const outcome: JobLogRecord = { kind: "outcome", leader: 1, outcome: "failed", code: "", message: "" };
    const view = viewOf([...records, { kind: "splitsClosed", leader: 1, stage: 0 }, outcome]);
    expect(view.assignment(instance)).toMatchObject({ epoch: 2, worker: "w1" });
    expect(view).toMatchObject({ position: 7, restarts: 0, isDraining: false, outcome: undefined });
    expect(view.crashes(instance)).toEqual([]);
    expect(view.splits(0)).toEqual([]);
    expect(view.isClosed(0)).toBe(false);
  });

  test("R4: what an older leader wrote before the newer one started still counts", () => {
    expect(viewOf([leaderStart(), assign(1, "w1"), leaderStart("w2")]).assignment(instance)).toMatchObject({
      epoch: 2,
    });
  });
});

test("R8: a hole in the sequences, or a repeated one, is refused", () => {
  const view = viewOf([leaderStart()]);
  expect(() => view.apply(3, 0, leaderStart())).toThrow("job log: record 3 does not follow 1");
  expect(() => view.apply(1, 0, leaderStart())).toThrow("job log: record 1 does not follow 1");
});

describe("splits", () => {
  test("a source stage has one instance per split, any other one per partition", () => {
    const view = viewOf([leaderStart(), split(1, 0), split(1, 1)]);
    expect(view.instancesOf(source)).toEqual([
      { stage: 0, partition: 0 },
      { stage: 0, partition: 1 },
    ]);
    expect(view.instancesOf({ index: 2, partitions: 2, source: undefined })).toEqual([
      { stage: 2, partition: 0 },
      { stage: 2, partition: 1 },
    ]);
  });

  test("the first record of a split counts, also when two leaders have both written it", () => {
    const view = viewOf([leaderStart(), split(1, 0, "a"), leaderStart(), split(3, 0, "b")]);
    expect(view.split(0, 0)).toMatchObject({ name: "a" });
    expect(view.splits(0)).toHaveLength(1);
  });

  test("closed is closed: no split is added afterwards", () => {
    const view = viewOf([leaderStart(), split(1, 0), { kind: "splitsClosed", leader: 1, stage: 0 }, split(1, 1)]);
    expect(view.isClosed(0)).toBe(true);
    expect(view.splits(0)).toHaveLength(1);
    expect(view.isClosed(1)).toBe(false);
  });
});

test("crashes are counted apart from moves and lost workers; lost workers count among the restarts", () => {
  const causes: AssignmentCause[] = ["start", "crash", "workerLost", "release", "balance", "crash"];
  const view = viewOf([leaderStart(), ...causes.map((cause, at) => assign(1, "w1", cause, `${at}`))]);
  expect(view.crashes(instance)).toEqual([
    { storedAtMs: 1002, worker: "w1", detail: "1" },
    { storedAtMs: 1006, worker: "w1", detail: "5" },
  ]);
  expect(view.restarts).toBe(3);
});

test("the first outcome stands", () => {
  const end = (outcome: "completed" | "failed"): JobLogRecord => ({
    kind: "outcome",
    leader: 1,
    outcome,
    code: "",
    message: "",
  });
  expect(viewOf([leaderStart(), end("failed"), end("completed")]).outcome).toMatchObject({ outcome: "failed" });
});

describe("commands", () => {
  const failed: JobLogRecord = { kind: "outcome", leader: 1, outcome: "failed", code: "DIVERGED", message: "no" };

  test("a drain is for ever, whoever leads", () => {
    expect(viewOf([leaderStart(), command("drain"), leaderStart("w2")]).isDraining).toBe(true);
    expect(viewOf([command("drain")]).isDraining).toBe(true);
  });

  test("a stopped or failed job is over, until a restart", () => {
    expect(viewOf([leaderStart(), command("stop")])).toMatchObject({ isOver: true, outcome: undefined });
    expect(viewOf([leaderStart(), failed])).toMatchObject({ isOver: true, outcome: failed });
    expect(viewOf([leaderStart(), failed, command("restart")])).toMatchObject({ isOver: false, outcome: undefined });
  });

  test("J3: after a restart nobody leads, nothing is assigned, and no crash counts; splits and totals stay", () => {
    const records = [leaderStart(), split(1, 0), assign(1, "w1"), assign(1, "w1", "crash", "boom"), failed];
    const view = viewOf([...records, command("restart")]);
    expect(view).toMatchObject({ leader: undefined, restarts: 1 });
    expect([...view.assignments()]).toEqual([]);
    expect(view.crashes(instance)).toEqual([]);
    expect(view.splits(0)).toHaveLength(1);
    expect(view.moves).toHaveLength(1);
  });

  test("J1: what a leader from before a restart writes after it is void", () => {
    const view = viewOf([leaderStart(), failed, command("restart"), assign(1, "w1"), failed, split(1, 0)]);
    expect(view).toMatchObject({ position: 6, isOver: false });
    expect(view.assignment(instance)).toBeUndefined();
    expect(view.splits(0)).toEqual([]);
    view.apply(7, 2000, leaderStart("w2"));
    view.apply(8, 2000, assign(7, "w2"));
    expect(view.assignment(instance)).toMatchObject({ epoch: 8, worker: "w2" });
  });

  test("a restart of a running job changes nothing", () => {
    const view = viewOf([leaderStart(), assign(1, "w1"), command("restart"), assign(1, "w2")]);
    expect(view.leader).toMatchObject({ epoch: 1 });
    expect(view.assignment(instance)).toMatchObject({ epoch: 4 });
  });
});

test("the log's own time never goes back, though the server's clock does", () => {
  const view = new JobLogView();
  view.apply(1, 500, leaderStart());
  view.apply(2, 400, leaderStart());
  expect(view.storedAtMs).toBe(500);
});

test("R4: of any records, the newest assignment by a leader that was the newest then is the owner", () => {
  const step = fc.record({ leader: fc.nat(3), isStart: fc.boolean(), worker: fc.constantFrom("a", "b") });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const epochs = [0];
      let expected: unknown;
      const records = steps.map(({ leader, isStart, worker }, at): JobLogRecord => {
        if (isStart) epochs.push(at + 1);
        const speaker = epochs[Math.min(leader, epochs.length - 1)] ?? 0;
        if (!isStart && speaker === epochs.at(-1)) expected = at + 1;
        return isStart ? leaderStart(worker) : assign(speaker, worker);
      });
      expect(viewOf(records).assignment(instance)?.epoch).toBe(expected);
    }),
    { numRuns: 200 },
  );
});

test("moves are remembered in order, the first assignment of an instance is none, and at most a hundred; all are counted, by cause", () => {
  const view = new JobLogView();
  view.apply(1, 0, { kind: "leaderStart", worker: "w" });
  for (let sequence = 2; sequence <= 110; sequence += 1) {
    const cause = sequence === 2 ? "start" : "balance";
    view.apply(sequence, sequence, { kind: "assignment", leader: 1, instance, worker: "w", cause, detail: "" });
  }
  expect(view.moves).toHaveLength(100);
  expect(view.moves[0]).toMatchObject({ epoch: 11, cause: "balance" });
  expect(view.moves.at(-1)).toMatchObject({ epoch: 110 });
  expect([...view.movesBy]).toEqual([["balance", 108]]);
});
