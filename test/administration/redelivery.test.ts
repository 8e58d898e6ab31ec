/** Dead letters that are given to the job again, by somebody who is no worker of it: each counts once, however often it is asked for. */
import { expect, test } from "vitest";
import { callback, fromArray, job, tumbling, value } from "tidemark";
import { testJob, type TestJob, type TestJobOptions, type TestTurn } from "tidemark/testing";
import { listDeadLetters } from "../../framework/administration/dead-letters.ts";
import { restartJob, stopJob } from "../../framework/administration/job-commands.ts";
import {
  replayDeadLetters,
  type LetterChoice,
  type RedeliveryResult,
} from "../../framework/administration/redelivery.ts";
import { encodeFrame, SectionWriter } from "../../framework/record/frame.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { administrator, settled } from "./administrator.ts";

const all: LetterChoice = { filter: {} };

interface Turn {
  readonly key: number;
  readonly n: number;
}

/** A job that sums by key, and throws at what comes before the key's 0: a function of its state, as it has to be. */
async function summing(options: TestJobOptions = {}): Promise<TestJob> {
  const program = job("summing", { partitions: 2, version: "test" });
  program
    .source("numbers", fromArray<Turn>([]))
    .map((turn) => {
      if (turn.n < 0) throw new RangeError(`${turn.n} is negative`);
      return turn;
    })
    .keyBy(({ key }) => key)
    .process({
      state: { sum: value<number>() },
      process({ key, n }, { state }) {
        const sum = n === 0 ? 0 : state.sum.get();
        if (sum === undefined) throw new RangeError(`${n} comes before the 0 of ${key}`);
        state.sum.set(sum + n);
        return [sum + n];
      },
    })
    .named("sums")
    .to(callback("out", () => undefined));
  const t = await testJob(program, options);
  await feed(t, 1, 1, 2);
  await feed(t, 2, 10);
  return t;
}

const feed = (t: TestJob, key: number, ...numbers: readonly number[]) =>
  t.feed(
    "numbers",
    numbers.map((n) => ({ key, n })),
  );
/** What was missing comes: what has failed would not fail now. */
async function mend(t: TestJob): Promise<void> {
  await feed(t, 1, 0);
  await feed(t, 2, 0);
  expect(sums(t)).toEqual([0, 0]);
}
async function again(t: TestJob, choice: LetterChoice = all): Promise<RedeliveryResult> {
  const result = await settled(t, replayDeadLetters(administrator(t), "summing", choice));
  await t.settle();
  return result;
}
const numbersOf = async (t: TestJob) =>
  (await settled(t, listDeadLetters(administrator(t), "summing"))).map(({ number }) => number);
const sums = (t: TestJob) =>
  t
    .take("out")
    .map(({ value: sum }) => sum as number)
    .toSorted((a, b) => a - b);

test("what has failed is processed once it can be, and once only: the command repeated, the instances crashed before, between and after", async () => {
  const t = await summing();
  await mend(t);
  const numbers = await numbersOf(t);
  expect(numbers).toHaveLength(3);
  await t.crash("sums/0", { stayDown: true });
  await t.crash("sums/1");
  expect(await again(t)).toEqual({ job: "summing", replayed: numbers, before: [], refused: [] });
  await again(t);
  await t.revive("sums/0");
  expect(sums(t)).toEqual([1, 3, 10]);
  await t.crash("sums/0");
  await t.crash("sums/1");
  await again(t);
  expect(sums(t)).toEqual([]);
  await feed(t, 1, 5);
  await feed(t, 2, 5);
  expect(sums(t)).toEqual([8, 15]);
  expect(await numbersOf(t)).toEqual(numbers);
});

test("a snapshot knows what has been given again: the command says so, and no successor takes it twice", async () => {
  const t = await summing({ snapshotInterval: "1s" });
  await mend(t);
  const numbers = await numbersOf(t);
  await again(t);
  await t.clock(20_000);
  await feed(t, 1, 5);
  await feed(t, 2, 5);
  await t.clock(20_000);
  expect(await again(t)).toMatchObject({ replayed: [], before: numbers, refused: [] });
  await t.crash("sums/0");
  await t.crash("sums/1");
  await feed(t, 1, 1);
  await feed(t, 2, 1);
  expect(sums(t)).toEqual([1, 3, 8, 9, 10, 15, 16]);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])("whatever crashes, and whoever asks again: seed %i", async (seed) => {
  const random = seededRandom(seed);
  let crashes = 0;
  const kinds = ["actor", "actor", "worker", "leader"] as const;
  const crashAt = ({ stage }: TestTurn) => {
    if (stage !== "sums" || crashes >= 8 || random.below(4) > 0) return undefined;
    crashes += 1;
    return kinds[random.below(4)];
  };
  const t = await summing({ seed, workers: 2, snapshotInterval: "1s", restart: { max: 100 }, crashAt });
  await mend(t);
  for (let round = 0; round < 6; round += 1) {
    // The letter of another round fails again and again; those of the first succeed.
    await feed(t, 3 + round, 1);
    const choice = round % 2 === 0 ? { stage: "sums" } : { reason: "the 0 of 1" };
    await settled(t, replayDeadLetters(administrator(t), "summing", { filter: choice }));
    await t.clock(random.below(3_000));
  }
  await t.endOfInput();
  expect(crashes).toBe(8);
  expect(sums(t)).toEqual([1, 3, 10]);
});

