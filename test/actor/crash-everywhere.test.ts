/**
 * A job of two exchanges, crashed at every message of every instance in turn: what comes out is what comes out without a crash.
 */
import { expect, test } from "vitest";
import { testJob, type CrashKind, type TestTurn } from "tidemark/testing";
import { readings, twoExchanges } from "./jobs.ts";

interface Run {
  readonly rows: readonly string[];
  readonly turns: readonly string[];
}

function nameOf({ stage, partition, position }: TestTurn): string {
  return `${stage}/${partition}@${position}`;
}

async function runWith(options: {
  at?: string;
  kind?: CrashKind;
  workers?: number;
  everyStep?: boolean;
}): Promise<Run> {
  const turns: string[] = [];
  let hasCrashed = false;
  const t = await testJob(twoExchanges(), {
    workers: options.workers ?? 1,
    snapshotBytes: 300,
    crashAt: (turn) => {
      const name = nameOf(turn);
      if (!turns.includes(name)) turns.push(name);
      if (hasCrashed || name !== options.at) return undefined;
      hasCrashed = true;
      return options.kind;
    },
  });
  for (let at = 0; at < 3_000; at += 500) {
    await t.feed("readings", readings(3, at, at + 500));
    await t.watermark("readings", at + 499);
  }
  await t.endOfInput();
  expect(hasCrashed, `crashed at ${options.at}`).toBe(options.at !== undefined);
  return {
    rows: t
      .take("out")
      .map((row) => JSON.stringify(row))
      .toSorted(),
    turns,
  };
}

const kinds: readonly { kind: CrashKind; workers: number }[] = [
  { kind: "actor", workers: 1 },
  { kind: "worker", workers: 1 },
  { kind: "worker", workers: 3 },
  { kind: "leader", workers: 3 },
];

test.each(kinds)(
  "the output equals the uncrashed one: $kind crashes at every message, $workers workers",
  async ({ kind, workers }) => {
    const reference = await runWith({ workers });
    expect(reference.rows).toHaveLength(9);
    expect(reference.turns.length).toBeGreaterThan(30);
    for (const at of reference.turns) {
      const { rows } = await runWith({ at, kind, workers });
      expect(rows, `${kind} crashed at ${at}`).toEqual(reference.rows);
    }
  },
  120_000,
);

test("other keys' results appear while one actor is down, and its own when it is back", async () => {
  const t = await testJob(twoExchanges(), { partitions: 2 });
  await t.feed("readings", readings(8, 0, 1_000));
  await t.crash("sums/1", { stayDown: true });
  await t.feed("readings", readings(8, 1_000, 2_000));
  await t.watermark("readings", 1_999);
  const devicesOf = (rows: readonly { value: unknown }[]) =>
    new Set(rows.map(({ value }) => (value as { device: string }).device));
  const during = devicesOf(t.take("out"));
  expect(during.size).toBeGreaterThan(0);
  expect(during.size).toBeLessThan(8);
  await t.revive("sums/1");
  const after = devicesOf(t.take("out"));
  expect(during.size + after.size).toBe(8);
  expect([...during].filter((device) => after.has(device))).toEqual([]);
});
