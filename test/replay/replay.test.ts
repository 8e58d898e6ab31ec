/** An actor of a job, run again beside it: equal when it is a function of its inbox, and the first difference when it is not. */
import { expect, describe, test } from "vitest";
import { callback, fromArray, job, value, type Job } from "tidemark";
import { replayInstance, type ReplayOptions, type ReplayReport } from "../../framework/replay/replay.ts";
import type { Log, Seams } from "../../framework/log/contracts.ts";
import { JobNames } from "../../framework/log/names.ts";
import { decodeMessage } from "../../framework/record/frame.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { testJob, type TestJob } from "../../framework/testing/test-job.ts";
import { replayDeadLetters } from "../../framework/administration/redelivery.ts";
import { administrator, settled } from "../administration/administrator.ts";
import { oneExchange, readings, twoExchanges, type Reading } from "../actor/jobs.ts";

const ends = { cluster: undefined, logger: silentLogger };

function replay(t: TestJob, instance: string, options: Partial<ReplayOptions> = {}): Promise<ReplayReport> {
  const asked = { instance, plan: t.plan, ends, hasManualWatermarks: true, ...options };
  return settled(t, replayInstance(administrator(t), t.plan.job, asked));
}

/** Feeds in portions with a snapshot interval between them, so that instances have snapshots behind which there is something to read. */
async function fedInPortions(
  t: TestJob,
  portions: number,
  betweenThem: (portion: number) => Promise<void>,
): Promise<void> {
  for (let portion = 0; portion < portions; portion += 1) {
    await t.feed("readings", readings(40, portion * 4_000, portion * 4_000 + 4_000));
    await t.watermark("readings", portion * 4_000 + 3_500);
    await betweenThem(portion);
    await t.clock(11_000);
  }
  await t.feed("readings", readings(40, portions * 4_000, portions * 4_000 + 4_000));
  await t.watermark("readings", portions * 4_000 + 3_500);
}

const nothing = () => Promise.resolve();

/** The first frame of a log. */
function firstFrame(log: Log): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const reader = log.read({
      from: 1,
      onReadable: () => {
        for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
          if (decodeMessage(entry.payload).kind !== "frame") continue;
          reader.close();
          return resolve(entry.payload.slice());
        }
      },
      onBroken: ({ first }) => reject(new Error(`the log begins with ${first}`)),
    });
  });
}

