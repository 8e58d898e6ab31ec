/**
 * A generation that goes on from a savepoint, by the real runtime: the same program, a changed one, another number of partitions.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { print } from "../../framework/connectors/print.ts";
import { average } from "../../framework/operator/aggregates.ts";
import { list, map, value } from "../../framework/state/descriptors.ts";
import { schema, type Schema } from "../../framework/state/schema.ts";
import { testJob, type TestJob, type TestJobOptions } from "../../framework/testing/test-job.ts";
import type { TakenRow } from "../../framework/testing/collecting-sink.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { session } from "../../framework/window/session.ts";

interface Item {
  readonly at: number;
  readonly key: string;
  readonly n: number;
}

/** Sums, timers and windows per key; `version` of the program. */
function plant(sums?: {
  readonly schema: Schema<unknown>;
  readonly add: (before: unknown, n: number) => unknown;
}): Job {
  const program = job("plant");
  const items = program.source("items", fromArray<Item>([])).timestamps((item) => item.at);
  const byKey = items.keyBy((item) => item.key);
  byKey
    .process({
      state: { sum: value<unknown>({ schema: sums?.schema }), seen: list<number>(), last: map<string, number>() },
      process({ n, at }, { state, timers }) {
        const add = sums?.add ?? ((before, more) => ((before as number | undefined) ?? 0) + more);
        state.sum.set(add(state.sum.get(), n));
        state.seen.append(n);
        state.last.set(`${n % 2}`, at);
        timers.onEventTime(at + 15);
      },
      onTimer: (time, { key, state }) => [
        [key, time, state.sum.get(), [...state.seen.values()], [...state.last.entries()]],
      ],
    })
    .named("sums")
    .to(print("sums"));
  byKey
    .window(tumbling("10ms"))
    .aggregate(average((item) => item.n))
    .named("averages")
    .to(print("averages"));
  byKey
    .window(session("5ms"))
    .process({ process: (all, { key }) => [[key, all.map(({ n }) => n)]] })
    .named("visits")
    .to(print("visits"));
  return program;
}

const sinks = ["sums", "averages", "visits"];

interface Feeding {
  readonly items: readonly Item[];
  readonly watermark: number;
}

async function feed(t: TestJob, { items, watermark }: Feeding): Promise<void> {
  await t.feed("items", items);
  await t.watermark("items", watermark);
}

function taken(t: TestJob): TakenRow[] {
  return sinks.flatMap((sink) => t.take(sink));
}

