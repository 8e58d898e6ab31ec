/** Loops: what is sent back comes round exactly once, and a loop ends by itself. */
import { describe, expect, test } from "vitest";
import type { Job } from "tidemark";
import { testJob, type CrashKind, type TestJob, type TestTurn } from "tidemark/testing";
import { JobNames } from "../../framework/log/names.ts";
import { encodeJobLogRecord } from "../../framework/record/wire/job-log.ts";
import { counting, delaying, growing, hopped, hopping, summing, type Hop } from "./loop-jobs.ts";

const hops: readonly Hop[] = [
  { id: "a", left: 3, at: 0 },
  { id: "b", left: 0, at: 10 },
  { id: "c", left: 7, at: 20 },
];

const idsOf = (rows: readonly { value: unknown }[]) =>
  rows
    .map(({ value }) => {
      const { id, at } = value as Hop;
      return JSON.stringify([id, at]);
    })
    .toSorted();

test("records go round and come out while the input is open", async () => {
  const t = await testJob(hopping(2));
  await t.feed("hops", hops);
  expect(idsOf(t.take("done"))).toEqual(hopped(hops));
});

describe("G2: what is sent back moves no event time, and holds none up", () => {
  test("windows behind the loop fire with the watermark of the source", async () => {
    const t = await testJob(hopping(2));
    await t.feed("hops", hops);
    await t.watermark("hops", 999);
    const window = { start: 0, end: 1_000 };
    const fired = t.take("counts").map(({ value }) => value);
    expect(fired).toHaveLength(3);
    for (const key of ["a", "b", "c"]) expect(fired).toContainEqual({ key, window, value: 1 });
    expect(t.watermarkOf("again")).toBe(-Infinity);
  });

  test("R16: a loop whose sources are idle is idle, whatever goes round", async () => {
    const t = await testJob(hopping(1));
    await t.feed("hops", hops);
    await t.clock(60_000);
    const stateOf = (name: string) => t.status().instances.find((instance) => instance.name === name)?.activity;
    expect(stateOf("hop/0")).toBe("idle");
    await t.feed("hops", [{ id: "d", left: 2, at: 30 }]);
    expect(idsOf(t.take("done"))).toContain(JSON.stringify(["d", 30]));
  });
});

describe("G6: the end", () => {
  test("what stands behind the loop waits for what goes round", async () => {
    const t = await testJob(hopping(2));
    await t.feed("hops", hops);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(t.take("counts")).toHaveLength(3);
  });

  test("an empty input ends a loop, too", async () => {
    const t = await testJob(hopping(2));
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
  });

  test("everything in the loop fires; what comes of that goes round once more, and is late", async () => {
    const t = await testJob(summing());
    await t.feed("numbers", [...hops, ...hops]);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    const window = { start: 0, end: 10_000 };
    const fired = t.take("sums").map(({ value }) => value);
    expect(fired).toHaveLength(3);
    expect(fired).toContainEqual({ key: "a", window, value: 6 });
    const late = t.take("too-late").map(({ value }) => value);
    expect(late).toHaveLength(2);
    expect(late).toContainEqual({ id: "a", left: 3, at: 0 });
    expect(late).toContainEqual({ id: "c", left: 7, at: 0 });
  });

  test("timers in processing time are waited for: what they say goes round, too", async () => {
    const t = await testJob(delaying());
    await t.feed("numbers", hops);
    t.source("numbers").end();
    await t.clock(5_000);
    expect(t.outcome).toBeUndefined();
    expect(t.take("done")).toHaveLength(1);
    await t.clock(100_000);
    expect(t.outcome).toBe("completed");
    expect(t.take("done")).toHaveLength(2);
  });

  test("a stage that sends to itself", async () => {
    const t = await testJob(counting());
    await t.feed("numbers", [5, 1, 0, 3]);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(t.take("done").map(({ value }) => value)).toEqual(expect.arrayContaining([-1, 0, 0, 0]));
  });
});

describe("R17: savepoints", () => {
  test("come to a loop when nothing is on its way; timers wait for them to be over", async () => {
    const t = await testJob(delaying());
    await t.feed("numbers", hops);
    expect(await t.savepoint("first")).toMatchObject({ name: "first" });
    await t.clock(15_000);
    expect(await t.savepoint("second")).toMatchObject({ name: "second" });
    t.source("numbers").end();
    await t.clock(100_000);
    expect(t.outcome).toBe("completed");
    expect(t.take("done")).toHaveLength(3);
  });

  test("no timer puts anything on its way while a savepoint waits for the loop to be empty", async () => {
    const t = await testJob(delaying());
    await t.feed("numbers", [{ id: "a", left: 1, at: 0 }]);
    await t.crash("again/0", { stayDown: true });
    const opening = t.seams.logs.open(new JobNames("delaying", 1).jobLog);
    await t.settle();
    const log = await opening;
    const wish = { name: "first", by: "test", mode: "resume", timeoutMs: 60_000 } as const;
    const ignored = () => undefined;
    log.appender(ignored, ignored).append(encodeJobLogRecord({ kind: "savepoint", ...wish }), 1, 1);
    await t.clock(15_000);
    expect(t.status().savepoint).toMatchObject({ name: "first", state: "freezing" });
    expect(t.take("done")).toEqual([]);
    await t.revive("again/0");
    await t.clock(5_000);
    expect(t.status().savepoint).toBeUndefined();
    expect(t.take("done")).toHaveLength(1);
  });

  test("are gone on from, at another number of partitions: timers in the loop are there, and numbers of the loop begin anew", async () => {
    const before = await testJob(delaying(), { partitions: 2 });
    await before.feed("numbers", hops);
    await before.clock(12_000);
    const rows = before.take("done");
    await before.savepoint("first");
    const t = await testJob(delaying(), { partitions: 3, now: 12_000, from: { test: before, savepoint: "first" } });
    t.source("numbers").end();
    await t.clock(100_000);
    expect(t.outcome).toBe("completed");
    expect(idsOf([...rows, ...t.take("done")])).toEqual(hopped(hops));
  });

  test("and to one that sends to itself", async () => {
    const t = await testJob(counting());
    await t.feed("numbers", [5, 1]);
    expect(await t.savepoint("first")).toMatchObject({ name: "first" });
    await t.feed("numbers", [3]);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
  });
});

