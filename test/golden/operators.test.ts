/**
 * The golden cases, operator by operator, in ways that a whole job does not come to: restored after every single step, and every record first as poison. What
 * the jobs of `npm run golden` are made of is taken from their plans.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { compile } from "../../framework/plan/compile.ts";
import { difference } from "../../framework/scripts/golden/compare.ts";
import { families } from "../../framework/scripts/golden/families.ts";
import { type Family, type GoldenJob, lateOutput, mainOutput } from "../../framework/scripts/golden/family.ts";
import { type GoldenCase, type GoldenEntry, type GoldenWatermark, readCases, timeOf } from "../../framework/scripts/golden/format.ts";
import { operatorHarness, type HarnessOptions, type OperatorHarness } from "../../framework/testing/operator-harness.ts";

const folder = fileURLToPath(new URL("../../../shared/golden/", import.meta.url));
const absent = `the golden cases are not at ${folder}: nothing was compared`;

/** Ways to run a case; the outputs must be the same in all. */
const modes = {
  "item by item": {},
  "restored after every step": { restoreEachStep: true },
  "every record once as poison": { poisonEachRecord: true },
} as const;

/** The operator of a case, with the keys of its inputs, as the plan has it. */
function harnessOf({ job, stage: name }: GoldenJob, mode: HarnessOptions): OperatorHarness {
  const { stages, edges } = compile(job);
  const stage = stages.find((each) => each.name === name);
  const operator = stage?.operators.find((each) => each.name === name);
  if (stage === undefined || operator === undefined) throw new Error(`the plan has no ${name}`);
  const inputs = stage.inputs.map((index) => edges[index]).toSorted((a, b) => (a?.port ?? 0) - (b?.port ?? 0));
  return operatorHarness(operator.factory, {
    key: inputs.map((edge) => edge?.key),
    manualWatermarks: true,
    farFutureMs: Infinity,
    ...mode,
  });
}

/** Event time of each input; that of the operator is the least of them. */
class InputTimes {
  readonly #times: number[];

  constructor(inputs: number) {
    this.#times = Array.from({ length: inputs }, () => -Infinity);
  }

  advance({ watermark, input }: GoldenWatermark): number {
    const to = timeOf(watermark);
    for (const [at, time] of this.#times.entries())
      if (input === undefined || input === at) this.#times[at] = Math.max(time, to);
    return Math.min(...this.#times);
  }
}

function feed(harness: OperatorHarness, entry: GoldenEntry, times: InputTimes): void {
  if ("watermark" in entry) harness.watermark(times.advance(entry as GoldenWatermark));
  else if ("processingTime" in entry) harness.clock(entry.processingTime as number);
  else harness.process(entry, entry.ts, entry.input ?? 0);
}

/** What differs first, with both values; undefined: it agrees. */
function judge(golden: GoldenCase, family: Family, mode: HarnessOptions): string | undefined {
  if ("error" in golden.expected) return undefined;
  const of = family(golden);
  const harness = harnessOf(of, mode);
  const times = new InputTimes(of.sources.length);
  let watermark = -Infinity;
  for (const [at, entry] of golden.input.entries()) {
    feed(harness, entry, times);
    const step = golden.expected.steps[at] ?? {};
    const { main, late, deadLetters } = harness.take();
    const actual = {
      main: main.map((row) => mainOutput(of, row)),
      late: of.hasLate ? late.map((row) => lateOutput(of, row)) : undefined,
    };
    if (step.watermark !== undefined) watermark = timeOf(step.watermark);
    const found = difference(golden, entry, actual, step) ?? trouble(deadLetters, harness.eventTime, watermark);
    if (found !== undefined) return `${golden.id}, step ${at}, ${JSON.stringify(entry)}: ${found}`;
  }
  return undefined;
}

function trouble(deadLetters: readonly unknown[], eventTime: number, watermark: number): string | undefined {
  if (deadLetters.length > 0) return `dead letters: ${JSON.stringify(deadLetters)}`;
  return eventTime === watermark ? undefined : `event time is ${eventTime}, expected ${watermark}`;
}

function casesOf(family: string): readonly GoldenCase[] | undefined {
  const path = `${folder}${family}.json`;
  return existsSync(path) ? readCases(path) : undefined;
}

/** The cases whose windows are lists, with the lists made in another way. */
function listsBy(way: "listed" | "merged", assigners?: readonly string[]): readonly GoldenCase[] | undefined {
  return casesOf("windows")
    ?.filter(({ pipeline }) => pipeline["function"] === "list")
    .filter(({ pipeline }) => assigners?.includes((pipeline["assigner"] as { readonly type: string }).type) ?? true)
    .map((golden) => ({ ...golden, pipeline: { ...golden.pipeline, function: way } }));
}

function expectAll(family: string, cases: readonly GoldenCase[], mode: HarnessOptions): void {
  const make = families[family];
  if (make === undefined) throw new Error(`there is no family ${family}`);
  const found = cases.map((golden) => judge(golden, make, mode)).filter((each) => each !== undefined);
  expect(found).toEqual([]);
}

describe.each(Object.entries(modes))("%s", (_name, mode) => {
  test.for(Object.keys(families))("%s answer what the golden cases say", (family, { skip }) => {
    const cases = casesOf(family);
    if (cases === undefined) return skip(absent);
    expectAll(family, cases, mode);
    expect(cases.length).toBeGreaterThan(30);
  });

  test("lists are the same when a function takes the windows' contents", ({ skip }) => {
    const cases = listsBy("listed");
    if (cases === undefined) return skip(absent);
    expectAll("windows", cases, mode);
    expect(cases.length).toBeGreaterThan(50);
  });

  test("lists of sliding windows and sessions are the same when they are put together, but for their order", ({
    skip,
  }) => {
    const cases = listsBy("merged", ["sliding", "session"]);
    if (cases === undefined) return skip(absent);
    const inAnyOrder = cases.map((golden) => ({ ...golden, compare: { ...golden.compare, lists: "any" as const } }));
    expectAll("windows", inAnyOrder, mode);
    expect(cases.length).toBeGreaterThan(25);
  });
});
