/** The golden cases of windows: all of them. */
import { describe, expect, test } from "vitest";
import { average, count, max, min, sum, type Aggregate } from "../../framework/operator/aggregates.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import type { WindowFunctions } from "../../framework/operator/window-function.ts";
import { windowOperator, type Windowed, type WindowSpec } from "../../framework/operator/window.ts";
import { value as valueState, type States } from "../../framework/state/descriptors.ts";
import type { Emitted } from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling, type WindowAssigner } from "../../framework/window/assigner.ts";
import { dropDelta, keepLast, keepWithin, type Evictor } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";
import { atEnd, everyCount, everyInterval, never, onDelta, onTime, type Trigger } from "../../framework/window/trigger.ts";
import { countWindow, globalWindow } from "../../framework/window/unbounded.ts";
import { expectCase, goldenTimestamp, modes } from "./replay.ts";
import { goldenAbsent, goldenCases, goldenTime, type GoldenCase, type GoldenOutput, type GoldenRecord, type GoldenStep } from "./shared.ts";

interface Assigner {
  readonly type: string;
  readonly size: number;
  readonly slide: number;
  readonly gap: number;
  readonly offset?: number;
}

interface Firing {
  readonly type: string;
  readonly n: number;
  readonly interval: number;
  readonly threshold: number;
  readonly inner: Firing;
}

interface Pipeline {
  readonly assigner: Assigner;
  readonly trigger?: Firing;
  readonly evictor?: { readonly type: string; readonly n: number; readonly window: number; readonly threshold: number; readonly after?: boolean };
  readonly allowedLateness?: number;
  readonly lateOutput?: boolean;
  readonly function: string;
}

const valueOf = ({ value = 0 }: GoldenRecord): number => value;

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

/** Shares nothing: each window has a list of its own. */
const list: Aggregate<GoldenRecord, number[], number[]> = {
  create: () => [],
  add: (held, record) => [...held, valueOf(record)],
  result: (held) => held,
};

const hashed: Aggregate<GoldenRecord, number | undefined, number | undefined> = {
  create: () => undefined,
  add: (x, record) => (x === undefined ? valueOf(record) : (x * 31 + valueOf(record)) % 1_000_003),
  result: (x) => x,
};

function processing<W extends States, S extends States>(
  process: WindowFunctions<string, readonly GoldenRecord[], unknown, W, S>,
): Pick<WindowSpec, "process"> {
  return { process };
}

/** Counts its firings, per window and per key. */
const firing = processing({
  windowState: { firings: valueState<number>() },
  state: { firings: valueState<number>() },
  process(records, { key, window, watermark, windowState, state }) {
    windowState.firings.set((windowState.firings.get() ?? 0) + 1);
    state.firings.set((state.firings.get() ?? 0) + 1);
    const total = records.reduce((so, record) => so + valueOf(record), 0);
    const [ofWindow, ofKey] = [windowState.firings.get(), state.firings.get()];
    return [
      { key, window, value: { sum: total, firing: ofWindow, keyFiring: ofKey, watermark: goldenTime(watermark) } },
    ];
  },
});

/** The values as a function of the window's contents. */
const listed = processing({
  process: (records, { key, window }) => [{ key, window, value: records.map((record) => valueOf(record)) }],
});

const functions: Readonly<Record<string, Pick<WindowSpec, "aggregate" | "reduce" | "process">>> = {
  sum: { aggregate: sum(valueOf) },
  count: { aggregate: count() },
  min: { aggregate: min(valueOf) },
  max: { aggregate: max(valueOf) },
  avg: { aggregate: average(valueOf) },
  list: { aggregate: list },
  reduce: { aggregate: hashed },
  minBy: { reduce: (held: GoldenRecord, record: GoldenRecord) => (valueOf(record) < valueOf(held) ? record : held) },
  firing,
};

const assigners: Readonly<Record<string, (a: Assigner) => WindowAssigner<never>>> = {
  tumbling: ({ size, offset = 0 }) => tumbling(size, { offset }),
  sliding: ({ size, slide, offset = 0 }) => sliding(size, slide, { offset }),
  session: ({ gap }) => session(gap),
  dynamicSession: () => session((record: GoldenRecord) => record.gap ?? 0),
  global: () => globalWindow(),
  globalEndOfStream: () => globalWindow(),
  countTumbling: ({ size }) => countWindow(size),
  countSliding: ({ size, slide }) => countWindow(size, slide),
  tumblingProcessing: ({ size, offset = 0 }) => tumbling(size, { offset, time: "processing" }),
  slidingProcessing: ({ size, slide }) => sliding(size, slide, { time: "processing" }),
  sessionProcessing: ({ gap }) => session(gap, { time: "processing" }),
};

const triggers: Readonly<Record<string, (t: Firing) => Trigger<never>>> = {
  eventTime: () => onTime(),
  processingTime: () => onTime(),
  count: ({ n }) => everyCount(n),
  purging: ({ inner }) => triggerOf(inner).purging(),
  continuousEventTime: ({ interval }) => everyInterval(interval, { time: "event" }),
  delta: ({ threshold }) => onDelta(threshold, (last: GoldenRecord, now: GoldenRecord) => valueOf(now) - valueOf(last)),
  earlyCount: ({ n }) => onTime().withEarly({ count: n }),
};

