/**
 * What the builders of windows infer, and what must not compile.
 */
import { describe, expectTypeOf, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import type { LateStream, Stream } from "../../framework/api/stream.ts";
import type { UntriggeredWindows, WindowedStream } from "../../framework/api/windowed-stream.ts";
import type { SinkSpec } from "../../framework/log/sink.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import { average, count, min, sum } from "../../framework/operator/aggregates.ts";
import { collect, distinct, first, maxBy, topN } from "../../framework/operator/library-aggregates.ts";
import type { FiredWindow, Windowed } from "../../framework/operator/window.ts";
import { map, value } from "../../framework/state/descriptors.ts";
import { sliding, tumbling, type TimeSpan } from "../../framework/window/assigner.ts";
import { dropDelta, keepLast, keepWithin } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";
import {
  atEnd,
  everyCount,
  everyInterval,
  never,
  onDelta,
  onTime,
  trigger,
  type Trigger,
} from "../../framework/window/trigger.ts";
import { countWindow, globalWindow } from "../../framework/window/unbounded.ts";

interface Reading {
  readonly device: string;
  readonly celsius: number;
  readonly ok: boolean;
  readonly at: number;
}

interface Alarm {
  readonly kind: "alarm";
  readonly device: string;
}

declare const readingSource: SourceSpec<Reading>;
declare const anySink: SinkSpec;

const readings = job("plant").source("readings", readingSource);
const byDevice = readings.keyBy((r) => r.device);
const perMinute = byDevice.window(tumbling("1m"));

describe("window", () => {
  test("takes windows of time and counts as they are, global ones with a trigger", () => {
    expectTypeOf(perMinute).toEqualTypeOf<WindowedStream<string, Reading>>();
    expectTypeOf(byDevice.window(sliding("1h", "1m"))).toEqualTypeOf<WindowedStream<string, Reading>>();
    expectTypeOf(byDevice.window(session("10m"))).toEqualTypeOf<WindowedStream<string, Reading>>();
    expectTypeOf(byDevice.window(countWindow(100, 10, { partialAtEnd: true }))).toEqualTypeOf<
      WindowedStream<string, Reading>
    >();
    expectTypeOf(byDevice.window(globalWindow())).toEqualTypeOf<UntriggeredWindows<string, Reading>>();
    expectTypeOf(byDevice.window(globalWindow()).trigger(atEnd())).toEqualTypeOf<WindowedStream<string, Reading>>();
    // @ts-expect-error a global window without a trigger never fires
    byDevice.window(globalWindow()).aggregate(count());
    // @ts-expect-error a global window has no allowed lateness before it has a trigger
    byDevice.window(globalWindow()).allowedLateness("1m");
  });

  test("the gap of a session may be a function of the record", () => {
    expectTypeOf(byDevice.window(session((r) => (r.ok ? "10m" : r.celsius)))).toEqualTypeOf<
      WindowedStream<string, Reading>
    >();
    // @ts-expect-error a reading has no such field
    byDevice.window(session((r) => r.gap));
    // @ts-expect-error a gap is a duration
    byDevice.window(session((r) => r.device));
    // @ts-expect-error the gap is that of an alarm
    byDevice.window(session((alarm: Alarm) => alarm.kind.length));
  });

  test("windowAll needs no key", () => {
    expectTypeOf(readings.windowAll(tumbling("1m"))).toEqualTypeOf<WindowedStream<"all", Reading>>();
    expectTypeOf(readings.windowAll(session((r) => r.celsius)).aggregate(count())).toEqualTypeOf<
      LateStream<Reading, Windowed<"all", number>>
    >();
    expectTypeOf(readings.windowAll(globalWindow())).toEqualTypeOf<UntriggeredWindows<"all", Reading>>();
    // @ts-expect-error a global window without a trigger never fires
    readings.windowAll(globalWindow()).aggregate(count());
    // @ts-expect-error keyed streams have windows per key
    byDevice.windowAll(tumbling("1m"));
  });
});

describe("trigger", () => {
  test("keeps the windows, and takes triggers of their records", () => {
    const composed = onTime().orEvery({ count: 100 }).withEarly("10s").withLate({ count: 1 });
    expectTypeOf(perMinute.trigger(composed)).toEqualTypeOf<WindowedStream<string, Reading>>();
    for (const each of [everyCount(2).purging(), everyInterval("1s", { time: "processing" }), atEnd(), never()])
      expectTypeOf(perMinute.trigger(each)).toEqualTypeOf<WindowedStream<string, Reading>>();
    expectTypeOf(perMinute.trigger(onTime().or(everyCount(2)).and(never()))).toEqualTypeOf<
      WindowedStream<string, Reading>
    >();
    // @ts-expect-error a number is no trigger
    perMinute.trigger(100);
    // @ts-expect-error there is no such option
    onTime().orEvery({ records: 100 });
    // @ts-expect-error no unit
    onTime().withEarly("10");
  });

  test("onDelta knows the records", () => {
    expectTypeOf(perMinute.trigger(onDelta(5, (last, now) => now.celsius - last.celsius))).toEqualTypeOf<
      WindowedStream<string, Reading>
    >();
    // @ts-expect-error a reading has no such field
    perMinute.trigger(onDelta(5, (last, now) => now.volts - last.volts));
    // @ts-expect-error the delta is one of alarms
    perMinute.trigger(onDelta(5, (last: Alarm, now: Alarm) => now.kind.length - last.kind.length));
  });

  test("one of the user's own knows records, windows and what it remembers", () => {
    const own = trigger<Reading, { n: number }>({
      create: () => ({ n: 0 }),
      onRecord(reading, { state, window, timers }) {
        expectTypeOf(reading).toEqualTypeOf<Reading>();
        expectTypeOf(state).toEqualTypeOf<{ n: number }>();
        expectTypeOf(window).toEqualTypeOf<TimeSpan>();
        timers.onEventTime(window.end - 1);
        return state.n > 2 ? "fireAndPurge" : "continue";
      },
      onTime: (_at, { domain }) => (domain === "event" ? "fire" : "continue"),
    });
    expectTypeOf(own).toEqualTypeOf<Trigger<Reading>>();
    perMinute.trigger(own.orEvery({ interval: "1s" }));
    // @ts-expect-error there is no such verdict
    trigger<Reading>({ onRecord: () => "stop" });
  });
});

describe("evict", () => {
  test("keeps the windows, and takes evictors of their records", () => {
    expectTypeOf(perMinute.evict(keepLast(10), { after: true })).toEqualTypeOf<WindowedStream<string, Reading>>();
    perMinute.evict(keepWithin("1m"));
    perMinute.evict(dropDelta(5, (r, last) => last.celsius - r.celsius));
    // @ts-expect-error a reading has no such field
    perMinute.evict(dropDelta(5, (r, last) => last.volts - r.volts));
    // @ts-expect-error the measure is one of alarms
    perMinute.evict(dropDelta(5, (a: Alarm, last: Alarm) => last.kind.length - a.kind.length));
    // @ts-expect-error there is no such option
    perMinute.evict(keepLast(10), { before: true });
  });
});

describe("results", () => {
  test("say why they came when asked", () => {
    expectTypeOf(perMinute.aggregate(count(), { fire: true })).toEqualTypeOf<
      LateStream<Reading, FiredWindow<string, number>>
    >();
    const several = perMinute.aggregate((of) => ({ mean: of.average((r) => r.celsius) }), { fire: true });
    expectTypeOf(several.map((w) => [w.value.mean, w.fire.pane, w.fire.cause] as const)).toEqualTypeOf<
      Stream<readonly [number, number, "early" | "onTime" | "late"]>
    >();
    expectTypeOf(perMinute.reduce((a) => a, { fire: true })).toEqualTypeOf<
      LateStream<Reading, FiredWindow<string, Reading>>
    >();
    // @ts-expect-error not asked for
    perMinute.aggregate(count()).map((w) => w.fire);
    // @ts-expect-error there is no such option
    perMinute.aggregate(count(), { cause: true });
  });

  test("process takes the records of a window, with state per window and key", () => {
    const made = perMinute.process({
      windowState: { n: value<number>() },
      state: { seen: map<string, number>() },
      process(values, { key, window, watermark, windowState, state, fire }) {
        expectTypeOf(values).toEqualTypeOf<readonly Reading[]>();
        expectTypeOf(key).toEqualTypeOf<string>();
        expectTypeOf(window).toEqualTypeOf<TimeSpan>();
        expectTypeOf(watermark).toEqualTypeOf<number>();
        expectTypeOf(state.seen.get("a")).toEqualTypeOf<number | undefined>();
        expectTypeOf(fire.cause).toEqualTypeOf<"early" | "onTime" | "late">();
        return [{ device: key, n: windowState.n.get() }];
      },
    });
    expectTypeOf(made).toEqualTypeOf<LateStream<Reading, { device: string; n: number | undefined }>>();
    expectTypeOf(made.late()).toEqualTypeOf<Stream<Reading>>();
    // @ts-expect-error a string is iterable but no list of outputs
    perMinute.process({ process: (_values, { key }) => key });
    perMinute.process({
      // @ts-expect-error no state is declared
      process: (_values, { state }) => [state.n.get()],
    });
  });

  test("functions take what an aggregate comes to", () => {
    const told = perMinute.aggregate(
      average((r) => r.celsius),
      {
        state: { last: value<number>() },
        process(mean, { key, state }) {
          expectTypeOf(mean).toEqualTypeOf<number>();
          state.last.set(mean);
          return [{ key, mean }];
        },
      },
    );
    expectTypeOf(told).toEqualTypeOf<LateStream<Reading, { key: string; mean: number }>>();
    const several = perMinute.aggregate((of) => ({ peak: of.max((r) => r.celsius) }), {
      process: ({ peak }) => [peak],
    });
    expectTypeOf(several).toEqualTypeOf<LateStream<Reading, number>>();
    const reduced = perMinute.reduce((a, b) => (a.at > b.at ? a : b), {
      process: ({ at }, { window }) => [window.end - at],
    });
    expectTypeOf(reduced).toEqualTypeOf<LateStream<Reading, number>>();
    // @ts-expect-error an average is a number
    perMinute.aggregate(count(), { process: (n) => [n.device] });
  });
});

describe("WindowedStream", () => {
  test("allowedLateness keeps the windows", () => {
    expectTypeOf(perMinute.allowedLateness("30s")).toEqualTypeOf<WindowedStream<string, Reading>>();
    // @ts-expect-error no unit
    perMinute.allowedLateness("30");
  });

  test("reduce answers one value per window", () => {
    expectTypeOf(perMinute.reduce((a, b) => (a.celsius > b.celsius ? a : b))).toEqualTypeOf<
      LateStream<Reading, Windowed<string, Reading>>
    >();
    // @ts-expect-error the result is one of the values
    perMinute.reduce((a, b) => a.celsius + b.celsius);
  });

  test("aggregate takes a ready aggregate and infers from the stream", () => {
    const averages = perMinute.aggregate(average((r) => r.celsius));
    expectTypeOf(averages).toEqualTypeOf<LateStream<Reading, Windowed<string, number>>>();
    expectTypeOf(averages.late()).toEqualTypeOf<Stream<Reading>>();
    expectTypeOf(perMinute.aggregate(sum((r) => r.celsius)).map((w) => w.value)).toEqualTypeOf<Stream<number>>();
    expectTypeOf(perMinute.aggregate(count()).map((w) => w.key)).toEqualTypeOf<Stream<string>>();
    expectTypeOf(perMinute.aggregate(min((r) => r.celsius)).map((w) => w.window.end)).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error an average is of numbers
    perMinute.aggregate(average((r) => r.device));
  });

  test("aggregate takes several at once, under names", () => {
    const several = perMinute.aggregate((of) => ({
      mean: of.average((r) => r.celsius),
      peak: of.max((r) => r.celsius),
      n: of.count(),
    }));
    expectTypeOf(several.map((w) => w.value)).toEqualTypeOf<
      Stream<{ readonly mean: number; readonly peak: number; readonly n: number }>
    >();
    // @ts-expect-error a reading has no such field
    perMinute.aggregate((of) => ({ mean: of.average((r) => r.fahrenheit) }));
    // @ts-expect-error what is named is an aggregate
    perMinute.aggregate(() => ({ mean: 1 }));
  });

  test("aggregate takes those of records, alone and under names", () => {
    expectTypeOf(perMinute.aggregate(maxBy((r) => r.celsius))).toEqualTypeOf<
      LateStream<Reading, Windowed<string, Reading>>
    >();
    expectTypeOf(perMinute.aggregate(topN(3, (r) => r.celsius)).map((w) => w.value)).toEqualTypeOf<Stream<Reading[]>>();
    expectTypeOf(perMinute.aggregate(distinct((r) => r.device)).map((w) => w.value)).toEqualTypeOf<Stream<string[]>>();
    expectTypeOf(perMinute.aggregate(collect()).map((w) => w.value)).toEqualTypeOf<Stream<Reading[]>>();
    expectTypeOf(perMinute.aggregate(collect((r) => r.ok)).map((w) => w.value)).toEqualTypeOf<Stream<boolean[]>>();
    expectTypeOf(perMinute.aggregate(first()).map((w) => w.value)).toEqualTypeOf<Stream<Reading>>();
    const several = perMinute.aggregate((of) => ({
      n: of.count(),
      coldest: of.minBy((r) => r.celsius),
      devices: of.distinct((r) => r.device),
      spread: of.variance((r) => r.celsius, { sample: true }),
    }));
    expectTypeOf(several.map((w) => w.value)).toEqualTypeOf<
      Stream<{ readonly n: number; readonly coldest: Reading; readonly devices: string[]; readonly spread: number }>
    >();
    // @ts-expect-error a device is no number
    perMinute.aggregate(maxBy((r) => r.device));
    // @ts-expect-error a reading has no such field
    perMinute.aggregate((of) => ({ top: of.topN(3, (r) => r.volts) }));
  });

  test("aggregate takes one of the user's own", () => {
    const own = perMinute.aggregate({
      create: () => 0,
      add: (total: number, r: Reading) => total + r.celsius,
      result: (total: number) => ({ total }),
    });
    expectTypeOf(own).toEqualTypeOf<LateStream<Reading, Windowed<string, { total: number }>>>();
    // @ts-expect-error the records are readings
    perMinute.aggregate({ create: () => 0, add: (total: number, a: Alarm) => total + a.kind.length, result: String });
  });

  test("windows are no stream before they are aggregated", () => {
    expectTypeOf(perMinute).not.toExtend<Stream<Reading>>();
    // @ts-expect-error aggregate first
    perMinute.map((r: Reading) => r);
    // @ts-expect-error aggregate first
    perMinute.to(anySink);
  });
});
