/** What `testJob` gives its users: feeding, watermarks, both clocks, crashes, the end, and what came out of it all. */
import { describe, expect, test } from "vitest";
import { callback, count, discard, fromArray, job, tumbling, value, type Job } from "tidemark";
import { testJob } from "tidemark/testing";
import { oneExchange, readings, twoExchanges, type Reading } from "../actor/jobs.ts";

const sumsOf = (rows: readonly { value: unknown }[]) => rows.map((row) => (row.value as { value: number }).value);

describe("records in, results out", () => {
  test("take answers what has come since the last take, each row once", async () => {
    const t = await testJob(oneExchange());
    await t.feed("readings", [{ at: 0, device: "a", celsius: 1 }]);
    await t.watermark("readings", 999);
    expect(sumsOf(t.take("sums"))).toEqual([1]);
    expect(t.take("sums")).toEqual([]);
    await t.feed("readings", [{ at: 1_000, device: "a", celsius: 2 }]);
    await t.watermark("readings", 1_999);
    expect(sumsOf(t.take("sums"))).toEqual([2]);
  });

  test("a name that is none is refused with those that there are", async () => {
    const t = await testJob(oneExchange());
    expect(() => t.take("sum")).toThrow(/sums/);
    await expect(async () => t.feed("reading", [])).rejects.toThrow(/readings/);
    await expect(async () => t.feed("readings", [1], { split: 1 })).rejects.toThrow(/no split 1/);
    await expect(async () => t.crash("nobody/7")).rejects.toThrow(/nobody\/7/);
  });

  test("the watermark comes from the test alone", async () => {
    const t = await testJob(oneExchange());
    await t.feed("readings", [{ at: 90_000, device: "a", celsius: 1 }]);
    expect(t.watermarkOf("readings")).toBe(-Infinity);
    await t.watermark("readings", 50_000);
    expect(t.watermarkOf("readings")).toBe(50_000);
  });

  test("a paused sink is back-pressure: nothing is lost, and everything comes when it is resumed", async () => {
    const t = await testJob(oneExchange());
    t.sink("sums").pause();
    await t.feed("readings", readings(5, 0, 1_000));
    await t.watermark("readings", 999);
    expect(t.take("sums")).toEqual([]);
    t.sink("sums").resume();
    await t.settle();
    expect(t.take("sums")).toHaveLength(5);
  });
});

describe("endOfInput", () => {
  test("fires everything and completes the job", async () => {
    const t = await testJob(oneExchange(), { workers: 2 });
    await t.feed("readings", readings(2, 0, 3_000));
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(t.take("sums")).toHaveLength(6);
  });

  test("completes a job that has been given nothing at all", async () => {
    const t = await testJob(oneExchange());
    await t.endOfInput();
    expect(t.outcome).toBe("completed");
    expect(t.take("sums")).toEqual([]);
  });

  test("throws what made the job fail", async () => {
    const t = await testJob(oneExchange(), { onError: "fail" });
    await t.feed("readings", [{ at: Number.NaN, device: "a", celsius: 1 }]);
    await expect(t.endOfInput()).rejects.toMatchObject({ code: "DEAD_LETTERS_EXCEEDED" });
    expect(t.outcome).toBe("failed");
    expect(t.failure?.message).toContain("readings/0");
  });
});

