/**
 * A small simulation: the job of two exchanges in a seeded order of tasks, with workers, snapshots and crashes drawn from the seed. What comes out is
 * what comes out without any of it.
 *
 * Replay one seed with `SEED=17 npx vitest run test/actor/seeds`; other ranges with `SEEDS=1000:2000`.
 */
import { expect, test } from "vitest";
import { testJob, type CrashKind, type TestJob, type TestTurn } from "tidemark/testing";
import type { Random } from "../../framework/platform/platform.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { readings, twoExchanges } from "./jobs.ts";

const devices = 4;
const untilMs = 3_000;
const crashesMax = 8;
const chunk = 25;

function seeds(): number[] {
  const one = process.env["SEED"];
  if (one !== undefined) return [Number(one)];
  const [from = 1, to = 101] = (process.env["SEEDS"] ?? "1:26").split(":").map(Number);
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** What plain code computes: for every device and second the sum, the count, and the total so far. */
function expected(): string[] {
  const rows: string[] = [];
  for (let device = 0; device < devices; device += 1) {
    let total = 0;
    for (let end = 1_000; end <= untilMs; end += 1_000) {
      const own = readings(devices, end - 1_000, end).filter((reading) => reading.device === `device-${device}`);
      const sum = own.reduce((soFar, reading) => soFar + reading.celsius, 0);
      total += sum;
      rows.push(JSON.stringify({ device: `device-${device}`, end, sum, n: own.length, total }));
    }
  }
  return rows.toSorted();
}

/** Draws what crashes, and where. */
class Mischief {
  readonly log: string[] = [];
  readonly #random: Random;
  #crashes = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  at({ stage, partition, position }: TestTurn): CrashKind | undefined {
    if (this.#crashes >= crashesMax || this.#random.below(30) > 0) return undefined;
    this.#crashes += 1;
    const kind = (["actor", "actor", "worker", "leader"] as const)[this.#random.below(4)] ?? "actor";
    this.log.push(`${kind} at ${stage}/${partition}@${position}`);
    return kind;
  }
}

async function play(seed: number): Promise<{ readonly rows: string[]; readonly mischief: readonly string[] }> {
  const random = seededRandom(seed).fork("test");
  const mischief = new Mischief(random.fork("crashes"));
  const t: TestJob = await testJob(twoExchanges(), {
    seed,
    workers: 1 + random.below(3),
    partitions: 1 + random.below(3),
    splits: { readings: 1 + random.below(2) },
    snapshotBytes: 200 + random.below(1_000),
    frameBytes: 1_024,
    restart: { max: 100 },
    crashAt: (turn) => mischief.at(turn),
  });
  const splits =
    t.plan.stages[0] === undefined ? 1 : t.status().instances.filter(({ name }) => name.startsWith("readings/")).length;
  for (let at = 0; at < untilMs; at += 500) {
    const batch = readings(devices, at, at + 500);
    for (let split = 0; split < splits; split += 1)
      await t.feed(
        "readings",
        batch.filter((_, index) => index % splits === split),
        { split },
      );
    await t.watermark("readings", at + 499);
    if (random.below(4) === 0) await t.clock(random.below(12_000));
  }
  await t.endOfInput();
  expect(t.lateRecords()).toEqual([]);
  expect(t.deadLetters()).toEqual([]);
  return {
    rows: t
      .take("out")
      .map(({ value }) => JSON.stringify(value))
      .toSorted(),
    mischief: mischief.log,
  };
}

const all = seeds();
const chunks = Array.from({ length: Math.ceil(all.length / chunk) }, (_, index) =>
  all.slice(index * chunk, (index + 1) * chunk),
);

test.each(chunks.map((of) => [of[0], of.at(-1), of] as const))(
  "the output equals the batch result, whatever crashes: seeds %i to %i",
  async (_from, _to, of) => {
    for (const seed of of) {
      const played = await play(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}; replay: SEED=${seed} npx vitest run test/actor/seeds`, { cause: error });
      });
      expect(
        played.rows,
        `seed ${seed}: ${played.mischief.join(", ")}; replay: SEED=${seed} npx vitest run test/actor/seeds`,
      ).toEqual(expected());
    }
  },
  120_000,
);
