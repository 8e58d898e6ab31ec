/**
 * The family `timers`: keyed process functions with state and timers, each under the name that the format gives it.
 */
import { job } from "../../api/job.ts";
import type { ProcessFunctions } from "../../api/keyed-stream.ts";
import { callback } from "../../connectors/callback.ts";
import type { ProcessContext, TimerContext } from "../../operator/process-context.ts";
import { map, value, type States } from "../../state/descriptors.ts";
import { type Family, type GoldenJob, numberIn, recordsOf, valueOf } from "./family.ts";
import { goldenTime, type GoldenCase, type GoldenOutput, type GoldenRecord } from "./format.ts";
import { named } from "./named.ts";

type Pipeline = GoldenCase["pipeline"];

/** What a script may say in a record, in the order in which it is done. */
interface Script {
  readonly del?: readonly number[];
  readonly reg?: readonly number[];
  readonly delPT?: readonly number[];
  readonly regPT?: readonly number[];
  readonly onTimer?: Readonly<Record<string, number>>;
  readonly clear?: boolean;
  readonly emit?: boolean;
}

const counting = { count: value<number>() };

function countOf({ state }: Pick<ProcessContext<string, typeof counting>, "state">): number {
  return state.count.get() ?? 0;
}

function timerOutput(timer: number, context: TimerContext<string, typeof counting>): GoldenOutput {
  const { key, watermark } = context;
  return { key, kind: "timer", timer, count: countOf(context), watermark: goldenTime(watermark) };
}

/** A program of any state as a stream of outputs. */
function program<S extends States>(functions: ProcessFunctions<string, GoldenRecord, S, GoldenOutput, GoldenOutput>) {
  return (records: ReturnType<typeof recordsOf>) => records.keyBy((record) => record.key).process(functions);
}

const programs: Readonly<Record<string, (pipeline: Pipeline) => ReturnType<typeof program>>> = {
  countAt: (pipeline) =>
    program({
      state: counting,
      process(_record, context) {
        context.state.count.set(countOf(context) + 1);
        const from = pipeline["base"] === "watermark" ? context.watermark : context.timestamp;
        if (from > -Infinity) context.timers.onEventTime(from + numberIn(pipeline, "delay"));
      },
      onTimer(timer, context) {
        const output = timerOutput(timer, context);
        if (pipeline["clear"] === true) context.state.count.clear();
        return [output];
      },
    }),
  countTimeout: (pipeline) =>
    program({
      state: { ...counting, last: value<number>() },
      process(_record, { state, timers, timestamp }) {
        state.count.set((state.count.get() ?? 0) + 1);
        state.last.set(timestamp);
        timers.onEventTime(timestamp + numberIn(pipeline, "timeout"));
      },
      *onTimer(timer, { key, state }) {
        if (timer === (state.last.get() ?? 0) + numberIn(pipeline, "timeout"))
          yield { key, kind: "timer", timer, count: state.count.get() ?? 0 };
      },
    }),
  inactivity: (pipeline) =>
    program({
      state: { ...counting, armed: value<number>() },
      process(_record, { state, timers, timestamp }) {
        timers.cancelEventTime(state.armed.get());
        state.armed.set(timers.onEventTime(timestamp + numberIn(pipeline, "timeout")));
        state.count.set((state.count.get() ?? 0) + 1);
      },
      onTimer(timer, { key, state }) {
        const count = state.count.get() ?? 0;
        state.count.clear();
        state.armed.clear();
        return [{ key, kind: "timer", timer, count }];
      },
    }),
  dedupe: (pipeline) =>
    program({
      state: { expiries: map<number, number>() },
      process(record, { key, state, timers, timestamp }) {
        const seen = valueOf(record);
        if (state.expiries.has(seen)) return undefined;
        state.expiries.set(seen, timers.onEventTime(timestamp + numberIn(pipeline, "ttl")));
        return [{ key, kind: "element", value: seen }];
      },
      onTimer(timer, { key, state }) {
        const expired = [...state.expiries.entries()].filter(([, at]) => at === timer).map(([seen]) => seen);
        for (const seen of expired) state.expiries.delete(seen);
        return [{ key, kind: "timer", timer, expired: expired.toSorted((a, b) => a - b) }];
      },
    }),
  rounded: (pipeline) =>
    program({
      state: counting,
      process(_record, context) {
        const round = numberIn(pipeline, "round");
        context.state.count.set(countOf(context) + 1);
        context.timers.onEventTime(Math.floor(context.timestamp / round) * round + round - 1);
      },
      onTimer: (timer, context) => [timerOutput(timer, context)],
    }),
  chain: (pipeline) =>
    program({
      state: counting,
      process(_record, { state, timers, timestamp }) {
        state.count.set(numberIn(pipeline, "times"));
        timers.onEventTime(timestamp + numberIn(pipeline, "period"));
      },
      onTimer(timer, { key, state, timers, watermark }) {
        const left = (state.count.get() ?? 0) - 1;
        state.count.set(left);
        if (left > 0) timers.onEventTime(timer + numberIn(pipeline, "period"));
        return [{ key, kind: "timer", timer, left, watermark: goldenTime(watermark) }];
      },
    }),
  script: () =>
    program({
      state: { ...counting, onTimer: map<number, number>() },
      process(record, { key, state, timers, watermark }) {
        const { del, reg, delPT, regPT, onTimer, clear, emit } = record as GoldenRecord & Script;
        for (const at of del ?? []) timers.cancelEventTime(at);
        for (const at of reg ?? []) timers.onEventTime(at);
        for (const at of delPT ?? []) timers.cancelProcessingTime(at);
        for (const at of regPT ?? []) timers.onProcessingTime(at);
        for (const [at, next] of Object.entries(onTimer ?? {})) state.onTimer.set(Number(at), next);
        state.count.set((state.count.get() ?? 0) + 1);
        if (clear === true) state.count.clear();
        if (emit !== true) return undefined;
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

/** A case of the family as a job. @throws RangeError when its program is none of the format */
export const timers: Family = ({ pipeline }): GoldenJob => {
  const make = named(programs, String(pipeline["program"]), "program");
  const golden = job("golden");
  make(pipeline)(recordsOf(golden, "records"))
    .named("tested")
    .to(callback("main", () => undefined));
  return { job: golden, sources: ["records"], stage: "tested", hasLate: false };
};