describe("an instance that is a function of its inbox", () => {
  test("is equal: every output that the logs still hold, and the state of its own next snapshot", async () => {
    const t = await testJob(twoExchanges());
    await fedInPortions(t, 3, nothing);
    const reports: ReplayReport[] = [];
    for (const name of ["sums/0", "sums/1", "totals/0", "totals/1"]) reports.push(await replay(t, name));
    for (const report of reports) {
      expect(report).toMatchObject({ isEqual: true, outputs: { differences: 0 }, state: { different: [] } });
      expect(report.from).toBeGreaterThan(0);
    }
    expect(reports.reduce((sum, { outputs }) => sum + outputs.compared, 0)).toBeGreaterThan(0);
    expect(reports.reduce((sum, { rows }) => sum + (rows["out"] ?? 0), 0)).toBeGreaterThan(0);
  });

  test("… also after crashes of itself, of those before it, and of the worker: repetitions in the logs are compared, too", async () => {
    const t = await testJob(twoExchanges(), { workers: 2 });
    await fedInPortions(t, 3, async (portion) => {
      await t.crash(["sums/0", "readings/0", "leader"][portion] ?? "leader");
    });
    await t.crash("sums/0");
    for (const name of ["sums/0", "sums/1", "totals/0", "totals/1"])
      expect(await replay(t, name)).toMatchObject({ isEqual: true });
  });

  test("C2: … also when an incarnation that went late says again what its reader has trimmed", async () => {
    const t = await testJob(oneExchange(), { partitions: 1 });
    await t.feed("readings", readings(40, 0, 4_000));
    const inbox = await settled(t, t.seams.logs.open(new JobNames(t.plan.job, 1).inbox("sums", 0)));
    const said = await settled(t, firstFrame(inbox));
    await fedInPortions(t, 3, nothing);
    expect((await settled(t, inbox.info())).first).toBeGreaterThan(1);
    await settled(t, inbox.append(said));
    await t.feed("readings", readings(40, 20_000, 24_000));
    const report = await replay(t, "readings/0", { from: "start" });
    expect(report.outputs.compared).toBeGreaterThan(0);
    expect(report.outputs.trimmed).toBeGreaterThan(0);
    expect(report).toMatchObject({ from: 0, isEqual: true, outputs: { differences: 0 } });
  });

  test("… also when the job collects a snapshot while it is being loaded: the next one is taken", async () => {
    const t = await testJob(twoExchanges());
    await fedInPortions(t, 3, nothing);
    const { seams, ...rest } = administrator(t);
    let missed = 0;
    const collected = (name: string) => !name.includes(".m.") && (missed += 1) === 1;
    const asIfCollected: Seams = {
      ...seams,
      blobs: async (of, generation) => {
        const blobs = await seams.blobs(of, generation);
        const get = (name: string) => (collected(name) ? Promise.resolve(undefined) : blobs.get(name));
        return { get, put: blobs.put.bind(blobs), delete: blobs.delete.bind(blobs), list: blobs.list.bind(blobs) };
      },
    };
    const asked = { instance: "sums/0", plan: t.plan, ends, hasManualWatermarks: true };
    const report = await settled(t, replayInstance({ ...rest, seams: asIfCollected }, t.plan.job, asked));
    expect(missed).toBeGreaterThan(1);
    expect(report).toMatchObject({ isEqual: true });
  });

  test("… also when the job trims what it would begin with: it begins with the next snapshot", async () => {
    const t = await testJob(twoExchanges());
    const { seams, ...rest } = administrator(t);
    const key = new JobNames(t.plan.job, 1).pointer("sums", 0);
    const before = await settled(
      t,
      seams.registers(t.plan.job).then((registers) => registers.get(key)),
    );
    expect(before).toBeDefined();
    await fedInPortions(t, 3, nothing);
    let asked = 0;
    const asOfBefore: Seams = {
      ...seams,
      registers: async (of) => {
        const registers = await seams.registers(of);
        const get = (name: string) => (name === key && (asked += 1) === 1 ? before : registers.get(name));
        return new Proxy(registers, {
          get: (target, property) =>
            property === "get" ? async (name: string) => get(name) : Reflect.get(target, property),
        });
      },
    };
    const options = { instance: "sums/0", plan: t.plan, ends, hasManualWatermarks: true };
    const report = await settled(t, replayInstance({ ...rest, seams: asOfBefore }, t.plan.job, options));
    expect(asked).toBeGreaterThan(1);
    expect(report.from).toBeGreaterThan(0);
    expect(report).toMatchObject({ isEqual: true });
  });

  test("R14: so are calls and batch turns: results are read from the inbox, nobody is asked again", async () => {
    let asked = 0;
    const plant = job("calling", { partitions: 1, version: "test" });
    plant
      .source("readings", fromArray<Reading>([]))
      .timestamps((r) => r.at)
      .mapAsync((r) => Promise.resolve({ ...r, asked: (asked += 1) }), { order: "unordered", capacity: 7 })
      .named("ask")
      .mapBatch({
        deterministic: true,
        version: "1",
        run: (all) => Promise.resolve(all.map((r) => [r.device, r.asked])),
      })
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await fedInPortions(t, 2, nothing);
    await t.settle();
    const before = asked;
    expect(before).toBe(readings(40, 0, 12_000).length);
    expect(await replay(t, "ask/0")).toMatchObject({ isEqual: true, state: { different: [] } });
    expect(asked).toBe(before);
  });

  test("… also when dead letters have been given to it again: they are in its inbox", async () => {
    const plant = job("mending", { partitions: 1, version: "test" });
    plant
      .source("readings", fromArray<Reading>([]))
      .timestamps((r) => r.at)
      .keyBy((r) => r.device)
      .process({
        state: { seen: value<number>() },
        process({ at }, { state }) {
          const seen = (state.seen.get() ?? 0) + 1;
          if (at >= 4_000 && seen === 1) throw new RangeError("it is the first one");
          state.seen.set(seen);
          return [seen];
        },
      })
      .named("counts")
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await t.feed("readings", [...readings(40, 4_000, 4_001), ...readings(40, 0, 2_000)]);
    const letters = t.deadLetters().length;
    expect(letters).toBeGreaterThan(0);
    await t.clock(11_000);
    const { replayed } = await settled(t, replayDeadLetters(administrator(t), "mending", { filter: {} }));
    expect(replayed).toHaveLength(letters);
    await t.clock(11_000);
    await t.feed("readings", readings(40, 8_000, 9_000));
    await t.clock(11_000);
    const report = await replay(t, "counts/0");
    expect(report).toMatchObject({ isEqual: true, outputs: { differences: 0 }, state: { different: [] } });
  });

  test("from the first message, while nothing is trimmed; and up to a given message", async () => {
    const t = await testJob(twoExchanges());
    await fedInPortions(t, 0, nothing);
    const whole = await replay(t, "sums/0", { from: "start" });
    expect(whole).toMatchObject({ isEqual: true, from: 0 });
    expect(await replay(t, "sums/0", { from: "start", to: 2 })).toMatchObject({ isEqual: true, to: 2, turns: 2 });
  });

  test("OR1: a generation that began from a savepoint is replayed from there, also where keys live elsewhere", async () => {
    const first = await testJob(twoExchanges());
    await fedInPortions(first, 1, nothing);
    await first.savepoint("first");
    const t = await testJob(twoExchanges(3), { from: { test: first, savepoint: "first" } });
    await t.feed("readings", readings(40, 9_000, 12_000));
    await t.watermark("readings", 11_500);
    for (const instance of ["sums/0", "sums/2", "totals/0", "totals/2"])
      expect(await replay(t, instance, { from: "start" })).toMatchObject({ isEqual: true, state: undefined });
    await t.clock(11_000);
    expect(await replay(t, "sums/0", { from: "start" })).toMatchObject({ isEqual: true, state: { different: [] } });
  });

  test("a source's split is read again", async () => {
    const t = await testJob(twoExchanges());
    await fedInPortions(t, 2, nothing);
    const report = await replay(t, "readings/0");
    expect(report).toMatchObject({ isEqual: true });
    expect(report.outputs.compared).toBeGreaterThan(0);
  });

  test("nothing is changed by it: the job goes on, and comes to what it would have come to", async () => {
    const rows = async (withReplay: boolean) => {
      const t = await testJob(twoExchanges());
      await fedInPortions(t, 2, async () => {
        if (withReplay) await replay(t, "sums/0", { from: "start" }).catch(() => undefined);
      });
      await t.endOfInput();
      return t.take("out");
    };
    expect(await rows(true)).toEqual(await rows(false));
  });

  test("its messages are told as they are processed", async () => {
    const t = await testJob(twoExchanges());
    await fedInPortions(t, 0, nothing);
    const seen: string[] = [];
    const trace = {
      beforeTurn: (position: number) => seen.push(`before ${position + 1}`),
      taken: ({ sequence }: { readonly sequence: number }) => seen.push(`taken ${sequence}`),
      afterTurn: (position: number) => seen.push(`after ${position}`),
    };
    await replay(t, "sums/0", { from: "start", to: 1, trace: trace as unknown as ReplayOptions["trace"] });
    expect(seen).toEqual(["before 1", "taken 1", "after 1"]);
  });
});