describe("clock", () => {
  /** Answers each record five seconds of processing time later. */
  function delayed(): Job {
    const plant = job("delayed", { partitions: 2, version: "test" });
    plant
      .source("words", fromArray<string>([]))
      .keyBy((word) => word)
      .process({
        state: { word: value<string>() },
        process(word, { state, timers, now }) {
          state.word.set(word);
          timers.onProcessingTime(now() + 5_000);
        },
        onTimer: (time, { key, now, state }) => [{ key, word: state.word.get(), time, now: now() }],
      })
      .named("delay")
      .to(callback("out", () => undefined));
    return plant;
  }

  test("processing-time timers fire by ticks when their time has come, not before", async () => {
    const t = await testJob(delayed(), { now: 10_000 });
    await t.feed("words", ["a"]);
    await t.clock(4_999);
    expect(t.take("out")).toEqual([]);
    await t.clock(1);
    const [row] = t.take("out");
    expect(row?.value).toMatchObject({ key: "a", word: "a", time: 15_000, now: 15_000 });
    expect(row?.timestamp).toBeUndefined();
  });

  test("a timer that was due while its instance was down fires late, by the log's time, once", async () => {
    const t = await testJob(delayed(), { now: 0, partitions: 1 });
    await t.feed("words", ["a"]);
    await t.crash("delay/0", { stayDown: true });
    await t.clock(20_000);
    expect(t.take("out")).toEqual([]);
    await t.revive("delay/0");
    await t.clock(1_000);
    const rows = t.take("out");
    expect(rows).toHaveLength(1);
    expect(rows[0]?.value).toMatchObject({ time: 5_000 });
    const [fired] = rows.map(({ value: row }) => row as { now: number });
    expect(fired?.now).toBeGreaterThanOrEqual(20_000);
    await t.crash("delay/0");
    await t.clock(20_000);
    expect(t.take("out")).toEqual([]);
  });

  test("a crash between the tick and the next snapshot fires nothing twice", async () => {
    const t = await testJob(delayed(), { now: 0 });
    await t.feed("words", ["a", "b", "c"]);
    await t.clock(5_000);
    expect(t.take("out")).toHaveLength(3);
    await t.crash("delay/0");
    await t.crash("delay/1");
    await t.clock(30_000);
    expect(t.take("out")).toEqual([]);
  });
});

describe("records that go elsewhere", () => {
  test("dead letters tell operator, code, stage and value", async () => {
    const plant = job("failing", { partitions: 1, version: "test" });
    plant
      .source("numbers", fromArray<number>([]))
      .map((number) => {
        if (number === 2) throw new RangeError("two is no number");
        return number;
      })
      .named("check")
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await t.feed("numbers", [1, 2, 3]);
    expect(t.take("out").map((row) => row.value)).toEqual([1, 3]);
    expect(t.deadLetters()).toMatchObject([{ operator: "check", code: "USER_FUNCTION", value: 2, partition: 0 }]);
  });

  test("a dead letter comes once, however often its instance crashes", async () => {
    const t = await testJob(oneExchange());
    await t.feed("readings", [{ at: 0, device: { no: "key" }, celsius: 1 }]);
    await t.crash("readings/0");
    await t.crash("readings/0");
    await t.feed("readings", [{ at: Number.NaN, device: "a", celsius: 1 }]);
    await t.endOfInput();
    expect(t.deadLetters()).toMatchObject([{ code: "KEY_INVALID" }, { code: "TIMESTAMP_INVALID" }]);
  });

  test("late records that nobody reads are kept apart, with the edge they come from", async () => {
    const t = await testJob(oneExchange());
    await t.feed("readings", [{ at: 500, device: "a", celsius: 1 }]);
    await t.watermark("readings", 999);
    await t.feed("readings", [{ at: 700, device: "a", celsius: 100 }]);
    await t.endOfInput();
    expect(sumsOf(t.take("sums"))).toEqual([1]);
    const late = t.lateRecords();
    expect(late.filter(({ edge }) => edge.startsWith("sums"))).toHaveLength(1);
    expect(late[0]).toMatchObject({ value: { at: 700, celsius: 100 }, timestamp: 700 });
  });

  test("a late stream that is read takes them instead", async () => {
    const plant = job("late", { partitions: 2, version: "test" });
    const counts = plant
      .source("readings", fromArray<Reading>([]))
      .timestamps((r) => r.at)
      .keyBy((r) => r.device)
      .window(tumbling("1s"))
      .aggregate(count())
      .named("counts");
    counts.to(discard());
    counts.late().to(callback("late", () => undefined));
    const t = await testJob(plant);
    await t.watermark("readings", 5_000);
    await t.feed("readings", [{ at: 10, device: "a", celsius: 1 }]);
    expect(t.take("late")).toHaveLength(1);
    expect(t.lateRecords()).toEqual([]);
  });
});

