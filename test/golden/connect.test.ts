/** The golden cases of two connected streams, and of broadcast state: all of them. */
import { describe, expect, test } from "vitest";
import { broadcastProcessOperator, type BroadcastProcessSpec } from "../../framework/operator/broadcast-process.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { coProcessOperator, type CoProcessSpec } from "../../framework/operator/co-process.ts";
import type { ProcessContext } from "../../framework/operator/process-context.ts";
import { map, value, type MapDescriptor, type States } from "../../framework/state/descriptors.ts";
import type { Emitted } from "../../framework/testing/operator-harness.ts";
import { expectCase, goldenTimestamp, keyOf, modes } from "./replay.ts";
import { goldenAbsent, goldenCases, goldenTime, type GoldenCase, type GoldenOutput, type GoldenRecord } from "./shared.ts";

interface Pipeline {
  readonly program: string;
  readonly timeout: number;
}

type Output = Readonly<Record<string, unknown>>;
type Rule = MapDescriptor<string, number>;

function both<S extends States>(spec: CoProcessSpec<GoldenRecord, GoldenRecord, Output, string, S>): OperatorFactory {
  return coProcessOperator(spec);
}

function ruled<S extends States>(spec: BroadcastProcessSpec<GoldenRecord, GoldenRecord, Output, string, S, Rule>): OperatorFactory {
  return broadcastProcessOperator(spec);
}

const waiting = { left: value<number>(), right: value<number>(), armed: value<number>() };

/** Pairs the record with the one that waits on the other side, or lets it wait. */
function meet(side: "left" | "right", record: GoldenRecord, timeout: number, context: ProcessContext<string, typeof waiting>): Output[] {
  const { state, timers, key, timestamp } = context;
  const other = state[side === "left" ? "right" : "left"];
  const found = other.get();
  timers.cancelEventTime(state.armed.get());
  if (found !== undefined) {
    other.clear();
    state.armed.clear();
    const [left, right] = side === "left" ? [record.value ?? 0, found] : [found, record.value ?? 0];
    return [{ key, kind: "element", left, right }];
  }
  state[side].set(record.value ?? 0);
  state.armed.set(timers.onEventTime(timestamp + timeout));
  return [];
}

const counting = { count: value<number>() };

function run(record: GoldenRecord, input: number, { state, timers, key, watermark }: ProcessContext<string, typeof counting>): Output[] {
  for (const at of record.del ?? []) timers.cancelEventTime(at);
  for (const at of record.reg ?? []) timers.onEventTime(at);
  const count = (state.count.get() ?? 0) + 1;
  state.count.set(count);
  return record.emit === true ? [{ key, kind: "element", input, watermark: goldenTime(watermark), count }] : [];
}

const programs: Readonly<Record<string, (pipeline: Pipeline) => OperatorFactory>> = {
  enrich: () =>
    both({
      state: { known: value<number>() },
      left: ({ value: number = 0 }, { key, state }) => [{ key, kind: "element", value: number, state: state.known.get() ?? null }],
      right: ({ value: number = 0 }, { state }) => state.known.set(number),
    }),
  rendezvous: ({ timeout }) =>
    both({
      state: waiting,
      left: (record, context) => meet("left", record, timeout, context),
      right: (record, context) => meet("right", record, timeout, context),
      onTimer(timer, { key, state }) {
        const left = state.left.get();
        const number = left ?? state.right.get();
        for (const cell of [state.left, state.right, state.armed]) cell.clear();
        return [{ key, kind: "timer", timer, side: left === undefined ? 1 : 0, value: number }];
      },
    }),
  script: () =>
    both({
      state: counting,
      left: (record, context) => run(record, 0, context),
      right: (record, context) => run(record, 1, context),
      onTimer: (timer, { key, state, watermark }) => [
        { key, kind: "timer", timer, count: state.count.get() ?? 0, watermark: goldenTime(watermark) },
      ],
    }),
  broadcast: () =>
    ruled({
      state: counting,
      rules: map<string, number>(),
      process({ value: number = 0, reg = [] }, { key, state, timers, rules, watermark }) {
        const count = (state.count.get() ?? 0) + 1;
        state.count.set(count);
        for (const at of reg) timers.onEventTime(at);
        return [{ key, kind: "element", value: number, count, rules: Object.fromEntries(rules.entries()), watermark: goldenTime(watermark) }];
      },
      onBroadcast({ type = "", value: number = 0, applyAll, reset }, { rules, forEachKey }) {
        if (number === 0) rules.delete(type);
        else rules.set(type, number);
        const applied: Output[] = [];
        if (applyAll !== true) return applied;
        forEachKey((key, { state }) => {
          const count = state.count.get();
          if (count === undefined) return;
          applied.push({ key, kind: "applied", count });
          if (reset === true) state.count.clear();
        });
        return applied;
      },
      onTimer: (timer, { key, state, rules, watermark }) => [
        { key, kind: "timer", timer, count: state.count.get() ?? 0, rules: Object.fromEntries(rules.entries()), watermark: goldenTime(watermark) },
      ],
    }),
};

function output({ value: emitted, timestamp }: Emitted): GoldenOutput {
  return { ...(emitted as GoldenOutput), ts: goldenTimestamp(timestamp) };
}

const cases = goldenCases<Pipeline>("connect");

function expectConnected(golden: GoldenCase<Pipeline>, mode: keyof typeof modes): void {
  const program = programs[golden.pipeline.program];
  if (program === undefined) throw new Error(`${golden.id}: no program ${golden.pipeline.program}`);
  const keys = [keyOf, golden.pipeline.program === "broadcast" ? undefined : keyOf];
  expectCase(golden, { factory: program(golden.pipeline), output, hasLateOutput: false, keys }, mode);
}

describe.each(Object.keys(modes) as (keyof typeof modes)[])("%s", (mode) => {
  test("connected streams answer what the golden cases say", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    for (const golden of cases) expectConnected(golden, mode);
    expect(cases).toHaveLength(33);
  });
});