describe("an instance that is none", () => {
  /** What it says depends on how often it was called in this process. */
  function forgetful(): Job {
    let calls = 0;
    const plant = job("forgetful", { partitions: 1, version: "test" });
    plant
      .source("readings", fromArray<Reading>([]))
      .timestamps((r) => r.at)
      .keyBy((r) => r.device)
      .process({
        state: { seen: value<number>() },
        process(reading, { state }) {
          calls += 1;
          state.seen.set(calls);
          return [{ device: reading.device, calls }];
        },
      })
      .named("counter")
      .keyBy((each) => each.device)
      .process({
        state: {},
        process: (each) => [each.calls],
      })
      .named("passing")
      .to(callback("out", () => undefined));
    return plant;
  }

  test("the first difference is named with both values", async () => {
    const t = await testJob(forgetful());
    const fed = readings(3, 0, 3_000);
    await t.feed("readings", fed);
    const report = await replay(t, "counter/0", { from: "start" });
    expect(report).toMatchObject({
      isEqual: false,
      outputs: {
        compared: fed.length,
        differences: fed.length,
        difference: {
          kind: "different",
          edge: "counter.passing",
          number: 1,
          replayed: { value: { calls: fed.length + 1 } },
          logged: { value: { calls: 1 } },
        },
      },
    });
  });

  test("… and so is the state that its snapshot does not have", async () => {
    const t = await testJob(forgetful());
    await t.feed("readings", readings(3, 0, 3_000));
    await t.clock(11_000);
    const report = await replay(t, "counter/0", { from: "start" });
    expect(report.state?.different.join()).toMatch(/keyed state, segment/);
  });
});

describe("what is refused", () => {
  test("another program, another instance, and messages that are not there", async () => {
    const t = await testJob(twoExchanges());
    await fedInPortions(t, 3, nothing);
    await expect(replay(t, "sums/7")).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(/sums\/0 to sums\/1/),
    });
    await expect(replay(t, "sums")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(replay(t, "sums/0", { from: "start" })).rejects.toThrow(/are trimmed; begin with a snapshot/);
    await expect(replay(t, "sums/0", { from: 1 })).rejects.toThrow(/keeps no snapshot 1: there is \d+ and \d+/);
    await expect(replay(t, "sums/0", { to: 1 })).rejects.toThrow(/nothing to replay up to 1/);
    await expect(replay(t, "sums/0", { to: 1_000_000 })).rejects.toThrow(/message 1000000 is not there/);
    const [first] = t.plan.edges;
    const changed = {
      ...t.plan,
      edges: t.plan.edges.map((edge) => (edge === first ? { ...edge, exchange: "global" as const } : edge)),
    };
    await expect(replay(t, "sums/0", { plan: changed })).rejects.toMatchObject({ code: "JOB_MISMATCH" });
  });
});
