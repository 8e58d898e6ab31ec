/**
 * Whether a program can go on from a savepoint: by names, kinds, versions, splits and partitions.
 */
import { describe, expect, test } from "vitest";
import {
  judgeRestore,
  savepointFormat,
  type ProgramStateFacts,
  type RestoredStage,
  type RestoreFacts,
} from "../../framework/protocol/restore.ts";
import { agedForm } from "../../framework/state/ttl.ts";
import type { SavepointStage, SavepointState } from "../../framework/record/savepoint-record.ts";

const last: SavepointState = { operator: "process", name: "last", kind: "value", version: 1 };
const timers: SavepointState = { operator: "process", name: "timers/event", kind: "timers", version: 1 };

function savedStage(name: string, of: Partial<SavepointStage> = {}): SavepointStage {
  return { name, partitions: 8, isSource: false, states: [], instances: [], ...of };
}

function savedSource(name: string, splits: readonly string[]): SavepointStage {
  const instances = splits.map((split, partition) => ({
    partition,
    split: { name: split, identity: "1" },
    manifest: [],
  }));
  return savedStage(name, { partitions: 0, isSource: true, instances });
}

function stage(name: string, of: Partial<RestoredStage> = {}): RestoredStage {
  return { name, splits: undefined, partitions: 8, states: [], forwardedFrom: [], ...of };
}

function state(of: Partial<ProgramStateFacts> = {}): ProgramStateFacts {
  return { ...last, oldest: 1, ...of };
}

function judged(before: readonly SavepointStage[], stages: readonly RestoredStage[], more: Partial<RestoreFacts> = {}) {
  return judgeRestore({
    index: { format: savepointFormat, job: "plant", name: "before", stages: before },
    job: "plant",
    stages,
    runningSplits: {},
    allowMissing: [],
    allowUnknown: [],
    ...more,
  });
}

test("the same program goes on, and nothing changes", () => {
  const saved = savedStage("averages", { states: [last, timers] });
  const same = stage("averages", { states: [state(), state({ ...timers, oldest: 1 })] });
  expect(
    judged(
      [savedSource("readings", ["a"]), saved],
      [stage("readings", { splits: [{ name: "a", isSame: true }] }), same],
    ),
  ).toEqual({
    obstacles: [],
    changes: [],
  });
});

test("a savepoint of a newer format, and one of another job, are refused for that alone", () => {
  const index = { format: savepointFormat + 1, job: "other", name: "before", stages: [savedStage("gone")] };
  expect(judged([], [stage("new")], { index }).obstacles).toEqual([
    "savepoint before has format 2, and this version reads formats up to 1: restore it with the version that took it, or a newer one",
  ]);
  expect(judged([], [stage("new")], { index: { ...index, format: savepointFormat } }).obstacles).toEqual([
    "savepoint before is of job other, and the program's job is plant: give the job the name other",
  ]);
});

describe("RS1: what one of them lacks", () => {
  const before = [savedStage("averages", { states: [last] }), savedStage("peaks")];
  const after = [stage("averages", { states: [state({ name: "seen" })] }), stage("alarms")];

  test("is an obstacle, with the flag that allows it", () => {
    expect(judged(before, after).obstacles).toEqual([
      "state averages/seen is not in the savepoint: allow it with --allow-missing averages/seen, or give operator and state the names they had",
      "state averages/last (operator process) of the savepoint is not in the program: allow it with --allow-unknown averages/last, and it is dropped; or give operator and state the names they had",
      "stage alarms is not in the savepoint, which has averages, peaks: allow it with --allow-missing alarms, or give it the name it had (.named)",
      "stage peaks of the savepoint is not in the program, which has averages, alarms: allow it with --allow-unknown peaks, and it is dropped; or give it the name it had (.named)",
    ]);
  });

  test.each([
    ["averages/seen", "averages/last"],
    ["averages/process", "averages/process"],
    ["averages/process/seen", "averages/process/last"],
    ["averages", "averages"],
  ])("is said, and goes, when it is allowed by name: %s, %s", (missing, unknown) => {
    expect(judged(before, after, { allowMissing: [missing, "alarms"], allowUnknown: [unknown, "peaks"] })).toEqual({
      obstacles: [],
      changes: [
        "state averages/seen is new, and begins empty",
        "state averages/last is dropped",
        "stage alarms is new, and begins empty",
        "stage peaks is dropped",
      ],
    });
  });

  test("but for timers: an operator that had none begins without", () => {
    const saved = savedStage("averages", { states: [last] });
    expect(
      judged([saved], [stage("averages", { states: [state(), state({ ...timers, oldest: 1 })] })]).obstacles,
    ).toEqual([]);
    const [obstacle] = judged(
      [savedStage("averages", { states: [last, timers] })],
      [stage("averages", { states: [state()] })],
    ).obstacles;
    expect(obstacle).toContain("allow it with --allow-unknown averages/timers/event");
  });

  test("RS5: and what is allowed and not there is misspelt", () => {
    expect(
      judged([savedStage("averages", { states: [last] })], [stage("averages", { states: [state()] })], {
        allowMissing: ["averages/lost"],
        allowUnknown: ["averages/lst"],
      }).obstacles,
    ).toEqual([
      "--allow-missing averages/lost: there is no such stage or state in the program",
      "--allow-unknown averages/lst: there is no such stage or state in the savepoint",
    ]);
  });
});