/** What was said of each key and sink does not depend on where the key lived. */
function sorted(rows: readonly TakenRow[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

const options: TestJobOptions = { now: 0, partitions: 4 };

/** Feeds in parts, with a savepoint and a new generation between each two; answers all rows. */
async function inParts(parts: readonly Feeding[], partitions: readonly number[]): Promise<readonly string[]> {
  let t = await testJob(plant(), { ...options, partitions: partitions[0] ?? 4 });
  const rows: TakenRow[] = [];
  for (const [at, part] of parts.entries()) {
    await feed(t, part);
    if (at === parts.length - 1) await t.endOfInput();
    else {
      const savepoint = `after-${at}`;
      await t.savepoint(savepoint);
      rows.push(...taken(t));
      const next = partitions[at + 1] ?? 4;
      t = await testJob(plant(), { ...options, partitions: next, from: { test: t, savepoint } });
    }
  }
  expect(t.deadLetters()).toEqual([]);
  return sorted([...rows, ...taken(t)]);
}

function feedings(count: number): readonly Feeding[] {
  return Array.from({ length: count }, (_, part) => {
    const items = Array.from({ length: 20 }, (_item, at) => ({
      at: part * 20 + at,
      key: `k${(at * 7 + part) % 9}`,
      n: at,
    }));
    return { items, watermark: part * 20 + 12 };
  });
}

describe("what a job says does not depend on whether it went on from savepoints", () => {
  test.each([
    ["as many partitions", [4, 4, 4]],
    ["more, then fewer", [4, 7, 2]],
    ["fewer, then as many as before", [8, 5, 8]],
  ])("%s", async (_, partitions) => {
    expect(await inParts(feedings(3), partitions)).toEqual(await inPartsOfOne(feedings(3)));
  });

  test("for any records, partitions and places of the savepoint", async () => {
    const item = fc.record({ key: fc.constantFrom("a", "b", "c", "d", "e"), n: fc.nat(20), ms: fc.nat(4) });
    const parts = fc.array(fc.record({ items: fc.array(item, { maxLength: 12 }), lagMs: fc.nat(8) }), {
      minLength: 2,
      maxLength: 3,
    });
    const partitions = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(parts, partitions, async (all, counts) => {
        let now = 0;
        let watermark = -1;
        const fed = all.map(({ items, lagMs }) => {
          const timed = items.map(({ key, n, ms }) => ({ key, n, at: (now += ms) }));
          watermark = Math.max(watermark, now - lagMs);
          return { items: timed, watermark };
        });
        expect(await inParts(fed, counts)).toEqual(await inPartsOfOne(fed));
      }),
      { numRuns: 12 },
    );
  });
});

/** The same feedings, without savepoints. */
async function inPartsOfOne(parts: readonly Feeding[]): Promise<readonly string[]> {
  const t = await testJob(plant(), options);
  for (const part of parts) await feed(t, part);
  await t.endOfInput();
  return sorted(taken(t));
}

describe("event time goes on", () => {
  test("nothing fires again, nothing is early, and what was late stays late", async () => {
    const t = await testJob(plant(), options);
    await feed(t, { items: [{ at: 3, key: "a", n: 1 }], watermark: 30 });
    await t.savepoint("between");
    expect(t.take("averages")).toHaveLength(1);
    const next = await testJob(plant(), { ...options, partitions: 3, from: { test: t, savepoint: "between" } });
    expect(taken(next)).toEqual([]);
    await feed(next, { items: [{ at: 5, key: "a", n: 1 }], watermark: 31 });
    expect(next.take("averages")).toEqual([]);
    expect(next.lateRecords()).toHaveLength(2);
    await next.endOfInput();
    expect(next.take("averages")).toEqual([]);
  });

  test("a split is read on behind what had been read", async () => {
    const t = await testJob(plant(), options);
    await feed(t, { items: [{ at: 3, key: "a", n: 1 }], watermark: 30 });
    await t.savepoint("between");
    const next = await testJob(plant(), { ...options, from: { test: t, savepoint: "between" } });
    expect(next.status().instances.find(({ name }) => name === "items/0")).toMatchObject({ position: 2 });
  });

  test("an instance that crashes before its first snapshot goes on from the savepoint again", async () => {
    const t = await testJob(plant(), options);
    for (const part of feedings(2)) await feed(t, part);
    await t.savepoint("between");
    const rows = taken(t);
    const next = await testJob(plant(), { ...options, partitions: 3, from: { test: t, savepoint: "between" } });
    await feed(next, { items: [{ at: 41, key: "k1", n: 5 }], watermark: 42 });
    for (const partition of [0, 1, 2]) await next.crash(`sums/${partition}`);
    await next.crash("leader");
    await next.crash("items/0");
    await next.endOfInput();
    for (const part of [{ items: [{ at: 41, key: "k1", n: 5 }], watermark: 42 }]) await feed(t, part);
    await t.endOfInput();
    expect(sorted([...rows, ...taken(next)])).toEqual(sorted([...rows, ...taken(t)]));
  });
});

describe("a changed program", () => {
  const boxed = {
    schema: schema<number>().migrate((sum) => ({ sum })),
    add: (before: unknown, n: number) => ({ sum: ((before as { sum: number } | undefined)?.sum ?? 0) + n }),
  };

  test("goes on with migrated state", async () => {
    const t = await testJob(plant(), options);
    await feed(t, { items: [{ at: 3, key: "a", n: 7 }], watermark: 4 });
    await t.savepoint("between");
    const next = await testJob(plant(boxed), { ...options, from: { test: t, savepoint: "between" } });
    await feed(next, { items: [{ at: 9, key: "a", n: 1 }], watermark: 30 });
    expect(next.take("sums").map(({ value: said }) => (said as unknown[])[2])).toEqual([{ sum: 8 }, { sum: 8 }]);
  });

  test("is refused with all that is in the way, before anything starts", async () => {
    const t = await testJob(plant(boxed), options);
    await t.savepoint("between");
    const other = job("plant");
    other
      .source("items", fromArray<Item>([]))
      .timestamps((item) => item.at)
      .keyBy((item) => item.key)
      .process({ state: { sum: value<number>() }, process: () => {} })
      .named("sums")
      .to(print("sums"));
    const wrong = testJob(other, { ...options, from: { test: t, savepoint: "between" } });
    await expect(wrong).rejects.toThrow(
      [
        "job plant cannot go on from savepoint between:",
        "  state sums/sum has version 2 in the savepoint, and 1 in the program: restore it with the newer program, or an older savepoint with this one",
        ...["seen", "last"].map(
          (state) =>
            `  state sums/${state} (operator sums) of the savepoint is not in the program: allow it with --allow-unknown sums/${state}, and it is dropped; or give operator and state the names they had`,
        ),
        ...["averages", "visits"].map(
          (stage) =>
            `  stage ${stage} of the savepoint is not in the program, which has items, sums: allow it with --allow-unknown ${stage}, and it is dropped; or give it the name it had (.named)`,
        ),
      ].join("\n"),
    );
    await expect(testJob(plant(), { from: { test: t, savepoint: "befour" } })).rejects.toThrow(
      'job plant has no savepoint "befour"; it has between',
    );
  });

  test("drops, and begins empty, what is allowed by name", async () => {
    const t = await testJob(plant(), options);
    await feed(t, { items: [{ at: 3, key: "a", n: 7 }], watermark: 4 });
    await t.savepoint("between");
    const fewer = job("plant");
    fewer
      .source("items", fromArray<Item>([]))
      .timestamps((item) => item.at)
      .keyBy((item) => item.key)
      .process({
        state: { sum: value<number>(), fresh: value<number>() },
        process: (_, { state }) => [[state.sum.get(), state.fresh.get()]],
      })
      .named("sums")
      .to(print("sums"));
    const next = await testJob(fewer, {
      ...options,
      from: {
        test: t,
        savepoint: "between",
        allowMissing: ["sums/fresh"],
        allowUnknown: ["sums/seen", "sums/last", "sums/timers/event", "sums/timers/processing", "averages", "visits"],
      },
    });
    await feed(next, { items: [{ at: 9, key: "a", n: 1 }], watermark: 30 });
    expect(next.take("sums").map(({ value: said }) => said)).toEqual([[7, undefined]]);
  });
});
