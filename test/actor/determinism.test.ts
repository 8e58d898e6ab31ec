/** User functions that read clocks and chance: inside a turn the message answers, so that a replay repeats itself. */
import { describe, expect, test } from "vitest";
import { callback, fromArray, job, type Job } from "tidemark";
import { testJob } from "tidemark/testing";
import { installDeterminism, runDeterministically, type TurnTime } from "../../framework/platform/determinism.ts";

installDeterminism();

function turnAt(now: number): TurnTime {
  let draws = 0;
  return { now, random: () => (draws += 1) / 100 };
}

describe("inside a turn", () => {
  const inside = <T>(body: () => T): T => runDeterministically(turnAt(1_234), body);

  test("the clocks answer the message's time", () => {
    expect(inside(() => Date.now())).toBe(1_234);
    expect(inside(() => new Date().getTime())).toBe(1_234);
    expect(inside(() => performance.now())).toBe(1_234);
    expect(inside(() => Date())).toBe(new Date(1_234).toString());
  });

  test("a date that is told its time keeps it", () => {
    expect(inside(() => new Date(99).getTime())).toBe(99);
    expect(inside(() => new Date("2020-01-01T00:00:00Z").toISOString())).toBe("2020-01-01T00:00:00.000Z");
    expect(inside(() => Date.UTC(2020, 0))).toBe(1_577_836_800_000);
    expect(inside(() => new Date() instanceof Date)).toBe(true);
  });

  test("chance is the instance's own", () => {
    expect(inside(() => [Math.random(), Math.random()])).toEqual([0.01, 0.02]);
    const [one, two] = [inside(() => crypto.randomUUID()), inside(() => crypto.randomUUID())];
    expect(one).toBe(two);
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe("outside of a turn", () => {
  test("everything answers as before", () => {
    expect(new Date().getTime()).toBeGreaterThan(1_600_000_000_000);
    expect(performance.now()).toBeLessThan(1_600_000_000_000);
    expect(crypto.randomUUID()).not.toBe(crypto.randomUUID());
  });

  test("also after a turn that threw", () => {
    const fails = () => {
      throw new Error("in the turn");
    };
    expect(() => runDeterministically(turnAt(5), fails)).toThrow("in the turn");
    expect(Date.now()).toBeGreaterThan(1_600_000_000_000);
  });
});

interface Stamped {
  readonly id: number;
  readonly at: number;
  readonly chance: number;
  readonly uuid: string;
}

/** Stamps each record in a keyed stage: with the clock, with chance, and with an id. */
function stamping(): Job {
  const plant = job("stamping", { partitions: 2, version: "test" });
  plant
    .source("ids", fromArray<number>([]))
    .keyBy((id) => id % 5)
    .process({ process: (id): Stamped[] => [{ id, at: Date.now(), chance: Math.random(), uuid: crypto.randomUUID() }] })
    .named("stamps")
    .map((stamped) => ({ ...stamped, again: new Date().getTime() }))
    .to(callback("out", () => undefined));
  return plant;
}

async function run(crashes: readonly string[]): Promise<string[]> {
  const t = await testJob(stamping(), { now: 1_000_000, snapshotBytes: 300 });
  const rows: unknown[] = [];
  for (let round = 0; round < 4; round += 1) {
    await t.feed("ids", [round * 3, round * 3 + 1, round * 3 + 2]);
    // Real clocks and chance go on between a turn and its replay.
    for (const name of crashes) await t.crash(name);
    await t.clock(1_000);
    rows.push(...t.take("out"));
  }
  await t.endOfInput();
  expect(t.outcome).toBe("completed");
  return [...rows, ...t.take("out")].map((row) => JSON.stringify(row)).toSorted();
}

test("a job whose functions use Date.now, Math.random and randomUUID gives the same outputs after crashes", async () => {
  const reference = await run([]);
  expect(reference).toHaveLength(12);
  expect(reference[0]).toContain('"at":100');
  // A row that came twice with other content would fail inside the collecting sink already (R11, and its own check).
  expect(await run(["stamps/0", "stamps/1"])).toHaveLength(12);
});

test("processing time of a record is when its message was stored, also in a replay", async () => {
  const t = await testJob(stamping(), { now: 5_000_000 });
  await t.feed("ids", [1, 2, 3]);
  await t.crash("stamps/0", { stayDown: true });
  await t.crash("stamps/1", { stayDown: true });
  await t.feed("ids", [6, 7, 8]);
  await t.clock(60_000);
  await t.revive("stamps/0");
  await t.revive("stamps/1");
  const rows = t.take("out").map(({ value }) => value as Stamped & { again: number });
  expect(rows).toHaveLength(6);
  for (const { at, again } of rows) {
    expect(at).toBeGreaterThanOrEqual(5_000_000);
    expect(at).toBeLessThan(5_001_000);
    expect(again).toBe(at);
  }
});
