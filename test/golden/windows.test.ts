/** The golden cases of windows that this version can express: tumbling and sliding, firing on time. */
import { describe, expect, test } from "vitest";
import { average, count, max, min, sum, type Aggregate } from "../../framework/operator/aggregates.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { windowOperator, type Windowed, type WindowSpec } from "../../framework/operator/window.ts";
import type { Emitted } from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling, type WindowAssigner } from "../../framework/window/assigner.ts";
import { expectCase, goldenTimestamp, modes } from "./replay.ts";
import { goldenAbsent, goldenCases, type GoldenCase, type GoldenOutput, type GoldenRecord } from "./shared.ts";

interface Pipeline {
  readonly assigner: { readonly type: string; readonly size: number; readonly slide: number; readonly offset?: number };
  readonly trigger?: unknown;
  readonly evictor?: unknown;
  readonly allowedLateness?: number;
  readonly lateOutput?: boolean;
  readonly function: string;
}

const valueOf = ({ value = 0 }: GoldenRecord): number => value;

const list: Aggregate<GoldenRecord, number[], number[]> = {
  create: () => [],
  add: (held, record) => [...held, valueOf(record)],
  result: (held) => held,
};

/** Changes its accumulators in place, and shares panes. */
const mergedList: Aggregate<GoldenRecord, number[], number[]> = {
  create: () => [],
  add(held, record) {
    held.push(valueOf(record));
    return held;
  },
  result: (held) => held,
  merge(older, newer) {
    older.push(...newer);
    return older;
  },
};

const functions: Readonly<Record<string, Pick<WindowSpec, "aggregate" | "reduce">>> = {
  sum: { aggregate: sum(valueOf) },
  count: { aggregate: count() },
  min: { aggregate: min(valueOf) },
  max: { aggregate: max(valueOf) },
  avg: { aggregate: average(valueOf) },
  list: { aggregate: list },
  reduce: {
    aggregate: {
      create: () => undefined,
      add: (x: number | undefined, record: GoldenRecord) => (x === undefined ? valueOf(record) : (x * 31 + valueOf(record)) % 1_000_003),
      result: (x: number | undefined) => x,
    },
  },
  minBy: { reduce: (held: GoldenRecord, record: GoldenRecord) => (valueOf(record) < valueOf(held) ? record : held) },
};

const assigners: Readonly<Record<string, (a: Pipeline["assigner"]) => WindowAssigner>> = {
  tumbling: ({ size, offset = 0 }) => tumbling(size, { offset }),
  sliding: ({ size, slide, offset = 0 }) => sliding(size, slide, { offset }),
  tumblingProcessing: ({ size, offset = 0 }) => tumbling(size, { offset, time: "processing" }),
  slidingProcessing: ({ size, slide }) => sliding(size, slide, { time: "processing" }),
};

/** Why this version cannot express the pipeline; undefined when it can. */
function inexpressible({ assigner, trigger, evictor, function: name }: Pipeline): string | undefined {
  if (assigners[assigner.type] === undefined) return assigner.type;
  if (evictor !== undefined) return "evictor";
  if (trigger !== undefined) return "trigger";
  return functions[name] === undefined ? `function ${name}` : undefined;
}

function factoryOf({ assigner, allowedLateness = 0, function: name }: Pipeline, computing = functions[name]): OperatorFactory {
  const assign = assigners[assigner.type];
  if (assign === undefined) throw new Error(`no assigner ${assigner.type}`);
  return windowOperator({ assigner: assign(assigner), allowedLatenessMs: allowedLateness, ...computing });
}

function output({ value, timestamp }: Emitted, { function: name }: Pipeline): GoldenOutput {
  const { key, window, value: result } = value as Windowed<string, unknown>;
  const ts = goldenTimestamp(timestamp);
  if (name === "minBy") return { key, value: valueOf(result as GoldenRecord), ts };
  return { key, window: [window.start, window.end], value: result, ts };
}

const cases = goldenCases<Pipeline>("windows");
const expressible = (cases ?? []).filter(({ pipeline }) => inexpressible(pipeline) === undefined);
const running = expressible.filter(({ expected }) => "steps" in expected);

function expectWindows(golden: GoldenCase<Pipeline>, mode: keyof typeof modes, computing?: Pick<WindowSpec, "aggregate">): void {
  const { pipeline } = golden;
  const factory = factoryOf(pipeline, computing ?? functions[pipeline.function]);
  const replay = { factory, output: (emitted: Emitted) => output(emitted, pipeline), hasLateOutput: pipeline.lateOutput === true };
  expectCase(golden, replay, mode);
}

describe.each(Object.keys(modes) as (keyof typeof modes)[])("%s", (mode) => {
  test("tumbling and sliding windows answer what the golden cases say", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    for (const golden of running) expectWindows(golden, mode);
    expect(running).toHaveLength(42);
  });

  test("lists of sliding windows are the same when windows share panes", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    const lists = running.filter(({ pipeline }) => pipeline.function === "list" && pipeline.assigner.type === "sliding");
    for (const golden of lists) expectWindows(inAnyOrder(golden), mode, { aggregate: sortedList });
    expect(lists.length).toBeGreaterThan(5);
  });
});

/** Panes keep the order of time, not that of arrival. */
const sortedList: Aggregate<GoldenRecord, number[], number[]> = { ...mergedList, result: (held) => held.toSorted((a, b) => a - b) };

function inAnyOrder(golden: GoldenCase<Pipeline>): GoldenCase<Pipeline> {
  if (!("steps" in golden.expected)) return golden;
  const sorted = (outputs: readonly GoldenOutput[] | undefined): readonly GoldenOutput[] =>
    (outputs ?? []).map((one) => ({ ...one, value: (one["value"] as number[]).toSorted((a, b) => a - b) }));
  return { ...golden, expected: { steps: golden.expected.steps.map((step) => ({ ...step, main: sorted(step.main) })) } };
}

/** What a builder would tell the plan: the assigner's problem, or what the operator cannot take. */
function refusalOf(pipeline: Pipeline): unknown {
  const problem = assigners[pipeline.assigner.type]?.(pipeline.assigner).problem;
  if (problem !== undefined) return problem;
  try {
    return factoryOf(pipeline);
  } catch (error) {
    return error;
  }
}

test("what the golden cases reject is refused", ({ skip }) => {
  if (cases === undefined) return skip(goldenAbsent);
  const rejected = expressible.filter(({ expected }) => "error" in expected);
  for (const { pipeline } of rejected) expect(refusalOf(pipeline)).toMatchObject({ code: "OPTION_INVALID" });
  expect(rejected).toHaveLength(2);
});

test("the other golden cases need what this version does not have", ({ skip }) => {
  if (cases === undefined) return skip(goldenAbsent);
  const reasons = cases.flatMap(({ pipeline }) => inexpressible(pipeline) ?? []);
  const counted = Object.fromEntries([...Map.groupBy(reasons, (reason) => reason)].map(([reason, all]) => [reason, all.length]));
  expect(counted).toEqual({
    session: 39,
    trigger: 16,
    countSliding: 15,
    dynamicSession: 12,
    global: 12,
    countTumbling: 10,
    evictor: 9,
    globalEndOfStream: 1,
    "function firing": 1,
  });
  expect(reasons.length + expressible.length).toBe(159);
});
