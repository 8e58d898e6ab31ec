/** The dead letters of a job, listed, shown and dropped by somebody who is no worker of it. */
import { expect, test } from "vitest";
import { callback, fromArray, job } from "tidemark";
import { testJob, type TestJob } from "tidemark/testing";
import { dropDeadLetters, getDeadLetter, listDeadLetters } from "../../framework/administration/dead-letters.ts";
import { encodeFrame, SectionWriter } from "../../framework/record/frame.ts";
import { administrator, settled } from "./administrator.ts";

/** A job that refuses odd numbers, with what it has been given so far. */
async function refusing(numbers: readonly number[]): Promise<TestJob> {
  const program = job("refusing", { partitions: 1, version: "test" });
  program
    .source("numbers", fromArray<number>([]))
    .keyBy((n) => n % 4)
    .process({
      process(n) {
        if (n % 2 === 1) throw new RangeError(`${n} is odd`);
        return [n];
      },
    })
    .named("evens")
    .to(callback("out", () => undefined));
  const t = await testJob(program);
  for (const n of numbers) await t.feed("numbers", [n]);
  return t;
}

const values = (letters: readonly { readonly value: unknown }[]) => letters.map(({ value }) => value);

test("DL1: each has a number of its own, says what, where and why, and is found by its number", async () => {
  const t = await refusing([1, 2, 3, 5]);
  const letters = await settled(t, listDeadLetters(administrator(t), "refusing"));
  expect(values(letters)).toEqual([1, 3, 5]);
  expect(new Set(letters.map(({ number }) => number)).size).toBe(3);
  const [, second] = letters;
  expect(second).toMatchObject({ stage: "evens", partition: 0, operator: "evens", code: "USER_FUNCTION", key: "3" });
  expect(await settled(t, getDeadLetter(administrator(t), "refusing", second?.number ?? ""))).toEqual(second);
  await expect(settled(t, getDeadLetter(administrator(t), "refusing", "99.1"))).rejects.toThrow(
    /no dead letter "99.1"/,
  );
});

test("DL2: what a crashed instance has said again is there once", async () => {
  const t = await refusing([1, 3]);
  await t.crash("evens/0");
  await t.feed("numbers", [5]);
  expect(values(await settled(t, listDeadLetters(administrator(t), "refusing")))).toEqual([1, 3, 5]);
});

test("DL2: a message that has overtaken the one before it, which is stored again behind it, hides nothing", async () => {
  const t = await refusing([]);
  const log = await settled(t, t.seams.logs.open("TM_refusing_1_DEAD"));
  const tell = async (first: number, ...told: readonly string[]) => {
    const records = new SectionWriter();
    for (const each of told)
      records.add({ stage: "evens", code: "USER_FUNCTION", reason: each, value: each }, undefined);
    const header = { edge: 9, from: 0, epoch: 1, first, count: told.length, check: 0 };
    await settled(t, log.append(encodeFrame([{ header, records }])));
  };
  await tell(2, "second");
  await tell(1, "first");
  await tell(2, "second");
  expect(values(await settled(t, listDeadLetters(administrator(t), "refusing")))).toEqual(["first", "second"]);
});

test("they are filtered by stage and by reason, and the newest are shown", async () => {
  const t = await refusing([1, 3, 5, 15]);
  const list = async (filter: Parameters<typeof listDeadLetters>[2]) =>
    values(await settled(t, listDeadLetters(administrator(t), "refusing", filter)));
  expect(await list({ stage: "numbers" })).toEqual([]);
  expect(await list({ stage: "evens", reason: "5 IS odd" })).toEqual([5, 15]);
  expect(await list({ reason: "user_function", limit: 2 })).toEqual([5, 15]);
});

test("DL3: one is dropped, then all, for good; what comes later is there", async () => {
  const t = await refusing([1, 3, 5]);
  const [first] = await settled(t, listDeadLetters(administrator(t), "refusing"));
  const number = first?.number ?? "";
  expect(await settled(t, dropDeadLetters(administrator(t), "refusing", number))).toBe(1);
  await expect(settled(t, dropDeadLetters(administrator(t), "refusing", number))).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
  expect(values(await settled(t, listDeadLetters(administrator(t), "refusing")))).toEqual([3, 5]);
  expect(await settled(t, dropDeadLetters(administrator(t), "refusing", "all"))).toBe(2);
  expect(await settled(t, dropDeadLetters(administrator(t), "refusing", "all"))).toBe(0);
  await t.feed("numbers", [7]);
  expect(values(await settled(t, listDeadLetters(administrator(t), "refusing")))).toEqual([7]);
});
