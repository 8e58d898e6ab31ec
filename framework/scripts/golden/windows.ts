/**
 * The family `windows`: every assigner, trigger, evictor and function of the format as the API says it.
 */
import { job } from "../../api/job.ts";
import { callback } from "../../connectors/callback.ts";
import { average, count, max, min, sum, type Aggregate } from "../../operator/aggregates.ts";
import type { WindowFunctions } from "../../operator/window-function.ts";
import type { Windowed, WindowShape, WindowSpec } from "../../operator/window.ts";
import { value as valueState, type States } from "../../state/descriptors.ts";
import { sliding, tumbling, type FiringWindows, type WindowAssigner } from "../../window/assigner.ts";
import { dropDelta, keepLast, keepWithin, type Evictor } from "../../window/evictor.ts";
import { session } from "../../window/session.ts";
import { atEnd, everyCount, everyInterval, never, onDelta, onTime, type Trigger } from "../../window/trigger.ts";
import { countWindow, globalWindow } from "../../window/unbounded.ts";
import type { TakenRow } from "../../testing/collecting-sink.ts";
import { type Family, recordsOf, valueOf } from "./family.ts";
import { goldenTime, goldenTimestamp, type GoldenOutput, type GoldenRecord } from "./format.ts";
import { named } from "./named.ts";

/** Windows as a case describes them. */
export interface GoldenAssigner {
  readonly type: string;
  readonly size: number;
  readonly slide: number;
  readonly gap: number;
  readonly offset?: number;
}

/** A trigger as a case describes it. */
export interface GoldenTrigger {
  readonly type: string;
  readonly n: number;
  readonly interval: number;
  readonly threshold: number;
  readonly inner: GoldenTrigger;
}

/** An evictor as a case describes it. */
export interface GoldenEvictor {
  readonly type: string;
  readonly n: number;
  readonly window: number;
  readonly threshold: number;
  readonly after?: boolean;
}

/** Which windows, and when they fire: what cases of windows and of joins have in common. */
export interface GoldenWindows {
  readonly assigner: GoldenAssigner;
  readonly trigger?: GoldenTrigger;
  readonly evictor?: GoldenEvictor;
  readonly allowedLateness?: number;
}

/** The pipeline of a case of this family. */
export interface WindowsPipeline extends GoldenWindows {
  readonly lateOutput?: boolean;
  readonly function: string;
}

const assigners: Readonly<Record<string, (a: GoldenAssigner) => WindowAssigner<never>>> = {
  tumbling: ({ size, offset = 0 }) => tumbling(size, { offset }),
  sliding: ({ size, slide, offset = 0 }) => sliding(size, slide, { offset }),
  session: ({ gap }) => session(gap),
  dynamicSession: () => session((record: GoldenRecord) => Number(record["gap"] ?? 0)),
  global: () => globalWindow(),
  globalEndOfStream: () => globalWindow(),
  countTumbling: ({ size }) => countWindow(size),
  countSliding: ({ size, slide }) => countWindow(size, slide),
  tumblingProcessing: ({ size, offset = 0 }) => tumbling(size, { offset, time: "processing" }),
  slidingProcessing: ({ size, slide }) => sliding(size, slide, { time: "processing" }),
  sessionProcessing: ({ gap }) => session(gap, { time: "processing" }),
};

const triggers: Readonly<Record<string, (t: GoldenTrigger) => Trigger<never>>> = {
  eventTime: () => onTime(),
  processingTime: () => onTime(),
  count: ({ n }) => everyCount(n),
  purging: ({ inner }) => triggerOf(inner).purging(),
  continuousEventTime: ({ interval }) => everyInterval(interval, { time: "event" }),
  delta: ({ threshold }) => onDelta(threshold, (last: GoldenRecord, now: GoldenRecord) => valueOf(now) - valueOf(last)),
  earlyCount: ({ n }) => onTime().withEarly({ count: n }),
};

const evictors: Readonly<Record<string, (e: GoldenEvictor) => Evictor<never>>> = {
  count: ({ n }) => keepLast(n),
  time: ({ window }) => keepWithin(window),
  delta: ({ threshold }) =>
    dropDelta(threshold, (record: GoldenRecord, last: GoldenRecord) => valueOf(last) - valueOf(record)),
};

