/** The golden cases of keyed process functions with timers: all of them. */
import { describe, expect, test } from "vitest";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { processOperator, type ProcessSpec } from "../../framework/operator/process.ts";
import type { ProcessContext, TimerContext } from "../../framework/operator/process-context.ts";
import { map, value, type States } from "../../framework/state/descriptors.ts";
import type { Emitted } from "../../framework/testing/operator-harness.ts";
import { expectCase, goldenTimestamp, modes } from "./replay.ts";
import { goldenAbsent, goldenCases, goldenTime, type GoldenCase, type GoldenOutput, type GoldenRecord } from "./shared.ts";

interface Pipeline {
  readonly program: string;
  readonly delay: number;
  readonly base: "ts" | "watermark";
  readonly clear: boolean;
  readonly timeout: number;
  readonly ttl: number;
  readonly round: number;
  readonly times: number;
  readonly period: number;
}

type Output = Readonly<Record<string, unknown>>;

const counting = { count: value<number>() };
type Counting = ProcessContext<string, typeof counting>;

function countOf({ state }: Pick<Counting, "state">): number {
  return state.count.get() ?? 0;
}

function spec<S extends States>(one: ProcessSpec<GoldenRecord, Output, string, S>): OperatorFactory {
  return processOperator(one);
}

const programs: Readonly<Record<string, (pipeline: Pipeline) => OperatorFactory>> = {
  countAt: ({ delay, base, clear }) =>
    spec({
      state: counting,
      process(_record, context) {
        context.state.count.set(countOf(context) + 1);
        const from = base === "watermark" ? context.watermark : context.timestamp;
        if (from > -Infinity) context.timers.onEventTime(from + delay);
      },
      onTimer(timer, context) {
        const count = countOf(context);
        if (clear) context.state.count.clear();
        return [{ key: context.key, kind: "timer", timer, count, watermark: goldenTime(context.watermark) }];
      },
    }),
  countTimeout: ({ timeout }) =>
    spec({
      state: { ...counting, last: value<number>() },
      process(_record, { state, timers, timestamp }) {
        state.count.set((state.count.get() ?? 0) + 1);
        state.last.set(timestamp);
        timers.onEventTime(timestamp + timeout);
      },
      *onTimer(timer, { key, state }) {
        if (timer === (state.last.get() ?? 0) + timeout) yield { key, kind: "timer", timer, count: state.count.get() ?? 0 };
      },
    }),
  inactivity: ({ timeout }) =>
    spec({
      state: { ...counting, armed: value<number>() },
      process(_record, { state, timers, timestamp }) {
        timers.cancelEventTime(state.armed.get());
        state.armed.set(timers.onEventTime(timestamp + timeout));
        state.count.set((state.count.get() ?? 0) + 1);
      },
      onTimer(timer, { key, state }) {
        const count = state.count.get() ?? 0;
        state.count.clear();
        state.armed.clear();
        return [{ key, kind: "timer", timer, count }];
      },
    }),
  dedupe: ({ ttl }) =>
    spec({
      state: { expiries: map<number, number>() },
      process({ value: seen = 0 }, { key, state, timers, timestamp }) {
        if (state.expiries.has(seen)) return undefined;
        state.expiries.set(seen, timers.onEventTime(timestamp + ttl));
        return [{ key, kind: "element", value: seen }];
      },
      onTimer(timer, { key, state }) {
        const expired: number[] = [];
        for (const [seen, expiry] of state.expiries.entries()) if (expiry === timer) expired.push(seen);
        for (const seen of expired) state.expiries.delete(seen);
        return [{ key, kind: "timer", timer, expired: expired.toSorted((a, b) => a - b) }];
      },
    }),
  rounded: ({ round }) =>
    spec({
      state: counting,
      process(_record, context) {
        context.state.count.set(countOf(context) + 1);
        context.timers.onEventTime(Math.floor(context.timestamp / round) * round + round - 1);
      },
      onTimer: (timer, context) => [timerOutput(timer, context)],
    }),
  chain: ({ times, period }) =>
    spec({
      state: counting,
      process(_record, { state, timers, timestamp }) {
        state.count.set(times);
        timers.onEventTime(timestamp + period);
      },
      onTimer(timer, { key, state, timers, watermark }) {
        const left = (state.count.get() ?? 0) - 1;
        state.count.set(left);
        if (left > 0) timers.onEventTime(timer + period);
        return [{ key, kind: "timer", timer, left, watermark: goldenTime(watermark) }];
      },
    }),
  script: () =>
    spec({
      state: { ...counting, onTimer: map<number, number>() },
      process(record, { key, state, timers, watermark }) {
        for (const at of record.del ?? []) timers.cancelEventTime(at);
        for (const at of record.reg ?? []) timers.onEventTime(at);
        for (const at of record.delPT ?? []) timers.cancelProcessingTime(at);
        for (const at of record.regPT ?? []) timers.onProcessingTime(at);
        for (const [at, next] of Object.entries(record.onTimer ?? {})) state.onTimer.set(Number(at), next);
        state.count.set((state.count.get() ?? 0) + 1);
        if (record.clear === true) state.count.clear();
        if (record.emit !== true) return undefined;
        return [{ key, kind: "element", watermark: goldenTime(watermark), count: state.count.get() ?? 0 }];
      },
      *onTimer(timer, context) {
        const { state, timers, domain } = context;
        const next = state.onTimer.get(timer);
        state.onTimer.delete(timer);
        if (next !== undefined && domain === "event") timers.onEventTime(next);
        if (next !== undefined && domain === "processing") timers.onProcessingTime(next);
        yield { ...timerOutput(timer, context), domain };
      },
    }),
};

function timerOutput(timer: number, context: TimerContext<string, typeof counting>): Output {
  const { key, watermark } = context;
  return { key, kind: "timer", timer, count: countOf(context), watermark: goldenTime(watermark) };
}

function output({ value: emitted, timestamp }: Emitted): GoldenOutput {
  return { ...(emitted as GoldenOutput), ts: goldenTimestamp(timestamp) };
}

const cases = goldenCases<Pipeline>("timers");

function expectTimers(golden: GoldenCase<Pipeline>, mode: keyof typeof modes): void {
  const program = programs[golden.pipeline.program];
  if (program === undefined) throw new Error(`${golden.id}: no program ${golden.pipeline.program}`);
  expectCase(golden, { factory: program(golden.pipeline), output, hasLateOutput: false }, mode);
}

describe.each(Object.keys(modes) as (keyof typeof modes)[])("%s", (mode) => {
  test("timers fire as the golden cases say", ({ skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    for (const golden of cases) expectTimers(golden, mode);
    expect(cases).toHaveLength(56);
  });
});