describe("R16: idleness", () => {
  const idleMs = 30_000;

  /** Two splits; only the first has anything to say. */
  async function oneQuietSplit() {
    const t = await testJob(oneExchange(), { splits: { readings: 2 } });
    await t.feed("readings", [{ at: 10, device: "quiet", celsius: 1 }], { split: 1 });
    await t.feed("readings", [{ at: 100, device: "a", celsius: 1 }]);
    return t;
  }

  test("a split without records holds event time back until it is idle for 30 s", async () => {
    const t = await testJob(oneExchange(), { splits: { readings: 2 } });
    await t.feed("readings", [{ at: 100, device: "a", celsius: 1 }]);
    t.source("readings").watermarkOf(0, 1_500);
    await t.clock(idleMs - 2_000);
    t.source("readings").watermarkOf(0, 1_500);
    expect(t.take("sums")).toEqual([]);
    for (let round = 0; round < 6; round += 1) {
      t.source("readings").watermarkOf(0, 1_600 + round);
      await t.clock(1_000);
    }
    expect(sumsOf(t.take("sums"))).toEqual([1]);
  });

  test("an idle split that comes back is held until it has been answered, and nothing of it becomes late because of that", async () => {
    const t = await oneQuietSplit();
    t.source("readings").watermarkOf(0, 500);
    await t.clock(idleMs);
    const idle = t.status().instances.filter(({ activity }) => activity === "idle");
    expect(idle.map(({ name }) => name)).toContain("readings/1");
    await t.feed("readings", [{ at: 600, device: "quiet", celsius: 2 }], { split: 1 });
    t.source("readings").watermarkOf(0, 5_000);
    await t.settle();
    expect(t.watermarkOf("readings")).toBeLessThan(5_000);
    expect(t.lateRecords()).toEqual([]);
    t.source("readings").watermarkOf(1, 5_000);
    await t.settle();
    expect(new Set(sumsOf(t.take("sums")))).toEqual(new Set([1, 3]));
    expect(t.lateRecords()).toEqual([]);
  });

  test("a whole source that is idle does not end anything, and goes on where it was", async () => {
    const t = await testJob(oneExchange());
    await t.feed("readings", [{ at: 100, device: "a", celsius: 1 }]);
    await t.clock(2 * idleMs);
    expect(t.status().instances.find(({ name }) => name === "readings/0")?.activity).toBe("idle");
    expect(t.take("sums")).toEqual([]);
    await t.feed("readings", [{ at: 200, device: "a", celsius: 2 }]);
    await t.watermark("readings", 999);
    expect(sumsOf(t.take("sums"))).toEqual([3]);
  });

  test("a crash of an idle split, and of the leader that knew of it, changes nothing", async () => {
    const t = await testJob(oneExchange(), { splits: { readings: 2 }, workers: 2 });
    await t.feed("readings", [{ at: 10, device: "quiet", celsius: 1 }], { split: 1 });
    await t.clock(idleMs + 5_000);
    await t.crash("readings/1");
    await t.crash("leader");
    await t.feed("readings", [{ at: 20, device: "quiet", celsius: 2 }], { split: 1 });
    await t.watermark("readings", 999);
    expect(sumsOf(t.take("sums"))).toEqual([3]);
    expect(t.lateRecords()).toEqual([]);
  });
});

describe("crashes", () => {
  test("an instance is back when the crash has been awaited", async () => {
    const t = await testJob(twoExchanges());
    await t.crash("sums/0");
    const sums = t.status().instances.find(({ name }) => name === "sums/0");
    expect(sums).toMatchObject({ state: "running", restarts: 1 });
  });

  test("the last worker is replaced by a new one", async () => {
    const t = await testJob(twoExchanges());
    const [before] = t.workers;
    await t.crash("leader");
    const [after] = t.workers;
    expect(after?.id).not.toBe(before?.id);
    await t.feed("readings", readings(1, 0, 1_000));
    await t.endOfInput();
    expect(t.take("out")).toHaveLength(1);
  });
});
