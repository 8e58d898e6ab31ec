/** R17: a savepoint of a whole job, on the real runtime and a virtual clock. */
import { describe, expect, onTestFinished, test } from "vitest";
import { takeSavepoint } from "../../framework/administration/savepoint-request.ts";
import { lookAtSavepoint } from "../../framework/administration/savepoint-look.ts";
import { deleteSavepoint, listSavepoints, openSavepoint } from "../../framework/administration/savepoints.ts";
import { stopJob } from "../../framework/administration/job-commands.ts";
import { job, type Job } from "../../framework/api/job.ts";
import { callback } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import type { Blobs, Seams } from "../../framework/log/contracts.ts";
import { embedded } from "../../framework/home.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import { defaultCodec } from "../../framework/record/default-codec.ts";
import { start } from "../../framework/run.ts";
import { JobNames } from "../../framework/log/names.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import { StreamError } from "../../framework/errors.ts";
import { encodeJobLogRecord } from "../../framework/record/wire/job-log.ts";
import { map, value } from "../../framework/state/descriptors.ts";
import { testJob, type TestJob, type TestJobOptions } from "../../framework/testing/test-job.ts";
import { until } from "../support/until.ts";
import { administrator, settled } from "../administration/administrator.ts";

interface Click {
  readonly user: string;
  readonly n: number;
}

const nowhere = (name: string) => callback(name, () => undefined);

/** Running sums per user, then per parity of the sum: two exchanges. */
function clicks() {
  const counting = job("clicks", { partitions: 3 });
  counting
    .source("clicks", fromArray<Click>([]))
    .keyBy(({ user }) => user)
    .process({
      state: { sum: value<number>() },
      process: ({ user, n }, { state }) => {
        state.sum.set((state.sum.get() ?? 0) + n);
        return [{ user, sum: state.sum.get()! }];
      },
    })
    .named("sum")
    .keyBy(({ sum }) => sum % 2)
    .process({
      state: { count: value<number>() },
      process: ({ user, sum }, { state }) => {
        state.count.set((state.count.get() ?? 0) + 1);
        return [{ user, sum }];
      },
    })
    .named("parity")
    .to(nowhere("sums"));
  return counting;
}

const some = (from: number, count: number): Click[] =>
  Array.from({ length: count }, (_, at) => ({ user: `user ${(from + at) % 7}`, n: from + at }));

/** What the job says without a savepoint: the same, record by record. */
async function undisturbed(records: readonly Click[]): Promise<unknown[]> {
  const t = await testJob(clicks());
  await t.feed("clicks", records);
  await t.endOfInput();
  return sorted(t);
}

const sorted = (t: TestJob): unknown[] =>
  t
    .take("sums")
    .map(({ value: row }) => JSON.stringify(row))
    .toSorted();

const lookAt = (t: TestJob, name: string) =>
  settled(
    t,
    openSavepoint(administrator(t), t.plan.job, name).then((opened) => lookAtSavepoint(opened)),
  );

/** Records that a source has read, by its savepoint, and those that the states of a stage know of. */
async function cutOf(t: TestJob, name: string) {
  const look = await lookAt(t, name);
  const stage = (wanted: string) => look.stages.find((each) => each.name === wanted)!;
  return { look, stage, positions: stage("clicks").instances.map(({ position }) => position) };
}