test("RL1: a letter that is found under another number, for the stream has lost the first telling of it, is still the same", async () => {
  const t = await summing();
  await mend(t);
  const numbers = await numbersOf(t);
  await again(t);
  expect(sums(t)).toEqual([1, 3, 10]);
  await t.crash("sums/0");
  await t.crash("sums/1");
  const log = await settled(t, t.seams.logs.open("TM_summing_1_DEAD"));
  await settled(t, log.trim(Number(numbers.at(-1)?.split(".")[0]) + 1));
  const others = await numbersOf(t);
  expect(others).toHaveLength(3);
  expect(others.filter((number) => numbers.includes(number))).toEqual([]);
  expect((await again(t)).replayed).toEqual(others);
  expect(sums(t)).toEqual([]);
});

test("a record that fails again is a new letter, which can be given again", async () => {
  const t = await summing();
  const [first = ""] = await numbersOf(t);
  await again(t, { numbers: [first] });
  const now = await numbersOf(t);
  expect(now).toHaveLength(4);
  await mend(t);
  expect((await again(t, { numbers: [now.at(-1) ?? ""] })).replayed).toHaveLength(1);
  expect(sums(t)).toEqual([1]);
});

test("letters are chosen by number, or as list shows them; an unknown number lets nothing go", async () => {
  const t = await summing();
  await mend(t);
  const [first = ""] = await numbersOf(t);
  await expect(again(t, { numbers: [first, "99.1"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(sums(t)).toEqual([]);
  expect((await again(t, { filter: { stage: "sums", reason: "the 0 of 2" } })).replayed).toHaveLength(1);
  expect(sums(t)).toEqual([10]);
});

test("what no inbox takes is refused with the reason, and the others go", async () => {
  const t = await summing();
  await feed(t, 1, -1);
  await mend(t);
  const { replayed, refused } = await again(t);
  expect(replayed).toHaveLength(3);
  expect(refused).toEqual([{ number: expect.any(String), reason: expect.stringContaining("source stage numbers") }]);
  expect(sums(t)).toEqual([1, 3, 10]);
});

test("a letter says what its value is: what is no record is refused by name, an earlier version's too", async () => {
  const t = await summing();
  const earlier = { stage: "sums", partition: 0, sequence: 1, operator: "sums", code: "USER_FUNCTION", reason: "old" };
  const lettersNow = [
    { ...earlier, value: 1 },
    { ...earlier, origin: "step", value: 2 },
    { ...earlier, origin: "sinkRow", value: 3 },
    { ...earlier, origin: "unread", value: 4 },
    { ...earlier, origin: "rendering", value: "5" },
    { ...earlier, origin: "record", value: 6 },
  ];
  const records = new SectionWriter();
  for (const letter of lettersNow) records.add(letter, undefined);
  const header = { edge: 99, from: 0, epoch: 1, first: 1, count: lettersNow.length, check: 0 };
  const log = await settled(t, t.seams.logs.open("TM_summing_1_DEAD"));
  await settled(t, log.append(encodeFrame([{ header, records }])));
  const { refused } = await again(t, { filter: { reason: "old" } });
  const reasons = [
    "earlier version",
    "a timer, a window",
    "a sink has refused",
    "did not become",
    "a rendering",
    "several",
  ];
  expect(refused.map(({ reason }) => reason)).toEqual(reasons.map((part) => expect.stringContaining(part) as string));
});

test("an instance whose input has ended takes nothing, and is named when its last snapshot says so", async () => {
  const t = await summing();
  // What key 1 says is not taken: its instance does not finish, and the other one does.
  t.sink("out").pause();
  await feed(t, 1, 0);
  t.source("numbers").end();
  await t.clock(30_000);
  const { refused, replayed } = await again(t);
  expect(refused.map(({ reason }) => reason)).toEqual([expect.stringContaining("the input of sums/1 has ended")]);
  expect(replayed).toHaveLength(2);
  t.sink("out").resume();
  await t.endOfInput();
  expect(sums(t)).toEqual([0]);
});

/** A job that asks somebody, who does not answer while it is `down`; the stage begins with the call, or with a function before it. */
async function asking(isFirst: boolean): Promise<{ t: TestJob; callee: { isDown: boolean; calls: number } }> {
  const callee = { isDown: true, calls: 0 };
  const program = job("summing", { partitions: 1, version: "test" });
  const numbers = program.source("numbers", fromArray<Turn>([]));
  const before = isFirst ? numbers : numbers.keyBy(({ key }) => key).process({ process: (turn) => [turn] });
  before
    .mapAsync(({ n }) => {
      callee.calls += 1;
      return callee.isDown ? Promise.reject(new Error("nobody is there")) : Promise.resolve(n);
    })
    .to(callback("out", () => undefined));
  const t = await testJob(program);
  await feed(t, 1, 1, 2);
  await t.clock(1_000);
  return { t, callee };
}

test("R14: a record whose call has failed is asked for again, and its result is there once", async () => {
  const { t, callee } = await asking(true);
  expect(sums(t)).toEqual([]);
  callee.isDown = false;
  expect(await again(t)).toMatchObject({ replayed: await numbersOf(t), refused: [] });
  await again(t);
  await t.clock(1_000);
  expect(sums(t)).toEqual([1, 2]);
  expect(callee.calls).toBe(4);
});

test("R14: behind other operators of its stage it is not the stage's record, and refused", async () => {
  const { t } = await asking(false);
  const { replayed, refused } = await again(t);
  expect(replayed).toEqual([]);
  expect(refused.map(({ reason }) => reason)).toEqual([
    expect.stringContaining("behind other operators"),
    expect.stringContaining("behind other operators"),
  ]);
});

test("a full inbox is said, and nothing goes into the room of others", async () => {
  const t = await summing();
  await mend(t);
  const { seams } = t;
  const open = seams.logs.open.bind(seams.logs);
  seams.logs.open = async (name) => {
    const log = await open(name);
    if (!name.includes("_IN_sums_")) return log;
    const full = async () => {
      const info = await log.info();
      return { ...info, bytes: info.config.maxBytes - 2 * 1024 * 1024 };
    };
    return new Proxy(log, {
      get: (of, property) => (property === "info" ? full : Reflect.get(of, property)) as unknown,
    });
  };
  const { replayed, refused } = await again(t);
  expect(replayed).toEqual([]);
  expect(refused).toHaveLength(3);
  expect(refused[0]?.reason).toMatch(/^LOG_FULL: the inbox of sums\/\d is full; repeat/);
});

test("a job that is over says what to do", async () => {
  const done = await summing();
  await done.endOfInput();
  await expect(again(done)).rejects.toMatchObject({
    code: "JOB_NOT_RUNNABLE",
    message: expect.stringContaining("--new") as string,
  });
});

test("a stopped job is given them, too", async () => {
  const t = await summing();
  await settled(t, stopJob(administrator(t), "summing", 30_000));
  expect((await again(t)).replayed).toHaveLength(3);
  await settled(t, restartJob(administrator(t), "summing"));
  await t.startWorker();
  await t.clock(1_000);
  expect(await numbersOf(t)).toHaveLength(6);
});

test("late records stay late, and the time of a window that is open counts", async () => {
  const program = job("summing", { partitions: 1, version: "test" });
  program
    .source("numbers", fromArray<{ at: number; n: number }>([]))
    .timestamps(({ at }) => at)
    .keyBy(() => "all")
    .process({
      state: { isOpen: value<boolean>() },
      process(record, { state }) {
        if (record.n === 0) state.isOpen.set(true);
        if (record.n < 0 && state.isOpen.get() !== true) throw new RangeError("not yet");
        return [record];
      },
    })
    .named("pass")
    .keyBy(() => "all")
    .window(tumbling("10s"))
    .aggregate((of) => ({ n: of.sum((record) => record.n) }))
    .to(callback("out", () => undefined));
  const t = await testJob(program);
  await t.feed("numbers", [
    { at: 1_000, n: -1 },
    { at: 11_000, n: -2 },
    { at: 2_000, n: 10 },
    { at: 12_000, n: 20 },
    { at: 12_000, n: 0 },
  ]);
  await t.watermark("numbers", 10_500);
  await again(t);
  await t.watermark("numbers", 30_000);
  expect(t.take("out")).toMatchObject([{ value: { value: { n: 10 } } }, { value: { value: { n: 18 } } }]);
  expect(t.lateRecords()).toHaveLength(1);
});
