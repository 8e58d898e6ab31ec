/**
 * Records that cannot be processed: each is a dead letter with its reason, and the job goes on with the others.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { callback, embedded, fromArray, job, json, nats, start, type Home, type Job } from "tidemark";
import { jetstream } from "tidemark/connectors/jetstream";
import { followSideStream } from "../../framework/actor/side-stream.ts";
import type { StoredDeadLetter } from "../../framework/actor/dead-letter.ts";
import { JobNames } from "../../framework/log/names.ts";
import { silentLogger } from "../../framework/platform/logger.ts";
import { systemRandom } from "../../framework/platform/random.ts";
import { realClock } from "../../framework/platform/real-clock.ts";
import { Outsider } from "../connectors/streams.ts";
import { runTidemark } from "../support/command.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const timeout = 60_000;
const quiet = { clock: realClock(), random: systemRandom(), logger: silentLogger };
const server = await natsForTests();

interface Order {
  readonly what: string;
  readonly at: number;
  readonly key: unknown;
}

const orders: readonly Order[] = [
  { what: "good", at: 1, key: "a" },
  { what: "no time", at: Number.NaN, key: "a" },
  { what: "half a millisecond", at: 1.5, key: "a" },
  { what: "throws", at: 2, key: "a" },
  { what: "no key", at: 3, key: undefined },
  { what: "an object as key", at: 3, key: { a: 1 } },
  { what: "NaN as key", at: 3, key: Number.NaN },
  { what: "a function", at: 4, key: "a" },
  { what: "good", at: 6, key: "b" },
];

const expected = [
  ["no time", "TIMESTAMP_INVALID", /NaN/],
  ["half a millisecond", "TIMESTAMP_INVALID", /1\.5/],
  ["throws", "USER_FUNCTION", /it does not like this one/],
  ["no key", "KEY_INVALID", /undefined/],
  ["an object as key", "KEY_INVALID", /object|\{/],
  ["NaN as key", "KEY_INVALID", /NaN/],
  ["a function", "VALUE_NOT_ENCODABLE", /f.*function|function.*f/],
] as const;

function processing(taken: string[]): Job {
  const shop = job("dead-letters", { version: "1" });
  shop
    .source("orders", fromArray(orders))
    .timestamps((order) => order.at)
    .map((order) => {
      if (order.what === "throws") throw new Error("it does not like this one");
      return order.what === "a function" ? { ...order, f: () => 1 } : order;
    })
    .keyBy((order) => order.key as string)
    .process({ process: (order) => [order] })
    .to(callback("out", (order: Order) => void taken.push(order.what)));
  return shop;
}

/** Runs it to its end; answers what came out and, for homes in this process, the dead letters. */
async function runAll(home: Home) {
  const taken: string[] = [];
  const letters: StoredDeadLetter[] = [];
  const handle = await start(processing(taken), home, {
    onDeadLetter: (letter) => void letters.push(letter as StoredDeadLetter),
  });
  const end = await handle.done;
  return { end, taken, letters, plan: handle.plan };
}

function expectLetters(letters: readonly StoredDeadLetter[]): void {
  const whats = letters.map(({ value }) => String((value as Order | undefined)?.what));
  expect(whats.toSorted()).toEqual(expected.map(([what]) => what).toSorted());
  for (const [what, code, reason] of expected) {
    const letter = letters.find(({ value }) => (value as Order).what === what);
    expect(letter).toMatchObject({
      code,
      reason: expect.stringMatching(reason) as string,
      sequence: expect.any(Number) as number,
    });
    expect(letter?.stage).not.toBe("");
    expect(letter?.operator).not.toBe("");
  }
}

describe("each is a dead letter with the reason, and the job completes", { timeout }, () => {
  test("in one process", async () => {
    const { end, taken, letters } = await runAll(embedded());
    expect(end).toMatchObject({ state: "completed", totals: { deadLetters: expected.length } });
    expect(taken).toEqual(["good", "good"]);
    expectLetters(letters);
  });

  test.skipIf(server === undefined)("on NATS", async () => {
    const { end, taken, plan } = await runAll(nats({ servers: server?.server.url ?? "" }));
    expect(end).toMatchObject({ state: "completed", totals: { deadLetters: expected.length } });
    expect(taken.toSorted()).toEqual(["good", "good"]);
    const seams = await server?.connect();
    const log = await seams?.logs.open(new JobNames("dead-letters", 1).deadLetters);
    if (log === undefined) throw new Error("no nats-server");
    const letters: StoredDeadLetter[] = [];
    onTestFinished(followSideStream(log, plan, 1, ({ value }) => letters.push(value as StoredDeadLetter)));
    await until("the dead letters are read", () => letters.length >= expected.length);
    expectLetters(letters);
  });
});

test("a row that the sink refuses for good is a dead letter, too", { timeout }, async () => {
  const letters: unknown[] = [];
  const refusing = job("refusing", { version: "1" });
  const refuse = callback("out", () => {
    throw new Error("it does not like this one");
  });
  refusing.source("numbers", fromArray([1, 2])).to(refuse);
  const handle = await start(refusing, embedded(), { onDeadLetter: (letter) => letters.push(letter), platform: quiet });
  const { totals } = await handle.done;
  expect(totals.deadLetters).toBe(2);
  expect(letters).toHaveLength(2);
});

test.skipIf(server === undefined)(
  "what has failed because somebody was away is replayed when he is back, once however often it is asked for",
  { timeout },
  async () => {
    const url = server?.server.url ?? "";
    const outsider = await Outsider.on({ url });
    onTestFinished(() => outsider.connection.close());
    await outsider.create("NUMBERS", { subjects: ["numbers"] });
    const taken: number[] = [];
    let isDown = true;
    const asked = job("asked", { version: "1" });
    asked
      .source("numbers", jetstream({ servers: url, stream: "NUMBERS", codec: json<number>() }))
      .mapAsync((n) => (isDown ? Promise.reject(new Error("nobody is there")) : Promise.resolve(n)))
      .to(callback("out", (n: number) => void taken.push(n)));
    const handle = await start(asked, nats({ servers: url }), { platform: quiet });
    onTestFinished(() => handle.stop());
    const tidemark = (...args: readonly string[]) =>
      runTidemark(["dead-letters", "asked", ...args], { TIDEMARK_NATS: url });
    await outsider.publish("numbers", "1", "{", "3");
    // The head of the table, and a line each.
    while ((await tidemark("list")).out.split("\n").length < 4);
    isDown = false;
    expect(await tidemark("replay", "--reason", "nobody is there")).toMatchObject({
      code: 0,
      out: "2 dead letters of job asked replayed",
    });
    await until("both are there", () => taken.length === 2);
    const { code, out } = await tidemark("replay", "all", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ refused: [{ reason: expect.stringContaining("row") as string }] });
    expect(await tidemark("replay")).toMatchObject({ code: 2, said: expect.stringContaining("or all") as string });
    await outsider.publish("numbers", "5");
    await until("the next one is there", () => taken.includes(5));
    expect(taken.toSorted((a, b) => a - b)).toEqual([1, 3, 5]);
  },
);
