/** R14: calls that leave the turn, and come back through the log. */
import { describe, expect, test } from "vitest";
import { testJob, type TestJob, type TestJobOptions } from "tidemark/testing";
import { callback, fromArray, job, tumbling, type AsyncOptions } from "tidemark";
import { encodeControl } from "../../framework/record/frame.ts";
import { defaultCodec } from "../../framework/record/default-codec.ts";
import { answering, Callee, countingAnswers, questions, type Question } from "./callee.ts";

async function begin(options: AsyncOptions = {}, how: TestJobOptions = {}): Promise<{ t: TestJob; callee: Callee }> {
  const callee = new Callee();
  const t = await testJob(answering(callee, options), how);
  callee.clock = t.virtualClock;
  return { t, callee };
}

const values = (t: TestJob) => t.take("out").map(({ value }) => value);

/** What somebody else appends to the inbox of `ask/0`. */
async function append(t: TestJob, results: readonly { sequence: number; ordinal: number; value: unknown }[]) {
  const inbox = t.seams.logs.open("TM_answering_1_IN_ask_0");
  await t.settle();
  const payload = encodeControl({
    kind: "results",
    results: results.map(({ value, ...identity }) => {
      return { ...identity, value: defaultCodec.encode(value), code: "", reason: "", stack: "" };
    }),
  });
  const stored = (await inbox).append(payload);
  await t.settle();
  await stored;
}

/** The identity that the callee was offered, as the log knows it. */
function identityOf(key: string): { sequence: number; ordinal: number } {
  const [sequence = 0, ordinal = 0] = key.split(".").slice(-2).map(Number);
  return { sequence, ordinal };
}

describe("order", () => {
  test("ordered: outputs keep the order and the timestamps of their records", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 3));
    callee.about("q2").answer("third");
    callee.about("q1").answer("second");
    await t.settle();
    expect(values(t)).toEqual([]);
    callee.about("q0").answer("first");
    await t.settle();
    expect(t.take("out")).toEqual([
      { value: "first", timestamp: 0 },
      { value: "second", timestamp: 100 },
      { value: "third", timestamp: 200 },
    ]);
  });

  test("unordered: an output goes when its result is there, but never past a watermark", async () => {
    const { t, callee } = await begin({ order: "unordered" });
    await t.feed("questions", questions(0, 2));
    await t.watermark("questions", 100);
    await t.feed("questions", questions(2, 4));
    callee.about("q3").answer("q3");
    callee.about("q1").answer("q1");
    await t.settle();
    expect(values(t)).toEqual(["q1"]);
    callee.about("q0").answer("q0");
    await t.settle();
    expect(values(t)).toEqual(["q0", "q3"]);
  });
});