const evictors: Readonly<Record<string, (e: NonNullable<Pipeline["evictor"]>) => Evictor<never>>> = {
  count: ({ n }) => keepLast(n),
  time: ({ window }) => keepWithin(window),
  delta: ({ threshold }) => dropDelta(threshold, (record: GoldenRecord, last: GoldenRecord) => valueOf(last) - valueOf(record)),
};

function triggerOf(trigger: Firing): Trigger<never> {
  return named(triggers, trigger.type)(trigger);
}

function named<V>(all: Readonly<Record<string, V>>, name: string): V {
  const found = all[name];
  if (found === undefined) throw new Error(`the cases have a ${name} that is not known here`);
  return found;
}

/** Global windows without a trigger: what the cases take for granted. */
function defaultTrigger({ type }: Assigner): Trigger<never> | undefined {
  return type === "global" ? never() : type === "globalEndOfStream" ? atEnd() : undefined;
}

function factoryOf(pipeline: Pipeline, computing = named(functions, pipeline.function)): OperatorFactory {
  const { assigner, trigger, evictor, allowedLateness } = pipeline;
  return windowOperator({
    assigner: named(assigners, assigner.type)(assigner),
    allowedLatenessMs: allowedLateness,
    trigger: trigger === undefined ? defaultTrigger(assigner) : triggerOf(trigger),
    evictor: evictor === undefined ? undefined : named(evictors, evictor.type)(evictor),
    evictsAfter: evictor?.after === true,
    ...computing,
  });
}

/** Windows without an end: Flink says the largest time there is, we say when (`unbounded.ts`, U2). */
function output({ value, timestamp }: Emitted, { function: name }: Pipeline): GoldenOutput {
  const { key, window, value: computed } = value as Windowed<string, unknown>;
  if (window.end === Infinity) {
    expect(timestamp).toBeTypeOf("number");
    return { key, window: "global", value: computed, ts: "MAX" };
  }
  const ts = goldenTimestamp(timestamp);
  if (name === "minBy") return { key, value: valueOf(computed as GoldenRecord), ts };
  return { key, window: [window.start, window.end], value: computed, ts };
}

const cases = goldenCases<Pipeline>("windows");
const running = (cases ?? []).filter(({ expected }) => "steps" in expected);
const lists = running.filter(({ pipeline }) => pipeline.function === "list");

function expectWindows(golden: GoldenCase<Pipeline>, mode: keyof typeof modes, computing?: Pick<WindowSpec, "aggregate" | "process">): void {
  const { pipeline } = golden;
  const factory = factoryOf(pipeline, computing ?? functions[pipeline.function]);
  const isSorted = golden.compare.lists === "any" && pipeline.function === "list";
  const outputOf = (emitted: Emitted) => (isSorted ? sorted(output(emitted, pipeline)) : output(emitted, pipeline));
  expectCase(isSorted ? inAnyOrder(golden) : golden, { factory, output: outputOf, hasLateOutput: pipeline.lateOutput === true }, mode);
}

describe.each(Object.keys(modes) as (keyof typeof modes)[])("%s", (mode) => {
  test("windows answer what the golden cases say", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    for (const golden of running) expectWindows(golden, mode);
    expect(running).toHaveLength(157);
  });

  test("lists are the same when a function takes the windows' contents", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    for (const golden of lists) expectWindows(golden, mode, listed);
    expect(lists.length).toBeGreaterThan(50);
  });

  test("lists of sliding windows and sessions are the same when they are merged", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    const merging = lists.filter(({ pipeline: { assigner } }) => ["sliding", "session"].includes(assigner.type));
    for (const golden of merging) expectWindows(inAnyOrder(golden), mode, { aggregate: sortedList });
    expect(merging.length).toBeGreaterThan(25);
  });
});

/** Panes keep the order of time, not that of arrival. */
const sortedList: Aggregate<GoldenRecord, number[], number[]> = { ...mergedList, result: (held) => held.toSorted((a, b) => a - b) };

function sorted(one: GoldenOutput): GoldenOutput {
  return { ...one, value: (one["value"] as number[]).toSorted((a, b) => a - b) };
}

function inAnyOrder(golden: GoldenCase<Pipeline>): GoldenCase<Pipeline> {
  if (!("steps" in golden.expected)) return golden;
  const step = (one: GoldenStep): GoldenStep => ({ ...one, main: (one.main ?? []).map((each) => sorted(each)) });
  return { ...golden, expected: { steps: golden.expected.steps.map((one) => step(one)) } };
}

/** What a builder would tell the plan: what the operator cannot take. */
function refusalOf(pipeline: Pipeline): unknown {
  try {
    return factoryOf(pipeline);
  } catch (error) {
    return error;
  }
}

test("what the golden cases reject is refused", ({ skip }) => {
  if (cases === undefined) return skip(goldenAbsent);
  const rejected = cases.filter(({ expected }) => "error" in expected);
  for (const { pipeline } of rejected) expect(refusalOf(pipeline)).toMatchObject({ code: "OPTION_INVALID" });
  expect(rejected).toHaveLength(2);
});