interface Run {
  readonly rows: readonly string[];
  readonly turns: readonly string[];
}

const nameOf = ({ stage, partition, position }: TestTurn) => `${stage}/${partition}@${position}`;

interface CrashRun {
  readonly program: Job;
  readonly feed: (t: TestJob) => Promise<void>;
  readonly sinks: readonly string[];
  readonly at?: string;
  readonly kind?: CrashKind;
  readonly workers?: number;
}

async function runWith({ program, feed, sinks, at, kind, workers = 1 }: CrashRun): Promise<Run> {
  const turns: string[] = [];
  let hasCrashed = false;
  const t = await testJob(program, {
    workers,
    snapshotBytes: 300,
    crashAt: (turn) => {
      const name = nameOf(turn);
      if (!turns.includes(name)) turns.push(name);
      if (hasCrashed || name !== at) return undefined;
      hasCrashed = true;
      return kind;
    },
  });
  await feed(t);
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  expect(hasCrashed, `crashed at ${at}`).toBe(at !== undefined);
  return { rows: sinks.flatMap((sink) => t.take(sink).map(({ value }) => shortly(value))).toSorted(), turns };
}

/** What comes out, but for what depends on the order in which records come round. */
const shortly = (value: unknown) =>
  JSON.stringify(value, (name, part: unknown) => (name === "rounds" ? undefined : part));

const runs: Readonly<Record<string, () => CrashRun>> = {
  hopping: () => ({
    program: hopping(2),
    sinks: ["done", "counts"],
    feed: async (t) => {
      await t.feed("hops", hops);
      await t.watermark("hops", 900);
    },
  }),
  "sending to itself": () => ({
    program: counting(),
    sinks: ["done", "done-2"],
    feed: (t) => t.feed("numbers", [5, 1, 0, 3, 8]),
  }),
};

test.each<{ of: string; kind: CrashKind; workers: number }>([
  { of: "hopping", kind: "actor", workers: 1 },
  { of: "hopping", kind: "worker", workers: 2 },
  { of: "hopping", kind: "leader", workers: 2 },
  { of: "sending to itself", kind: "actor", workers: 1 },
])(
  "the output of $of equals the uncrashed one: $kind crashes at every message, $workers workers",
  async ({ of, ...crash }) => {
    const reference = await runWith(runs[of]!());
    expect(reference.rows).toHaveLength(of === "hopping" ? 6 : 5);
    expect(reference.turns.length).toBeGreaterThan(20);
    for (const at of reference.turns) {
      const { rows } = await runWith({ ...runs[of]!(), ...crash, at });
      expect(rows, `${crash.kind} crashed at ${at}`).toEqual(reference.rows);
    }
  },
);

describe("R13: a loop that is full", () => {
  const mebibyte = 1024 * 1024;
  const text = "x".repeat(1_000);
  const many = Array.from({ length: 3_000 }, (_, at) => ({ id: `${at % 7} ${text}`, left: 0, at }));

  test("whoever feeds it waits; nothing is lost of what goes round more often than it comes in", async () => {
    const t = await testJob(growing(1, 4, mebibyte));
    await t.feed("numbers", many);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(t.take("done")).toHaveLength(many.length);
  });

  test.each([
    { workers: 1, count: 8_000, rounds: 6 },
    { workers: 2, count: 8_000, rounds: 4 },
    { workers: 3, count: 8_000, rounds: 4 },
  ])("on $workers workers, $rounds times round what is many times the inboxes: it comes to its end", async (of) => {
    const t = await testJob(growing(1, of.rounds, mebibyte), { workers: of.workers });
    const more = Array.from({ length: of.count }, (_, at) => ({ id: `${at % 7} ${text}`, left: 0, at }));
    await t.feed("numbers", more);
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(t.take("done")).toHaveLength(of.count);
  });

  test("LOOP_FULL: one that makes ever more of what goes round ends the job, and says so", async () => {
    const t = await testJob(growing(2, Infinity, 2 * mebibyte));
    await t.feed("numbers", many.slice(0, 10)).catch(() => undefined);
    expect(t.outcome).toBe("failed");
    expect(t.failure?.code).toBe("LOOP_FULL");
  });
});