describe("event time", () => {
  test("a watermark stays behind the requests issued before it, and passes when their results have been read", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 1));
    await t.watermark("questions", 5_000);
    await t.feed("questions", [{ at: 6_000, id: "later" }]);
    expect(t.watermarkOf("questions")).toBe(5_000);
    expect(t.watermarkOf("ask")).toBe(-Infinity);
    callee.about("q0").answer("answered");
    await t.settle();
    expect(t.watermarkOf("ask")).toBe(5_000);
  });

  test("so nothing that waited is late behind the next exchange", async () => {
    const callee = new Callee();
    const t = await testJob(countingAnswers(callee));
    await t.feed("questions", questions(0, 5));
    await t.watermark("questions", 60_000);
    for (const { answer } of callee.asked.toReversed()) answer("same");
    await t.endOfInput();
    expect(t.take("out")).toMatchObject([{ value: { key: "same", value: { n: 5 } } }]);
    expect(t.lateRecords()).toEqual([]);
  });

  test("F1: of two calls in a row, the second holds the watermark back as well, behind what the first has let go", async () => {
    const [first, second] = [new Callee(), new Callee()];
    const plant = job("twice", { partitions: 1, version: "test" });
    plant
      .source("questions", fromArray<Question>([]))
      .timestamps((q) => q.at)
      .mapAsync(first.call, { order: "unordered" })
      .mapAsync((id, context) => second.call({ at: 0, id }, context), { order: "unordered" })
      .named("again")
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await t.feed("questions", questions(0, 2));
    await t.watermark("questions", 100);
    first.about("q1").answer("b");
    await t.settle();
    second.about("b").answer("b");
    await t.settle();
    expect(values(t)).toEqual(["b"]);
    first.about("q0").answer("a");
    await t.settle();
    expect(t.watermarkOf("map-async")).toBe(-Infinity);
    second.about("a").answer("a");
    await t.settle();
    expect(values(t)).toEqual(["a"]);
    expect(t.watermarkOf("map-async")).toBe(100);
    expect(new Set([...first.asked, ...second.asked].map(({ key }) => key)).size).toBe(4);
  });

  test("the input has ended when the last result has been read", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 1));
    t.virtualClock.schedule(20_000, () => callee.about("q0").answer("at last"), { background: true });
    await t.endOfInput();
    expect(values(t)).toEqual(["at last"]);
    expect(t.outcome).toBe("completed");
  });

  test("R16: an instance with pending requests is not idle: nobody goes on without it", async () => {
    const callee = new Callee();
    const plant = job("half-idle", { partitions: 1, version: "test" });
    const slow = plant
      .source("slow", fromArray<Question>([]))
      .timestamps((q) => q.at)
      .mapAsync(callee.call, { timeout: "1h" })
      .named("ask");
    const fast = plant.source("fast", fromArray<Question>([])).timestamps((q) => q.at);
    slow
      .union(fast.map(({ id }) => id))
      .keyBy((id) => id)
      .window(tumbling("1s"))
      .aggregate((of) => ({ n: of.count() }))
      .named("counts")
      .to(callback("out", () => undefined));
    const t = await testJob(plant);
    await t.feed("slow", questions(0, 1));
    await t.watermark("slow", 0);
    await t.clock(60_000);
    await t.feed("fast", [{ at: 5_000, id: "fast" }]);
    await t.watermark("fast", 60_000);
    await t.clock(60_000);
    expect(t.take("out")).toEqual([]);
    callee.about("q0").answer("slow");
    await t.endOfInput();
    expect(t.take("out").map(({ value }) => (value as { key: string }).key)).toEqual(["slow", "fast"]);
    expect(t.lateRecords()).toEqual([]);
  });
});

describe("capacity", () => {
  test("bounds the calls in flight; the turns go on", async () => {
    const { t, callee } = await begin({ capacity: 2 });
    await t.feed("questions", questions(0, 10));
    expect(callee.ids).toEqual(["q0", "q1"]);
    expect(t.leader.worker.measures().instances.find(({ stage }) => stage === "ask")).toMatchObject({
      pendingRequests: 10,
      inbox: undefined,
    });
    callee.about("q1").answer("1");
    await t.settle();
    expect(callee.ids).toEqual(["q0", "q1", "q2"]);
  });

  test("every record gets its turn, and never more calls are open than that", async () => {
    const { t, callee } = await begin({ capacity: 3 });
    callee.latencyMs = (id) => 5 + ((id.codePointAt(1) ?? 0) % 7);
    await t.feed("questions", questions(0, 50));
    await t.endOfInput();
    expect(values(t)).toEqual(questions(0, 50).map(({ id }) => `${id}!`));
    expect(callee.mostAtOnce).toBe(3);
  });
});