describe("R17: a savepoint of a running job", () => {
  test("has what every source has read in its states, and the job goes on as if nothing had been", async () => {
    const t = await testJob(clicks(), { splits: { clicks: 2 } });
    await t.feed("clicks", some(0, 60));
    await t.feed("clicks", some(60, 40), { split: 1 });
    const taken = await t.savepoint("first");
    expect(taken).toMatchObject({ job: "clicks", generation: 1, name: "first", isStopped: false });
    const { look, stage, positions } = await cutOf(t, "first");
    expect(positions).toEqual([60, 40]);
    const held = (of: string) => stage(of).states.filter(({ keys }) => keys > 0);
    expect(held("sum")).toMatchObject([{ operator: "sum", name: "sum", kind: "value", version: 1, keys: 7 }]);
    expect(held("parity")).toMatchObject([{ operator: "parity", name: "count", kind: "value", keys: 2 }]);
    expect(look).toMatchObject({ name: "first", by: "test", generation: 1, savepoint: taken.savepoint });
    await t.feed("clicks", some(100, 100));
    await t.endOfInput();
    expect(sorted(t)).toHaveLength(200);
    expect(t.deadLetters()).toEqual([]);
  });

  test("several may be taken, one after the other, each with a name of its own", async () => {
    const t = await testJob(clicks());
    await t.feed("clicks", some(0, 20));
    await t.savepoint("first");
    await t.feed("clicks", some(20, 20));
    await t.savepoint("second");
    expect((await cutOf(t, "first")).positions).toEqual([20]);
    expect((await cutOf(t, "second")).positions).toEqual([40]);
    const all = await settled(t, listSavepoints(administrator(t), "clicks"));
    expect(all.map(({ name, state }) => `${name} ${state}`)).toEqual(["first complete", "second complete"]);
    await expect(t.savepoint("first")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await t.endOfInput();
    expect(sorted(t)).toEqual(await undisturbed(some(0, 40)));
  });

  test("of a job that has read nothing yet", async () => {
    const t = await testJob(clicks());
    await t.savepoint("empty");
    expect((await cutOf(t, "empty")).positions).toEqual([0]);
    await t.feed("clicks", some(0, 5));
    await t.endOfInput();
    expect(sorted(t)).toHaveLength(5);
  });

  test("shows in the status how far it is, and nothing is read meanwhile", async () => {
    const held = { isHeld: true };
    const t = await testJob(
      clicks(),
      slowSavepoints(() => held.isHeld),
    );
    await t.feed("clicks", some(0, 30));
    await request(t, "slow");
    await t.clock(2_000);
    expect(t.status().savepoint).toMatchObject({ name: "slow", state: "freezing", instances: 7, frozen: 7, copied: 0 });
    expect(t.status().instances.every(({ state }) => state === "frozen")).toBe(true);
    await t.feed("clicks", some(30, 30));
    await t.clock(1_000);
    expect(t.take("sums")).toHaveLength(30);
    held.isHeld = false;
    await t.clock(1_000);
    expect(t.status().savepoint).toBeUndefined();
    expect(t.take("sums")).toHaveLength(30);
    expect((await cutOf(t, "slow")).positions).toEqual([30]);
  });

  test("a second one is refused while the first is being taken, with its name", async () => {
    const t = await testJob(
      clicks(),
      slowSavepoints(() => true),
    );
    await request(t, "first");
    await t.clock(500);
    await expect(settled(t, takeSavepoint(administrator(t), "clicks", { name: "second" }))).rejects.toThrow(
      /is taking savepoint first/,
    );
  });

  test("stops the job when that is wanted; the job goes on from there after a restart", async () => {
    const t = await testJob(clicks());
    await t.feed("clicks", some(0, 30));
    await t.feed("clicks", []);
    const taken = await t.savepoint("last", { mode: "stop" });
    expect(taken.isStopped).toBe(true);
    expect(t.workers.every(({ phase }) => phase === "left")).toBe(true);
    expect((await cutOf(t, "last")).positions).toEqual([30]);
    await expect(settled(t, takeSavepoint(administrator(t), "clicks", { name: "more" }))).rejects.toThrow(/is stopped/);
  });

  test("held, nothing moves until its time is over: then the job goes on, and says so before", async () => {
    const t = await testJob(clicks());
    await t.feed("clicks", some(0, 10));
    await t.savepoint("upgrade", { mode: "hold", timeoutMs: 20_000 });
    expect(t.status().savepoint).toMatchObject({ name: "upgrade", state: "held" });
    await t.feed("clicks", some(10, 10));
    await t.clock(5_000);
    expect(t.take("sums")).toHaveLength(10);
    await t.clock(20_000);
    expect(t.status().savepoint).toBeUndefined();
    expect(t.take("sums")).toHaveLength(10);
  });
});

describe("R17: a savepoint that does not come about", () => {
  test("is cancelled after its time, with the reason, and the job goes on", async () => {
    const t = await testJob(
      clicks(),
      slowSavepoints(() => true),
    );
    await t.feed("clicks", some(0, 30));
    await expect(t.savepoint("never", { timeoutMs: 5_000 })).rejects.toThrow(
      /cancelled, and the job goes on: after \d+ ms .* is frozen and not copied/,
    );
    await t.feed("clicks", some(30, 30));
    await t.endOfInput();
    expect(sorted(t)).toEqual(await undisturbed(some(0, 60)));
  });

  test("a store that has no room cancels it at once, and its name is free", async () => {
    const full = { isFull: true };
    const t = await testJob(
      clicks(),
      fullSavepoints(() => full.isFull),
    );
    await t.feed("clicks", some(0, 30));
    await expect(t.savepoint("big")).rejects.toThrow(/the copy of .* failed: SERVER_FULL: no room/);
    full.isFull = false;
    await t.savepoint("big");
    await t.endOfInput();
    expect(sorted(t)).toEqual(await undisturbed(some(0, 30)));
  });

  test("SR1: nobody is there to take it: it is cancelled, and whoever works on the job next does not take it any more", async () => {
    const t = await testJob(clicks());
    await t.feed("clicks", some(0, 30));
    for (const worker of t.workers) await settled(t, worker.stop());
    const asked = takeSavepoint(administrator(t), "clicks", { name: "unheard", mode: "hold" });
    await expect(settled(t, asked)).rejects.toThrow(/has no living worker .*: the request is cancelled/);
    await t.begin(1);
    const all = await settled(t, listSavepoints(administrator(t), "clicks"));
    expect(all.filter(({ state }) => state === "complete")).toEqual([]);
    await t.feed("clicks", some(30, 30));
    await t.endOfInput();
    expect(sorted(t)).toEqual(await undisturbed(some(0, 60)));
  });

  test("what was copied for it is gone", async () => {
    const t = await testJob(
      clicks(),
      fullSavepoints((name) => name.includes(".parity.")),
    );
    await t.feed("clicks", some(0, 30));
    await expect(t.savepoint("half")).rejects.toMatchObject({ code: "SAVEPOINT_CANCELLED" });
    await t.clock(1_000);
    const blobs = await settled(t, t.seams.savepoints("clicks"));
    expect(await settled(t, blobs.list(""))).toEqual([]);
  });

  test("a stop or a drain in the middle cancels it", async () => {
    for (const end of ["stop", "drain"] as const) {
      const t = await testJob(
        clicks(),
        slowSavepoints(() => true),
      );
      await request(t, "late");
      await t.clock(500);
      expect(t.status().savepoint?.name).toBe("late");
      if (end === "stop") await settled(t, stopJob(administrator(t), "clicks", 5_000));
      else await settled(t, t.workers[0]!.drain());
      await t.clock(500);
      expect(await settled(t, listSavepoints(administrator(t), "clicks"))).not.toContainEqual(
        expect.objectContaining({ state: "complete" }),
      );
      expect(t.outcome).toBe(end === "drain" ? "completed" : undefined);
    }
  });

  test("an instance that stays down is named", async () => {
    const t = await testJob(clicks());
    await t.crash("sum/1", { stayDown: true });
    await expect(t.savepoint("never", { timeoutMs: 3_000 })).rejects.toThrow(/sum\/1 is not frozen/);
    await t.revive("sum/1");
    await t.savepoint("now");
  });
});

describe("R17: whatever stands in a job", () => {
  test("sources that have ended, and those that go on", async () => {
    const both = job("both", { partitions: 2 });
    both
      .source("short", fromArray<Click>([]))
      .union(both.source("long", fromArray<Click>([])))
      .keyBy(({ user }) => user)
      .process({ process: (click) => [click] })
      .named("all")
      .to(nowhere("out"));
    const t = await testJob(both);
    await t.feed("short", some(0, 10));
    await t.feed("long", some(0, 10));
    t.source("short").end();
    await t.settle();
    await t.savepoint("one-ended");
    const look = await lookAt(t, "one-ended");
    expect(look.edges.map(({ from, watermark }) => `${from} ${watermark}`)).toEqual([
      "short Infinity",
      "long -Infinity",
    ]);
    await t.feed("long", some(10, 10));
    await t.endOfInput();
    expect(t.take("out")).toHaveLength(30);
  });

  test("idle sources, several inputs, and rules that are broadcast", async () => {
    const rules = job("rules", { partitions: 2 });
    const ruled = rules
      .source("readings", fromArray<Click>([]))
      .keyBy(({ user }) => user)
      .connect(rules.source("rules", fromArray<{ readonly user: string; readonly factor: number }>([])).broadcast())
      .process({
        rules: map<string, number>(),
        process: ({ user, n }, { rules: known }) => [n * (known.get(user) ?? 1)],
        onBroadcast: ({ user, factor }, { rules: known }) => {
          known.set(user, factor);
        },
      })
      .named("ruled");
    ruled.to(nowhere("out"));
    const t = await testJob(rules);
    await t.feed("rules", [{ user: "a", factor: 10 }]);
    await t.feed("readings", [{ user: "a", n: 1 }]);
    await t.clock(31_000);
    expect(t.status().instances.map(({ activity }) => activity)).toContain("idle");
    await t.savepoint("idle");
    const look = await lookAt(t, "idle");
    expect(look.stages.find(({ name }) => name === "ruled")?.states).toContainEqual(
      expect.objectContaining({ operator: "ruled", name: "rules", kind: "map" }),
    );
    await t.feed("readings", [{ user: "a", n: 2 }]);
    await t.endOfInput();
    expect(t.take("out").map(({ value: row }) => row)).toEqual([10, 20]);
  });

  test("requests that wait for their answers come first, and timers that were due are fired behind it", async () => {
    const answers: (() => void)[] = [];
    const asking = job("asking", { partitions: 1 });
    asking
      .source("questions", fromArray<number>([]))
      .mapAsync((n) => new Promise<number>((resolve) => answers.push(() => resolve(n * 2))))
      .named("ask")
      .keyBy((n) => n % 2)
      .process({
        state: { seen: value<number>() },
        process: (n, { timers, now }) => {
          timers.onProcessingTime(now() + 1_000);
          return [`got ${n}`];
        },
        onTimer: (_time, { domain }) => [`timer in ${domain} time`],
      })
      .named("wait")
      .to(nowhere("out"));
    const t = await testJob(asking);
    await t.feed("questions", [1, 2]);
    await request(t, "asked");
    await t.clock(200);
    expect(t.status().savepoint).toMatchObject({ frozen: 1 });
    for (const answer of answers) answer();
    await t.clock(200);
    expect(t.status().savepoint).toBeUndefined();
    await lookAt(t, "asked");
    expect(t.take("out").map(({ value: row }) => row)).toEqual(["got 2", "got 4"]);
    await t.endOfInput();
  });

  test("batches of a model: what has been read of a turn comes first, and a restart repeats none of it", async () => {
    const batches: number[][] = [];
    const inferring = (): Job => {
      const plant = job("inferring", { partitions: 1, version: "1" });
      const run = async (numbers: readonly number[]) => {
        await Promise.resolve();
        batches.push([...numbers]);
        return numbers.map((n) => n * 10);
      };
      plant
        .source("numbers", fromArray<number>([]))
        .mapBatch({ deterministic: true, version: "1", run })
        .named("infer")
        .keyBy((n) => n % 20)
        .process({
          state: { sum: value<number>() },
          process: (n, { state }) => {
            state.sum.set((state.sum.get() ?? 0) + n);
            return [state.sum.get()];
          },
        })
        .named("sum")
        .to(nowhere("out"));
      return plant;
    };
    const t = await testJob(inferring());
    await t.feed("numbers", [1, 2, 3]);
    await t.savepoint("between");
    await t.feed("numbers", [4]);
    expect(t.take("out").map(({ value: row }) => row)).toEqual([10, 20, 40, 60]);
    expect(batches).toEqual([[1, 2, 3], [4]]);
    await t.savepoint("last", { mode: "stop" });
    const next = await testJob(inferring(), { from: { test: t, savepoint: "between" } });
    await next.feed("numbers", [4]);
    await next.endOfInput();
    expect(next.take("out").map(({ value: row }) => row)).toEqual([60]);
    expect(batches).toEqual([[1, 2, 3], [4], [4]]);
  });

  test("a push source: it stops, and what it had pushed by then is in the savepoint", async () => {
    const rows: number[] = [];
    let push: (n: number) => Promise<void> = () => Promise.reject(new Error("it has not begun"));
    const produced: string[] = [];
    const pushing: SourceSpec<number> = {
      description: "pushed",
      reader: {
        kind: "push",
        codec: { ...defaultCodec, name: "default" },
        splits: () => Promise.resolve([{ name: "0", identity: "0" }]),
        produce: (_split, context) => {
          push = (n) => context.append(n);
          produced.push("start");
          return () => void produced.push("stop");
        },
      },
    };
    const sums = job("pushed", { partitions: 1 });
    sums
      .source("pushed", pushing)
      .keyBy(() => "all")
      .process({
        state: { sum: value<number>() },
        process: (n, { state }) => {
          state.sum.set((state.sum.get() ?? 0) + n);
          return [state.sum.get()!];
        },
      })
      .named("sum")
      .to(callback("out", (sum) => void rows.push(sum)));
    const handle = await start(sums, embedded());
    onTestFinished(() => handle.stop());
    await until("it produces", () => produced.length === 1);
    for (const n of [1, 2, 3]) await push(n);
    const taken = await handle.savepoint("pushed");
    expect(taken).toMatchObject({ name: "pushed", isStopped: false });
    expect(rows).toEqual([1, 3, 6]);
    await until("it goes on", () => produced.length === 3);
    expect(produced).toEqual(["start", "stop", "start"]);
    await push(4);
    await until("what follows is read", () => rows.length === 4);
    expect(rows).toEqual([1, 3, 6, 10]);
  });

  test("a timer that is due while everything is frozen fires when it goes on, and not before", async () => {
    const held = { isHeld: true };
    const waiting = job("waiting", { partitions: 1 });
    waiting
      .source("starts", fromArray<string>([]))
      .keyBy((name) => name)
      .process({
        process: (_name, { timers, now }) => {
          timers.onProcessingTime(now() + 1_000);
          return [];
        },
        onTimer: (_time, { key }) => [`${key} is over`],
      })
      .named("wait")
      .to(nowhere("out"));
    const t = await testJob(
      waiting,
      slowSavepoints(() => held.isHeld),
    );
    await t.feed("starts", ["a"]);
    await request(t, "before");
    await t.clock(500);
    expect(t.status().instances.map(({ state }) => state)).toEqual(["frozen", "frozen"]);
    await t.clock(3_000);
    expect(t.take("out")).toEqual([]);
    held.isHeld = false;
    await t.clock(500);
    expect(t.take("out").map(({ value: row }) => row)).toEqual(["a is over"]);
    const look = await lookAt(t, "before");
    expect(look.stages.find(({ name }) => name === "wait")?.states).toContainEqual(
      expect.objectContaining({ name: "timers/processing", keys: 1 }),
    );
  });
});

test("a savepoint is deleted by its name, and with it all that it consists of", async () => {
  const t = await testJob(clicks());
  await t.feed("clicks", some(0, 30));
  await t.savepoint("first");
  await t.savepoint("second");
  await settled(t, deleteSavepoint(administrator(t), "clicks", "first"));
  const blobs = await settled(t, t.seams.savepoints("clicks"));
  expect((await settled(t, blobs.list(""))).every((name) => name.startsWith("second."))).toBe(true);
  await expect(lookAt(t, "first")).rejects.toThrow(/no savepoint "first"; it has second/);
  await lookAt(t, "second");
});

test("a chunk that is missing is named", async () => {
  const t = await testJob(clicks());
  await t.feed("clicks", some(0, 30));
  await t.savepoint("first");
  const blobs = await settled(t, t.seams.savepoints("clicks"));
  const [chunk] = (await settled(t, blobs.list("first."))).filter((name) => name.includes(".sum."));
  await settled(t, blobs.delete(chunk!));
  await expect(lookAt(t, "first")).rejects.toThrow(new RegExp(`${chunk}.*found nothing`));
});

/** A request that nobody waits for. */
async function request(t: TestJob, name: string, timeoutMs = 60_000): Promise<void> {
  const log = await settled(t, t.seams.logs.open(new JobNames(t.plan.job, 1).jobLog));
  const record = { kind: "savepoint", name, by: "ada", mode: "resume", timeoutMs } as const;
  await settled(t, log.append(encodeJobLogRecord(record)));
}

/** A job whose copies wait while `isHeld`. */
function slowSavepoints(isHeld: () => boolean): TestJobOptions {
  return withPuts(async (put, clock) => {
    while (isHeld()) await new Promise<void>((resolve) => clock.schedule(50, resolve, { background: true }));
    return put();
  });
}

/** A job whose copies are refused while there is no room for them. */
function fullSavepoints(isFull: (name: string) => boolean): TestJobOptions {
  return withPuts((put, _clock, name) =>
    isFull(name) ? Promise.reject(new StreamError("LOG_FULL", "no room")) : put(),
  );
}

function withPuts(
  guard: (put: () => Promise<void>, clock: TestJob["virtualClock"], name: string) => Promise<void>,
): TestJobOptions {
  return {
    seams: (clock): Seams => {
      const seams = new MemorySeams(clock);
      const guarded = (blobs: Blobs): Blobs => ({
        get: (name) => blobs.get(name),
        list: (prefix) => blobs.list(prefix),
        delete: (name) => blobs.delete(name),
        put: (name, bytes) => guard(() => blobs.put(name, bytes), clock, name),
      });
      return {
        logs: seams.logs,
        bus: seams.bus,
        holdings: seams.holdings,
        registers: (name) => seams.registers(name),
        blobs: (name, generation) => seams.blobs(name, generation),
        savepoints: async (name) => guarded(await seams.savepoints(name)),
      };
    },
  };
}
