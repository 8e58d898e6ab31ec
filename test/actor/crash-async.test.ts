/**
 * Calls, batch turns and windows behind them, crashed at every message of every instance in turn: what comes out is what comes out without a crash, and every
 * answer is the first that was logged.
 */
import { expect, test } from "vitest";
import { callback, fromArray, job, tumbling, type Job } from "tidemark";
import { testJob, type CrashKind, type TestTurn } from "tidemark/testing";
import { Callee, questions, type Question } from "./callee.ts";

/** Windows, whose results are looked up, inferred and counted. */
function asking(callee: Callee, order: "ordered" | "unordered"): Job {
  const plant = job("asking", { partitions: 2, version: "test" });
  plant
    .source("questions", fromArray<Question>([]))
    .timestamps((q) => q.at)
    .mapAsync(callee.call, { order, capacity: 3 })
    .named("ask")
    .keyBy((answer) => answer)
    .window(tumbling("1s"))
    .aggregate((of) => ({ n: of.count() }))
    .named("counts")
    .mapAsync((w) => Promise.resolve({ id: w.key, start: w.window.start, n: w.value.n }), { order, capacity: 2 })
    .named("ask-again")
    .mapBatch({
      deterministic: true,
      version: "1",
      run: (all) => Promise.resolve(all.map((one) => ({ ...one, seen: true }))),
    })
    .named("infer")
    .to(callback("out", () => undefined));
  return plant;
}

interface Run {
  readonly rows: readonly string[];
  readonly turns: readonly string[];
}

function nameOf({ stage, partition, position }: TestTurn): string {
  return `${stage}/${partition}@${position}`;
}

async function runWith(
  order: "ordered" | "unordered",
  options: { at?: string; kind?: CrashKind; workers?: number },
): Promise<Run> {
  const turns: string[] = [];
  let hasCrashed = false;
  const callee = new Callee();
  // The answer says nothing of the call: whoever asks twice gets it twice. Some come much later than others.
  callee.latencyMs = (id) => ((id.codePointAt(1) ?? 0) % 5) * 7;
  const t = await testJob(asking(callee, order), {
    workers: options.workers ?? 1,
    snapshotBytes: 400,
    crashAt: (turn) => {
      const name = nameOf(turn);
      if (!turns.includes(name)) turns.push(name);
      if (hasCrashed || name !== options.at) return undefined;
      hasCrashed = true;
      return options.kind;
    },
  });
  callee.clock = t.virtualClock;
  for (let at = 0; at < 20; at += 10) {
    await t.feed("questions", questions(at, at + 10, 4));
    await t.watermark("questions", at * 100 + 999);
  }
  await t.endOfInput();
  expect(t.lateRecords()).toEqual([]);
  const rows = t.take("out").map((row) => JSON.stringify(row));
  return { rows: rows.toSorted(), turns };
}

const kinds: readonly { kind: CrashKind; workers: number; order: "ordered" | "unordered" }[] = [
  { kind: "actor", workers: 1, order: "ordered" },
  { kind: "actor", workers: 1, order: "unordered" },
  { kind: "worker", workers: 2, order: "unordered" },
  { kind: "leader", workers: 2, order: "ordered" },
];

test.each(kinds)(
  "the output equals the uncrashed one: $kind crashes at every message, $workers workers, $order",
  async ({ kind, workers, order }) => {
    const reference = await runWith(order, { workers });
    expect(reference.rows.length).toBeGreaterThan(5);
    expect(reference.turns.length).toBeGreaterThan(25);
    for (const at of reference.turns) {
      const { rows } = await runWith(order, { at, kind, workers });
      expect(rows, `${kind} crashed at ${at}`).toEqual(reference.rows);
    }
  },
  120_000,
);