describe("RS2: state of another kind or version", () => {
  const ask = (saved: Partial<SavepointState>, now: Partial<ProgramStateFacts>, more: Partial<RestoreFacts> = {}) =>
    judged(
      [savedStage("averages", { states: [{ ...last, ...saved }] })],
      [stage("averages", { states: [state(now)] })],
      more,
    );

  test("of another kind is an obstacle, unless the old is dropped and the new begins empty", () => {
    expect(ask({}, { kind: "list" }).obstacles).toEqual([
      "state averages/last is value in the savepoint, and list in the program: name it otherwise, or drop it with --allow-unknown averages/last --allow-missing averages/last",
    ]);
    const both = { allowMissing: ["averages/last"], allowUnknown: ["averages/last"] };
    expect(ask({}, { kind: "list" }, both)).toEqual({
      obstacles: [],
      changes: ["state averages/last is dropped, and begins empty"],
    });
  });

  test("of an older version is migrated, if there is a way", () => {
    expect(ask({}, { version: 3 }).changes).toEqual(["state averages/last is migrated from version 1 to 3"]);
    expect(ask({}, { version: 3, oldest: 2 }).obstacles).toEqual([
      "state averages/last has version 1 in the savepoint, and 3 in the program, which has migrations from version 2 on: begin its schema with version 1 (schema().migrate(…))",
    ]);
  });

  test("of a newer version is an obstacle", () => {
    expect(ask({ version: 2 }, {}).obstacles).toEqual([
      "state averages/last has version 2 in the savepoint, and 1 in the program: restore it with the newer program, or an older savepoint with this one",
    ]);
  });
});

test("a stage that is a source before or after alone is another thing", () => {
  expect(judged([savedSource("readings", [])], [stage("readings")]).obstacles).toEqual([
    "stage readings is a source in the savepoint, and none in the program: name it otherwise",
  ]);
});

describe("RS3: splits", () => {
  const before = [savedSource("readings", ["a", "b"])];
  const running = { runningSplits: { readings: ["a", "b"] } };

  test("another one, and one that is gone, are obstacles; a new one starts at its beginning", () => {
    const splits = [
      { name: "a", isSame: false },
      { name: "c", isSame: undefined },
    ];
    expect(judged(before, [stage("readings", { splits })], running)).toEqual({
      obstacles: [
        "split a of source readings is another one than the savepoint has read: put that one back, or give the source another name",
        "split b of source readings is not there any more: put it back, or allow it with --allow-unknown readings/b",
      ],
      changes: ["split c of readings is new, and starts at its beginning"],
    });
    const allowed = judged(before, [stage("readings", { splits: [{ name: "a", isSame: true }] })], {
      ...running,
      allowUnknown: ["readings/b"],
    });
    expect(allowed).toEqual({ obstacles: [], changes: ["split b of readings is not read any more"] });
  });

  test("a source that has ended takes no new one", () => {
    const splits = ["a", "b", "c"].map((name) => ({ name, isSame: name === "c" ? undefined : true }));
    expect(judged(before, [stage("readings", { splits })], { runningSplits: { readings: [] } }).obstacles).toEqual([
      "split c of source readings is new, and the source had ended at the savepoint: read it by a source of its own",
    ]);
  });
});

describe("partitions", () => {
  test("another number is fine, and said", () => {
    expect(judged([savedStage("averages")], [stage("averages", { partitions: 12 })]).changes).toEqual([
      "stage averages: 8 partitions become 12, keys are divided anew",
    ]);
  });

  test("RS4: fewer than the running splits that are forwarded there is refused, unless it had as few", () => {
    const before = [savedSource("readings", ["a", "b", "c"]), savedStage("parsed", { partitions: 4 })];
    const source = stage("readings", { splits: ["a", "b", "c"].map((name) => ({ name, isSame: true })) });
    const parsed = (partitions: number) => stage("parsed", { partitions, forwardedFrom: ["readings"] });
    const running = { runningSplits: { readings: ["a", "b", "c"] } };
    expect(judged(before, [source, parsed(2)], running).obstacles).toEqual([
      "stage parsed has 2 partitions, fewer than the 3 running splits of readings that are forwarded to it: give it 3 or more, or as many as it had (4)",
    ]);
    expect(judged(before, [source, parsed(3)], running).obstacles).toEqual([]);
    expect(
      judged([before[0]!, savedStage("parsed", { partitions: 2 })], [source, parsed(2)], running).obstacles,
    ).toEqual([]);
  });
});

test("RS2: a ttl that is added or removed makes another state of it, and the refusal says why", () => {
  const aged = agedForm("value", "event");
  const found = judged(
    [savedStage("averages", { states: [last] })],
    [stage("averages", { states: [state({ kind: aged })] })],
  );
  expect(found.obstacles).toEqual([
    "state averages/last is value in the savepoint, and value (ttl in event time) in the program (when it was used is kept for state with a ttl alone): name it otherwise, or drop it with --allow-unknown averages/last --allow-missing averages/last",
  ]);
});
