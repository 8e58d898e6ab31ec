/**
 * Runs a golden case through the real runtime, on memory and a virtual clock, and compares every step.
 *
 * G1. Entries are given one at a time, and what has come out when nothing is runnable any more is what belongs to that entry.
 * G2. Processing time is 0 when the first entry is given, and moves with entries alone.
 * G3. With `crashed`, the instance under test takes a snapshot after every second entry, and crashes after each: what comes out is the same.
 */
import { messageOf } from "../../errors.ts";
import { testJob, type TestJob } from "../../testing/test-job.ts";
import { difference } from "./compare.ts";
import { type Family, type GoldenJob, lateOutput, mainOutput } from "./family.ts";
import { type GoldenCase, type GoldenEntry, timeOf } from "./format.ts";

/** How a case is run. */
export type GoldenMode = "plain" | "crashed";

const options = { partitions: 1, now: 0, restart: { max: 1_000_000, within: "1d" } } as const;

/** Runs a case; answers what differs first, with both values, or undefined: it agrees. */
export async function runCase(golden: GoldenCase, family: Family, mode: GoldenMode): Promise<string | undefined> {
  const { expected } = golden;
  const started = await starting(golden, family);
  if ("error" in expected) return "refused" in started ? undefined : "it is taken, and was to be refused";
  if ("refused" in started) return `it is refused: ${started.refused}`;
  const { t, of } = started;
  for (const [at, entry] of golden.input.entries()) {
    await give(t, of, entry, at === golden.input.length - 1);
    const step = {
      main: t.take("main").map((row) => mainOutput(of, row)),
      late: of.hasLate ? t.take("late").map((row) => lateOutput(of, row)) : undefined,
    };
    const found = difference(golden, entry, step, expected.steps[at] ?? {}) ?? failureOf(t);
    if (found !== undefined) return `step ${at}, ${JSON.stringify(entry)}: ${found}`;
    if (mode === "crashed" && t.outcome === undefined) await crash(t, of, at);
  }
  return undefined;
}

type Started = { readonly t: TestJob; readonly of: GoldenJob } | { readonly refused: string };

async function starting(golden: GoldenCase, family: Family): Promise<Started> {
  try {
    const of = family(golden);
    return { t: await testJob(of.job, options), of };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

async function give(t: TestJob, of: GoldenJob, entry: GoldenEntry, isLast: boolean): Promise<void> {
  if ("processingTime" in entry) return t.clock((entry.processingTime as number) - t.virtualClock.now());
  const inputs = entry.input === undefined ? of.sources : [of.sources[entry.input] ?? ""];
  if ("ts" in entry) return t.feed(inputs[0] ?? "", [entry]);
  if (isLast) return t.endOfInput();
  // Several inputs move at once: the one that holds event time back comes last, so that there is no time in between.
  const watermarkOf = (input: string) => t.watermarkOf(input);
  for (const input of inputs.toSorted((a, b) => watermarkOf(b) - watermarkOf(a))) {
    if (entry.watermark === "MAX") t.source(input).end();
    else t.source(input).watermark(timeOf(entry.watermark));
    await t.settle();
  }
}

/** G3. */
async function crash(t: TestJob, { stage }: GoldenJob, at: number): Promise<void> {
  const instance = `${stage}/0`;
  if (at % 2 === 1) await t.snapshot(instance);
  await t.crash(instance);
}

function failureOf(t: TestJob): string | undefined {
  const [letter] = t.deadLetters();
  if (letter !== undefined) return `dead letter: ${JSON.stringify(letter)}`;
  return t.failure === undefined ? undefined : `the job has failed: ${t.failure.message}`;
}