function triggerOf(trigger: GoldenTrigger): Trigger<never> {
  return named(triggers, trigger.type, "trigger")(trigger);
}

/** Global windows without a trigger: what cases take for granted. */
function defaultTrigger({ type }: GoldenAssigner): Trigger<never> | undefined {
  if (type === "global") return never();
  return type === "globalEndOfStream" ? atEnd() : undefined;
}

/** The windows of a case as an operator takes them. @throws RangeError when it names what the format has not */
export function shapeOf({ assigner, trigger, evictor, allowedLateness }: GoldenWindows): WindowShape {
  return {
    assigner: named(assigners, assigner.type, "assigner")(assigner),
    allowedLatenessMs: allowedLateness,
    trigger: trigger === undefined ? defaultTrigger(assigner) : triggerOf(trigger),
    evictor: evictor === undefined ? undefined : named(evictors, evictor.type, "evictor")(evictor),
    evictsAfter: evictor?.after === true,
  };
}

const list: Aggregate<GoldenRecord, number[], number[]> = {
  create: () => [],
  add(held, record) {
    held.push(valueOf(record));
    return held;
  },
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

/** The values as a function over the window's contents sees them. */
const listed = processing({
  process: (records, { key, window }) => [{ key, window, value: records.map((record) => valueOf(record)) }],
});

/** As `list`, of panes and sessions that are put together. */
const merged: Aggregate<GoldenRecord, number[], number[]> = { ...list, merge: (older, newer) => [...older, ...newer] };

const lowest = (held: GoldenRecord, record: GoldenRecord): GoldenRecord =>
  valueOf(record) < valueOf(held) ? record : held;

/** What is computed over windows, by the name that cases give it; `listed` and `merged` are `list` in other ways. */
export const windowFunctions: Readonly<Record<string, Pick<WindowSpec, "aggregate" | "reduce" | "process">>> = {
  sum: { aggregate: sum(valueOf) },
  count: { aggregate: count() },
  min: { aggregate: min(valueOf) },
  max: { aggregate: max(valueOf) },
  avg: { aggregate: average(valueOf) },
  list: { aggregate: list },
  listed,
  merged: { aggregate: merged },
  reduce: { aggregate: hashed },
  minBy: { reduce: lowest },
  firing,
};

/** A result as cases write it: of windows without an end the other engine says the largest time there is, this one says when. */
export function windowOutput({ value, timestamp }: TakenRow, name: string): GoldenOutput {
  const { key, window, value: computed } = value as Windowed<string, unknown>;
  if (window.end === Infinity)
    return { key, window: "global", value: computed, ts: timestamp === undefined ? null : "MAX" };
  const ts = goldenTimestamp(timestamp);
  if (name === "minBy") return { key, value: valueOf(computed as GoldenRecord), ts };
  return { key, window: [window.start, window.end], value: computed, ts };
}

/** A case of the family as a job. @throws RangeError when it names what the format has not */
export const windows: Family = ({ pipeline }) => {
  const asked = pipeline as unknown as WindowsPipeline;
  const { assigner, allowedLatenessMs = 0, trigger, evictor, evictsAfter } = shapeOf(asked);
  const golden = job("golden");
  const keyed = recordsOf(golden, "records").keyBy((record) => record.key);
  let windowed = keyed.window(assigner as FiringWindows<GoldenRecord>).allowedLateness(allowedLatenessMs);
  if (trigger !== undefined) windowed = windowed.trigger(trigger);
  if (evictor !== undefined) windowed = windowed.evict(evictor as Evictor<GoldenRecord>, { after: evictsAfter });
  const { aggregate, reduce, process } = named(windowFunctions, asked.function, "function");
  const results =
    process !== undefined
      ? windowed.process(process)
      : reduce !== undefined
        ? windowed.reduce(reduce as typeof lowest)
        : windowed.aggregate(aggregate as Aggregate<GoldenRecord, unknown, unknown>);
  const tested = results.named("tested");
  tested.to(callback("main", () => undefined));
  const hasLate = asked.lateOutput === true;
  if (hasLate) tested.late().to(callback("late", () => undefined));
  return {
    job: golden,
    sources: ["records"],
    stage: "tested",
    hasLate,
    output: (row) => windowOutput(row, asked.function),
  };
};