describe("room", () => {
  const small = { snapshotBytes: 2_000, inboxBytes: 300_000, snapshotInterval: "1s" } as const;
  const inboxOf = (t: TestJob) =>
    t.seams.logs.open("TM_answering_1_IN_ask_0").then(async (log) => (await log.info()).bytes);

  async function inboxBytes(t: TestJob): Promise<number> {
    const bytes = inboxOf(t);
    await t.settle();
    return bytes;
  }

  /** Long ones, so that few of them fill an inbox. */
  const long = (from: number, to: number) =>
    questions(from, to).map(({ at, id }) => ({ at, id, text: `${id}?`.repeat(250) }));

  test("while too many requests wait, the inbox fills and senders wait; results arrive, and everything gets its turn", async () => {
    const { t, callee } = await begin({ capacity: 5, timeout: "1h" }, small);
    for (let from = 0; from < 600; from += 20) {
      await t.feed("questions", long(from, from + 20));
      await t.clock(1_000);
    }
    const filled = await inboxBytes(t);
    expect(filled).toBeGreaterThan(small.inboxBytes / 2);
    expect(filled).toBeLessThan(small.inboxBytes + 1024 * 1024);
    // More than the senders have been let send: the rest waits in the source.
    const waiting = t.leader.worker.measures().instances.find(({ stage }) => stage === "ask")?.pendingRequests ?? 0;
    expect(waiting).toBeLessThan(600);
    expect(callee.asked).toHaveLength(5);
    callee.latencyMs = () => 1;
    for (const { answer, id } of callee.asked.slice()) answer(`${id}!`);
    await t.endOfInput();
    expect(values(t)).toEqual(questions(0, 600).map(({ id }) => `${id}!`));
    expect(callee.mostAtOnce).toBe(5);
  });

  test("R13: results have room in an inbox that is full of data, and its size is never raised", async () => {
    const { t, callee } = await begin({ capacity: 5, resultBytes: 50_000, timeout: "1h" }, small);
    for (let from = 0; from < 400; from += 20) await t.feed("questions", long(from, from + 20));
    await t.clock(5_000);
    for (let round = 0; round < 40; round += 1) {
      for (const { answer } of callee.asked.splice(0)) answer("!".repeat(40_000));
      await t.clock(100);
    }
    callee.latencyMs = () => 1;
    for (const { answer } of callee.asked.splice(0)) answer("!");
    await t.endOfInput();
    expect(values(t)).toHaveLength(400);
    const log = t.seams.logs.open("TM_answering_1_IN_ask_0");
    await t.settle();
    const state = (await log).info();
    await t.settle();
    expect((await state).config.maxBytes).toBe(small.inboxBytes + 2 * 1024 * 1024 + 5 * 50_000);
  });
});

describe("failures", () => {
  test("a call that fails for good makes its record a dead letter, in its place", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 2));
    callee.about("q0").refuse(new RangeError("no such device"));
    callee.about("q1").answer("fine");
    await t.settle();
    expect(values(t)).toEqual(["fine"]);
    expect(t.deadLetters()).toMatchObject([
      { operator: "ask", code: "USER_FUNCTION", reason: "no such device", timestamp: 0, value: { at: 0, id: "q0" } },
    ]);
  });

  test("a function that throws instead of answering a promise has failed as well", async () => {
    const callee = new Callee();
    const t = await testJob(
      answering(
        Object.assign(callee, {
          call: () => {
            throw new Error("at once");
          },
        }),
      ),
    );
    await t.feed("questions", questions(0, 1));
    expect(t.deadLetters()).toMatchObject([{ reason: "at once" }]);
  });

  test("a result that no codec takes, or that is too large, is a failure with the reason", async () => {
    const { t, callee } = await begin({ resultBytes: 100 });
    await t.feed("questions", questions(0, 2));
    callee.about("q0").answer({ inner: () => 1 });
    callee.about("q1").answer("x".repeat(101));
    await t.settle();
    expect(t.deadLetters()).toMatchObject([
      { code: "VALUE_NOT_ENCODABLE", reason: expect.stringMatching(/inner/) as string },
      { code: "VALUE_NOT_ENCODABLE", reason: expect.stringMatching(/104 bytes, and may have 100/) as string },
    ]);
  });

  test("onError fail: the job stops with what the call failed with", async () => {
    const { t, callee } = await begin({}, { onError: "fail" });
    await t.feed("questions", questions(0, 1));
    callee.about("q0").refuse(new Error("refused"));
    await expect(t.endOfInput()).rejects.toThrow(/operator ask failed with USER_FUNCTION: refused/);
  });
});

test("O1: a step that throws after it has issued a request has issued none, and drawn nothing", async () => {
  const callee = new Callee();
  const plant = job("undone", { partitions: 1, version: "test" });
  const drawn = plant
    .source("questions", fromArray<Question>([]))
    .timestamps((q) => q.at)
    .keyBy(() => "all")
    .process({ process: (q, { random }) => [{ ...q, draw: random() }] })
    .named("draw");
  drawn
    .mapAsync(callee.call)
    .named("ask")
    .to(callback("out", () => undefined));
  drawn
    .map((q) => {
      if (q.id === "q1") throw new Error("after the request");
      return q;
    })
    .to(callback("drawn", () => undefined));
  const t = await testJob(plant);
  await t.feed("questions", questions(0, 3));
  expect(t.deadLetters()).toMatchObject([{ reason: "after the request", value: { id: "q1" }, key: '"all"' }]);
  expect(callee.ids).toEqual(["q0", "q2"]);
  expect(callee.asked.map(({ key }) => identityOf(key).ordinal)).toEqual([1, 2]);
  callee.about("q0").refuse(new Error("refused"));
  callee.about("q2").answer("answered");
  await t.settle();
  expect(values(t)).toEqual(["answered"]);
  // The key of the step that issued the request, not of the last one.
  expect(t.deadLetters()[1]).toMatchObject({ reason: "refused", key: '"all"', value: { id: "q0" } });
  const other = await testJob(plant);
  await other.feed("questions", questions(0, 1));
  await other.feed("questions", questions(2, 3));
  const draws = (of: TestJob) => of.take("drawn").map(({ value }) => (value as { draw: number }).draw);
  expect(draws(t)).toEqual(draws(other));
});

