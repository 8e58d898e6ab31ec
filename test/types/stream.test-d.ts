/**
 * What the builders infer, and what must not compile: one of each per method.
 */
import { describe, expectTypeOf, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import type { KeyedStream } from "../../framework/api/keyed-stream.ts";
import type { LateStream, Sink, Stream } from "../../framework/api/stream.ts";
import type { WindowedStream } from "../../framework/api/windowed-stream.ts";
import type { SinkSpec } from "../../framework/log/sink.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import { list, map, reducing, value, type ValueDescriptor } from "../../framework/state/descriptors.ts";
import { schema } from "../../framework/state/schema.ts";
import type { ValueCodec } from "../../framework/record/codec.ts";
import { average, count, max } from "../../framework/operator/aggregates.ts";
import { aggregating } from "../../framework/operator/aggregating.ts";
import type { Windowed } from "../../framework/operator/window.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";

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
declare const alarmSource: SourceSpec<Alarm>;
declare const anySink: SinkSpec;
declare const readingSink: SinkSpec<Reading>;
declare const readingCodec: ValueCodec<Reading>;

const plant = job("plant");
const readings = plant.source("readings", readingSource);
const alarms = plant.source("alarms", alarmSource);
const byDevice = readings.keyBy((r) => r.device);
const perMinute = byDevice.window(tumbling("1m"));

describe("job", () => {
  test("takes a name and options", () => {
    expectTypeOf(job("plant", { partitions: 4, restart: { within: "1m" } })).toEqualTypeOf<Job>();
    // @ts-expect-error there is no such option
    job("plant", { partition: 4 });
  });

  test("source gives a stream of what the source reads", () => {
    expectTypeOf(readings).toEqualTypeOf<Stream<Reading>>();
    // @ts-expect-error a sink is no source
    plant.source("readings", anySink);
  });
});

describe("Stream", () => {
  test("timestamps keeps the values", () => {
    expectTypeOf(readings.timestamps((r) => r.at, { outOfOrderness: "5s" })).toEqualTypeOf<Stream<Reading>>();
    // @ts-expect-error a timestamp is a number
    readings.timestamps((r) => r.device);
    // @ts-expect-error there is no such option
    readings.timestamps((r) => r.at, { outOfOrder: "5s" });
    // @ts-expect-error timestamps belong before keyBy
    byDevice.timestamps((r: Reading) => r.at);
  });

  test("map answers a stream of what the function answers", () => {
    expectTypeOf(readings.map((r) => r.celsius)).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error a reading has no such field
    readings.map((r) => r.fahrenheit);
  });

  test("mapAsync answers a stream of what the promise comes to", () => {
    const found = readings.mapAsync(
      async (r, { idempotencyKey, signal }) => ({ ...r, idempotencyKey, signal }).device,
      {
        order: "unordered",
        capacity: 10,
        timeout: "2s",
        retry: { attempts: 3, backoff: "1s" },
      },
    );
    expectTypeOf(found).toEqualTypeOf<Stream<string>>();
    expectTypeOf(readings.mapAsync((r) => r.celsius)).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error there is no such order
    readings.mapAsync((r) => r.celsius, { order: "sorted" });
    // @ts-expect-error a reading has no such field
    readings.mapAsync(async (r) => r.fahrenheit);
    // @ts-expect-error calls are made before keyBy
    byDevice.mapAsync((r: Reading) => r.device);
  });

  test("mapBatch answers a stream of the elements of what the function answers", () => {
    expectTypeOf(readings.mapBatch(async (batch) => batch.map((r) => r.device))).toEqualTypeOf<Stream<string>>();
    const model = {
      deterministic: true,
      version: "1",
      run: (batch: readonly Reading[]) => batch.map((r) => r.celsius),
    } as const;
    expectTypeOf(readings.mapBatch(model, { size: 10 })).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error a batch is answered by a list
    readings.mapBatch((batch) => batch.length);
    // @ts-expect-error the results of a model need no capacity
    readings.mapBatch(model, { capacity: 10 });
    // @ts-expect-error what is awaited inside the turn has a version
    readings.mapBatch({ deterministic: true, run: (batch: readonly Reading[]) => batch });
  });

  test("filter keeps the values, and type guards narrow", () => {
    const mixed = readings.union(alarms);
    expectTypeOf(readings.filter((r) => r.ok)).toEqualTypeOf<Stream<Reading>>();
    expectTypeOf(mixed.filter((v): v is Alarm => "kind" in v)).toEqualTypeOf<Stream<Alarm>>();
    expectTypeOf(mixed.filter((v) => "kind" in v)).toEqualTypeOf<Stream<Alarm>>();
    // @ts-expect-error a condition is a boolean
    readings.filter((r) => r.celsius);
  });

  test("flatMap answers a stream of what the lists hold", () => {
    expectTypeOf(readings.flatMap((r) => [r.celsius, r.device])).toEqualTypeOf<Stream<number | string>>();
    expectTypeOf(readings.flatMap((r) => (r.ok ? [r] : undefined))).toEqualTypeOf<Stream<Reading>>();
    expectTypeOf(
      readings.flatMap(function* (r) {
        yield r.celsius;
      }),
    ).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error a string is iterable but no list of outputs
    readings.flatMap((r) => r.device);
  });

  test("keyBy remembers the key", () => {
    expectTypeOf(byDevice).toEqualTypeOf<KeyedStream<string, Reading>>();
    expectTypeOf(readings.keyBy((r) => [r.device, r.ok], { partitions: 4 })).toEqualTypeOf<
      KeyedStream<readonly [string, boolean], Reading>
    >();
    // @ts-expect-error an object is no key
    readings.keyBy((r) => ({ device: r.device }));
    // @ts-expect-error a key may be missing
    readings.keyBy((r): string | undefined => (r.ok ? r.device : undefined));
  });

  test("union has the values of all", () => {
    expectTypeOf(readings.union(readings)).toEqualTypeOf<Stream<Reading>>();
    expectTypeOf(readings.union(alarms, readings)).toEqualTypeOf<Stream<Reading | Alarm>>();
    expectTypeOf(readings.union(perMinute.aggregate(count()))).toEqualTypeOf<
      Stream<Reading | Windowed<string, number>>
    >();
    // @ts-expect-error a keyed stream is no stream
    readings.union(byDevice);
  });

  test("to takes a sink of its values and answers something that can be named", () => {
    expectTypeOf(readings.to(anySink)).toEqualTypeOf<Sink>();
    expectTypeOf(readings.to(readingSink).named("out")).toEqualTypeOf<Sink>();
    // @ts-expect-error the sink takes readings
    alarms.to(readingSink);
    // @ts-expect-error nothing comes out of a sink
    readings.to(anySink).map((r: Reading) => r);
  });

  test("named keeps the stream, with its late records", () => {
    expectTypeOf(readings.named("clean")).toEqualTypeOf<Stream<Reading>>();
    expectTypeOf(perMinute.aggregate(count()).named("n").late()).toEqualTypeOf<Stream<Reading>>();
    // @ts-expect-error a name is a text
    readings.named(1);
  });

  test("encodedWith takes a codec of its values", () => {
    expectTypeOf(readings.encodedWith(readingCodec)).toEqualTypeOf<Stream<Reading>>();
    // @ts-expect-error the codec is for readings
    alarms.encodedWith(readingCodec);
  });

  test("windows, reduce and process are behind keyBy, late behind windows", () => {
    expectTypeOf(readings).not.toExtend<KeyedStream<string, Reading>>();
    // @ts-expect-error a window needs a keyed stream
    readings.window(tumbling("1m"));
    // @ts-expect-error reduce needs a keyed stream
    readings.reduce((a: Reading) => a);
    // @ts-expect-error process needs a keyed stream
    readings.process({ process: () => undefined });
    // @ts-expect-error only windows have late records
    readings.late();
  });
});

describe("KeyedStream", () => {
  test("window answers a windowed stream", () => {
    expectTypeOf(perMinute).toEqualTypeOf<WindowedStream<string, Reading>>();
    expectTypeOf(byDevice.window(sliding("60m", "1m", { offset: "5m" }))).toEqualTypeOf<
      WindowedStream<string, Reading>
    >();
    // @ts-expect-error a duration is no window
    byDevice.window("1m");
  });

  test("reduce answers values of the same type", () => {
    expectTypeOf(byDevice.reduce((a, b) => (a.celsius > b.celsius ? a : b))).toEqualTypeOf<Stream<Reading>>();
    // @ts-expect-error the result is one of the values
    byDevice.reduce((a, b) => a.celsius + b.celsius);
  });

  test("process answers what its callbacks give", () => {
    const silent = byDevice.process({
      state: { last: value<Reading>(), seen: map<string, number>() },
      process(reading, { state, key }) {
        expectTypeOf(reading).toEqualTypeOf<Reading>();
        expectTypeOf(key).toEqualTypeOf<string>();
        expectTypeOf(state.last.get()).toEqualTypeOf<Reading | undefined>();
        expectTypeOf(state.seen.get("a")).toEqualTypeOf<number | undefined>();
        state.last.set(reading);
        return [{ n: 1 }];
      },
      onTimer: (time, { key, state, domain }) => {
        expectTypeOf(time).toEqualTypeOf<number>();
        expectTypeOf(domain).toEqualTypeOf<"event" | "processing">();
        return [{ device: key, since: state.last.get()?.at }];
      },
    });
    expectTypeOf(silent).toEqualTypeOf<Stream<{ n: number } | { device: string; since: number | undefined }>>();
    // @ts-expect-error a string is iterable but no list of outputs
    byDevice.process({ process: (r) => r.device });
    byDevice.process({
      state: { last: value<Reading>() },
      process(reading, { state }) {
        // @ts-expect-error the state holds readings
        state.last.set(reading.celsius);
      },
    });
  });

  test("process has handles of the kinds of state that it declares", () => {
    const kept = byDevice.process({
      state: {
        recent: list<Reading>({ ttl: "10m" }),
        total: reducing((a: number, b: number) => a + b, { ttl: { after: "1d", time: "processing" } }),
        mean: aggregating(average((r: Reading) => r.celsius)),
        devices: aggregating({
          create: () => [""],
          add: (all, r: Reading) => [...all, r.device],
          result: (all) => all,
        }),
      },
      process(reading, { state }) {
        state.recent.append(reading);
        state.total.add(reading.celsius);
        state.mean.add(reading);
        expectTypeOf([...state.recent.values()]).toEqualTypeOf<Reading[]>();
        expectTypeOf(state.total.get()).toEqualTypeOf<number | undefined>();
        expectTypeOf(state.mean.get()).toEqualTypeOf<number | undefined>();
        expectTypeOf(state.devices.get()).toEqualTypeOf<string[] | undefined>();
        // @ts-expect-error the list is one of readings
        state.recent.append(1);
        // @ts-expect-error what is combined are numbers
        state.total.add(reading);
        // @ts-expect-error the mean is one of readings
        state.mean.add(1);
      },
    });
    expectTypeOf(kept).toEqualTypeOf<Stream<never>>();
    // @ts-expect-error a ttl is a duration
    value<number>({ ttl: "soon" });
    // @ts-expect-error there is no such option
    map<string, number>({ ttl: { after: "1d", when: "event" } });
    // @ts-expect-error what the function answers is held on
    reducing((a: number, b: string) => b + String(a));
  });

  test("process without outputs answers a stream of nothing", () => {
    expectTypeOf(byDevice.process({ process: () => undefined })).toEqualTypeOf<Stream<never>>();
  });
});

describe("the programs that the builders were made for", () => {
  interface Metrics {
    readonly at: number;
    readonly host: string;
    readonly cpu: number;
    readonly memory: number;
  }
  const hostMetrics = (_options: { every: string }): SourceSpec<Metrics> => readingSource as never;

  test("average CPU over 5 minutes, maximum memory over the last hour every minute", () => {
    const monitor = job("host-monitor");
    const metrics = monitor.source("metrics", hostMetrics({ every: "200ms" }));
    const cpu = metrics
      .keyBy((m) => m.host)
      .window(tumbling("5m"))
      .aggregate(average((m) => m.cpu));
    const memory = metrics
      .keyBy((m) => m.host)
      .window(sliding("60m", "1m"))
      .aggregate(max((m) => m.memory));
    expectTypeOf(cpu.to(anySink)).toEqualTypeOf<Sink>();
    expectTypeOf(memory).toEqualTypeOf<LateStream<Metrics, Windowed<string, number>>>();
  });

  test("event time, disorder, lateness, side outputs", () => {
    const minutes = readings
      .timestamps((r) => r.at, { outOfOrderness: "5s" })
      .filter((r) => r.ok)
      .keyBy((r) => r.device)
      .window(tumbling("1m"))
      .allowedLateness("30s")
      .aggregate((of) => ({
        mean: of.average((r) => r.celsius),
        peak: of.max((r) => r.celsius),
        n: of.count(),
      }));
    minutes.to(anySink);
    expectTypeOf(minutes.late().to(readingSink)).toEqualTypeOf<Sink>();
  });

  test("keyed state and timers", () => {
    const silent = readings
      .keyBy((r) => r.device)
      .process({
        state: { last: value<Reading>(), alarm: value<number>() },
        process(reading, { state, timers, timestamp }) {
          timers.cancelEventTime(state.alarm.get());
          state.last.set(reading);
          state.alarm.set(timers.onEventTime(timestamp + 60_000));
        },
        onTimer(_time, { key, state }) {
          return [{ device: key, silentSince: state.last.get()?.at }];
        },
      });
    expectTypeOf(silent).toEqualTypeOf<Stream<{ device: string; silentSince: number | undefined }>>();
  });
});

describe("schemas", () => {
  const celsius = schema<number>().migrate((old) => ({ celsius: old }));

  test("the newest version is what the state holds, and each migration gets the version before", () => {
    expectTypeOf(value({ schema: celsius })).toEqualTypeOf<ValueDescriptor<{ celsius: number }>>();
    expectTypeOf(celsius.migrate((old) => [old.celsius])).toMatchTypeOf(schema<number[]>());
  });

  test("a schema of something else is no schema of the state", () => {
    // @ts-expect-error the newest version is an object
    value<string>({ schema: celsius });
    // @ts-expect-error the elements are objects
    list<number>({ schema: celsius });
    // @ts-expect-error so is what is held
    reducing((a: number, b: number) => a + b, { schema: celsius });
    expectTypeOf(list({ schema: celsius })).not.toEqualTypeOf<ValueDescriptor<number>>();
  });
});

describe("feedback", () => {
  const again = plant.feedback<Reading>("again");

  test("is a stream of what is sent back to it", () => {
    expectTypeOf(again.map((r) => r.celsius)).toEqualTypeOf<Stream<number>>();
    expectTypeOf(readings.union(again)).toEqualTypeOf<Stream<Reading>>();
    expectTypeOf(readings.to(again)).toEqualTypeOf<void>();
  });

  test("takes its own records alone, and no stream is one", () => {
    // @ts-expect-error -- alarms are no readings
    alarms.to(again);
    // @ts-expect-error -- a stream that no feedback has made
    readings.to(readings);
    // @ts-expect-error -- no such option
    const other = plant.feedback<Reading>("other", { size: 1 });
    expectTypeOf(other).toExtend<Stream<Reading>>();
  });
});
