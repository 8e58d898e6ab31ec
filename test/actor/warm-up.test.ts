/** A worker that joins a job at work: it rehearses what others have done before it says that it may be given anything. */
import { expect, test } from "vitest";
import { callback, fromArray, job, value, type Job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";
import type { InstanceHost } from "../../framework/actor/host.ts";
import { WarmUp } from "../../framework/actor/warm-up.ts";
import type { Blobs, Seams } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import type { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { Suspicion } from "../../framework/record/poison.ts";
import { readings, twoExchanges } from "./jobs.ts";

interface Deposit {
  readonly account: string;
  readonly cents: number;
}

/** Running totals of one instance, which tell `calls` of each record that they see, whoever takes the turn. */
function totals(calls: number[]): Job {
  const bank = job("bank", { partitions: 1, version: "test" });
  bank
    .source("deposits", fromArray<Deposit>([]))
    .keyBy((deposit) => deposit.account)
    .process({
      state: { total: value<number>() },
      process({ cents }, { state }) {
        const total = (state.total.get() ?? 0) + cents;
        state.total.set(total);
        calls.push(total);
        return [total];
      },
    })
    .named("totals")
    .to(callback("out", () => undefined));
  return bank;
}

const deposits = (...all: readonly number[]): Deposit[] => all.map((cents) => ({ account: "one", cents }));
/** So small that nothing moves to it. */
const tiny = { capacity: 0.0001 };

/** The totals after each of two snapshots, and what the job has called meanwhile. */
async function atWork(calls: number[], places: readonly object[]): Promise<TestJob> {
  const t = await testJob(totals(calls), { places });
  for (const cents of [1, 10]) {
    await t.feed("deposits", deposits(cents, cents));
    expect(await t.snapshot("totals/0")).toBe(true);
  }
  await t.feed("deposits", deposits(100));
  return t;
}

test("RH2: it takes what came between the last two snapshots, with the state of the first, and nothing of what came after the second", async () => {
  const calls: number[] = [];
  const t = await atWork(calls, [{}, tiny]);
  expect(calls.splice(0)).toEqual([1, 2, 12, 22, 122]);
  await t.startWorker();
  await t.clock(1_000);
  expect(calls).toEqual([12, 22]);
});

test("RH1: nobody hears of a rehearsal: no output, no assignment, no crash", async () => {
  const t = await atWork([], [{}, tiny]);
  const before = t.status();
  await t.startWorker();
  await t.clock(1_000);
  const after = t.status();
  expect(after.instances.map(({ name, epoch, worker }) => ({ name, epoch, worker }))).toEqual(
    before.instances.map(({ name, epoch, worker }) => ({ name, epoch, worker })),
  );
  await t.feed("deposits", deposits(1_000));
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  expect(t.take("out").map((row) => row.value)).toEqual([1, 2, 12, 22, 122, 1_122]);
});

test("RH3: a function that throws in a rehearsal harms nobody", async () => {
  const calls: number[] = [];
  const t = await atWork(calls, [{}, {}]);
  calls.push = () => {
    throw new Error("not again");
  };
  await t.startWorker();
  await t.clock(2_000);
  expect(t.status().workers.map(({ standing }) => standing)).toEqual(["open", "open"]);
  expect(t.deadLetters()).toEqual([]);
});

/** Seams whose chunks are read when the gate is open. */
function gated(gate: { opened: Promise<void> }): (clock: VirtualClock) => Seams {
  return (clock) => {
    const seams = new MemorySeams(clock);
    const behind = (blobs: Blobs): Blobs => ({
      get: (name) => gate.opened.then(() => blobs.get(name)),
      put: (name, bytes) => blobs.put(name, bytes),
      delete: (name) => blobs.delete(name),
      list: (prefix) => blobs.list(prefix),
    });
    return {
      logs: seams.logs,
      holdings: seams.holdings,
      registers: (name) => seams.registers(name),
      blobs: async (name, generation) => behind(await seams.blobs(name, generation)),
      savepoints: (name) => seams.savepoints(name),
      bus: seams.bus,
    };
  };
}

/** A job of which every instance has two snapshots, and a worker that cannot rehearse before the gate is opened. */
async function whileWarming(): Promise<{ readonly t: TestJob; readonly joined: string; readonly open: () => void }> {
  const gate = { opened: Promise.resolve() };
  const t = await testJob(twoExchanges(), { seams: gated(gate) });
  for (const from of [0, 1_000]) {
    await t.feed("readings", readings(4, from, from + 1_000));
    for (const { name } of t.status().instances) await t.snapshot(name);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.opened = promise;
  const { id } = await t.startWorker();
  await t.clock(1_000);
  return { t, joined: id, open: resolve };
}

const standingOf = (t: TestJob, id: string) => t.status().workers.find(({ worker }) => worker === id)?.standing;
const loadOf = (t: TestJob, id: string) => t.status().instances.filter(({ worker }) => worker === id).length;

test("P9: a worker that warms up says so and is given nothing; when it is warm it gets its share", async () => {
  const { t, joined, open } = await whileWarming();
  expect(standingOf(t, joined)).toBe("warming");
  expect(loadOf(t, joined)).toBe(0);
  open();
  await t.clock(3_000);
  expect(standingOf(t, joined)).toBe("open");
  expect(loadOf(t, joined)).toBeGreaterThan(0);
  await t.feed("readings", readings(4, 2_000, 3_000));
  await t.endOfInput();
  expect(t.take("out")).toHaveLength(12);
});

test("WU1: it ends after ten seconds, whatever becomes of the rehearsal", async () => {
  const { t, joined, open } = await whileWarming();
  await t.clock(8_500);
  expect(standingOf(t, joined)).toBe("warming");
  await t.clock(1_000);
  expect(standingOf(t, joined)).toBe("open");
  open();
});

test("one that dies while it warms up costs nothing", async () => {
  const { t, joined, open } = await whileWarming();
  const epochs = t.status().instances.map(({ epoch }) => epoch);
  await t.crash(joined);
  await t.clock(5_000);
  open();
  expect(t.status().instances.map(({ epoch }) => epoch)).toEqual(epochs);
  await t.endOfInput();
  expect(t.take("out")).toHaveLength(8);
});

test("P9: whoever is left alone is given everything at once, however cold it is, and keeps it", async () => {
  const { t, joined, open } = await whileWarming();
  t.workers.find(({ isLeader }) => isLeader)?.kill();
  await t.clock(3_500);
  expect(standingOf(t, joined)).toBe("open");
  expect(loadOf(t, joined)).toBe(t.status().instances.length);
  open();
  await t.endOfInput();
  expect(t.take("out")).toHaveLength(8);
});

test("WU2: neither an instance on probation nor one with skipped steps is rehearsed, but one whose worker has died; threads warm up by themselves", () => {
  const skip = { sequence: 3, step: 0, reason: "it ends its process" };
  const view = new JobLogView();
  view.apply(1, 0, { kind: "leaderStart", worker: "w" });
  const assign = (sequence: number, stage: number, partition: number, suspicion: unknown) =>
    view.apply(sequence, 0, {
      kind: "assignment",
      leader: 1,
      instance: { stage, partition },
      worker: "w",
      cause: "start",
      detail: "",
      suspicion: suspicion as Suspicion | undefined,
    });
  assign(2, 1, 0, { skip });
  assign(3, 1, 0, undefined);
  assign(4, 1, 1, { isOnProbation: true });
  assign(5, 1, 2, { deaths: 1, isOnProbation: false, crashes: 0 });
  assign(6, 2, 0, undefined);
  const stages = [
    { index: 1, name: "skips", partitions: 3 },
    { index: 2, name: "apart", partitions: 1, threads: 2 },
  ];
  const asked: string[] = [];
  const host = {
    plan: { stages } as unknown as Plan,
    names: { pointer: (stage: string, partition: number) => `${stage}/${partition}` },
    registers: {
      get: (key: string) => {
        asked.push(key);
        return new Promise<never>(() => undefined);
      },
    },
    platform: { clock: { schedule: () => () => undefined, monotonicMs: () => 0 } },
  };
  const warmUp = new WarmUp(() => undefined);
  warmUp.begin(host as unknown as InstanceHost, view);
  expect(asked).toEqual(["skips/2"]);
  expect(warmUp.isUnderWay).toBe(true);
});