test("O3: what one result lets go, goes in slices, and nothing comes in between", async () => {
  const { t, callee } = await begin({ capacity: 1_000 });
  await t.feed("questions", questions(0, 1_000));
  await t.watermark("questions", 50_000);
  for (const { id, answer } of callee.asked.slice(1)) answer(id);
  await t.settle();
  expect(values(t)).toEqual([]);
  callee.about("q0").answer("q0");
  await t.settle();
  expect(values(t)).toEqual(questions(0, 1_000).map(({ id }) => id));
  expect(t.watermarkOf("ask")).toBe(50_000);
});

describe("time and tries", () => {
  test("a call that is not answered in time is a dead letter, and its signal is aborted", async () => {
    const { t, callee } = await begin({ timeout: "2s" });
    await t.feed("questions", questions(0, 1));
    await t.clock(1_500);
    expect(callee.about("q0").signal.aborted).toBe(false);
    await t.clock(500);
    expect(callee.about("q0").signal.aborted).toBe(true);
    expect(t.deadLetters()).toMatchObject([{ code: "CALL_TIMED_OUT", reason: "no answer within 2000 ms" }]);
    callee.about("q0").answer("too late");
    await t.settle();
    expect(values(t)).toEqual([]);
  });

  test("a failed try is repeated after the back-off, with the same idempotency key", async () => {
    const { t, callee } = await begin({ retry: { attempts: 3, backoff: "1s", backoffMax: "1500ms" } });
    await t.feed("questions", questions(0, 1));
    const beganMs = t.virtualClock.monotonicMs();
    callee.about("q0").refuse(new Error("once"));
    await t.settle();
    expect(t.virtualClock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(1_000);
    callee.about("q0").refuse(new Error("twice"));
    await t.settle();
    expect(t.virtualClock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(2_500);
    callee.about("q0").answer("the third time");
    await t.settle();
    expect(values(t)).toEqual(["the third time"]);
    expect(new Set(callee.asked.map(({ key }) => key)).size).toBe(1);
    expect(callee.asked).toHaveLength(3);
  });

  test("a try that hangs gives way to the next one", async () => {
    const { t, callee } = await begin({ timeout: "10s", retry: { attempts: 2, timeout: "1s", backoff: 0 } });
    await t.feed("questions", questions(0, 1));
    await t.clock(1_000);
    expect(callee.asked.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    callee.asked[0]?.answer("of the first try: nobody listens");
    callee.about("q0").answer("of the second");
    await t.settle();
    expect(values(t)).toEqual(["of the second"]);
  });

  test("time bounds all tries together", async () => {
    const { t, callee } = await begin({ timeout: "5s", retry: { attempts: 100, backoff: "1s", backoffMax: "1s" } });
    callee.latencyMs = () => undefined;
    await t.feed("questions", questions(0, 1));
    for (let tries = 0; tries < 3; tries += 1) {
      callee.about("q0").refuse(new Error("again"));
      await t.clock(1_000);
    }
    await t.clock(5_000);
    expect(t.deadLetters()).toMatchObject([
      { code: "CALL_TIMED_OUT", reason: expect.stringMatching(/within 5000 ms and \d tries/) as string },
    ]);
  });
});

describe("identity", () => {
  test("keys name generation, instance, sequence and ordinal, and differ for every record of a turn", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 3));
    expect(callee.asked.map(({ key }) => key)).toEqual(
      [1, 2, 3].map((n) => expect.stringMatching(new RegExp(String.raw`^answering\.1\.ask\.0\.\d+\.${n}$`)) as string),
    );
    expect(new Set(callee.asked.map(({ key }) => identityOf(key).sequence)).size).toBe(1);
    await t.feed("questions", questions(3, 4));
    expect(identityOf(callee.about("q3").key)).toEqual({ sequence: expect.any(Number) as number, ordinal: 1 });
    expect(new Set(callee.asked.map(({ key }) => key)).size).toBe(4);
  });

  test("the first logged result counts: the own one that comes later is ignored", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 2));
    await append(t, [{ ...identityOf(callee.about("q0").key), value: "of a zombie" }]);
    expect(values(t)).toEqual(["of a zombie"]);
    expect(callee.about("q0").signal.aborted).toBe(true);
    callee.about("q0").answer("own");
    callee.about("q1").answer("second");
    await t.settle();
    expect(values(t)).toEqual(["second"]);
  });

  test("a result that comes twice, or for no request, changes nothing", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 2));
    callee.about("q0").answer("first");
    await t.settle();
    const identity = identityOf(callee.about("q0").key);
    await append(t, [
      { ...identity, value: "again" },
      { ...identity, ordinal: 99, value: "for nobody" },
      { sequence: 999, ordinal: 1, value: "for nobody" },
    ]);
    callee.about("q1").answer("second");
    await t.settle();
    expect(values(t)).toEqual(["first", "second"]);
  });
});

describe("crashes", () => {
  test("a call without a logged result is made again by the successor, with the same key; a logged one is not", async () => {
    const { t, callee } = await begin();
    await t.feed("questions", questions(0, 2));
    callee.about("q1").answer("logged");
    await t.settle();
    const first = callee.about("q0");
    await t.crash("ask/0");
    expect(first.signal.aborted).toBe(true);
    expect(callee.ids).toEqual(["q0", "q1", "q0"]);
    expect(callee.about("q0").key).toBe(first.key);
    first.answer("of the dead");
    callee.about("q0").answer("of the living");
    await t.settle();
    expect(values(t)).toEqual(["of the living", "logged"]);
  });

  test("the process dies between request and result", async () => {
    const { t, callee } = await begin({}, { workers: 2 });
    await t.feed("questions", questions(0, 3));
    const host = t.workers.find(({ instances }) => instances.some(({ name }) => name === "ask/0"));
    await t.crash(host?.id ?? "");
    expect(callee.ids.slice(3)).toEqual(["q0", "q1", "q2"]);
    for (const { answer, id } of callee.asked) answer(id);
    await t.endOfInput();
    expect(values(t)).toEqual(["q0", "q1", "q2"]);
  });

  test("R6: pending requests, their results and the watermark behind them are in the snapshot", async () => {
    const { t, callee } = await begin({ order: "unordered" }, { snapshotInterval: "1s", partitions: 1 });
    await t.feed("questions", questions(0, 2));
    await t.watermark("questions", 150);
    await t.feed("questions", questions(2, 3));
    callee.about("q2").answer("q2");
    await t.clock(5_000);
    await t.watermark("questions", 250);
    await t.clock(5_000);
    const taken = t.status().instances.find(({ name }) => name === "ask/0");
    expect(taken?.snapshot).toBeGreaterThan(3);
    await t.crash("ask/0");
    expect(t.watermarkOf("ask")).toBe(-Infinity);
    expect(callee.ids).toEqual(["q0", "q1", "q2", "q0", "q1"]);
    callee.about("q1").answer("q1");
    callee.about("q0").answer("q0");
    await t.settle();
    expect(values(t)).toEqual(["q1", "q0", "q2"]);
    expect(t.watermarkOf("ask")).toBe(250);
  });

  test("a graceful stop waits for no call: the successor makes it again", async () => {
    const { t, callee } = await begin({}, { workers: 2 });
    await t.feed("questions", questions(0, 1));
    const host = t.workers.find(({ instances }) => instances.some(({ name }) => name === "ask/0"));
    const stopped = host?.stop();
    await t.virtualClock.until(() => callee.asked.length > 1, 60_000);
    await t.settle();
    await stopped;
    expect(callee.asked.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    callee.about("q0").answer("elsewhere");
    await t.endOfInput();
    expect(values(t)).toEqual(["elsewhere"]);
  });
});
