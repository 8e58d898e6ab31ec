/**
 * What a program is written with: streams, before `keyBy`.
 *
 * Owns the types and their documentation; `recorded.ts` implements them. A stream is a description: calling a method runs nothing, changes nothing,
 * throws nothing, and answers a new stream. What makes no sense (an option that does not exist, a size of nothing) is refused when the plan is made:
 * `plan`, `start` and `run` say PLAN_INVALID with the job, the place and the value.
 */
import type { SinkSpec } from "../log/sink.ts";
import type { CallContext } from "../operator/calls.ts";
import type { Outputs } from "../operator/emit-all.ts";
import type { IngestionTime, WatermarkStrategy } from "../operator/watermarks.ts";
import type { ValueCodec } from "../record/codec.ts";
import type { Key } from "../record/key.ts";
import type { Duration } from "../time/duration.ts";
import type { AsyncOptions, BatchFunction, BatchModel, BatchOptions } from "./async.ts";
import type { FiringWindows } from "../window/assigner.ts";
import type { GlobalWindows } from "../window/unbounded.ts";
import type { Sides, SideValue } from "../operator/sides.ts";
import type { BroadcastStream } from "./connected-streams.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { UntriggeredWindows, WindowedStream } from "./windowed-stream.ts";

/** Options of {@link Stream.timestamps}. */
export interface TimestampsOptions<T = never> {
  /**
   * How far behind the largest timestamp so far a record may come and still be in time.
   * @default 0: timestamps only grow; equal ones are in time
   */
  readonly outOfOrderness?: Duration | undefined;
  /**
   * How watermarks follow from records, in place of `outOfOrderness`: `monotonic()`, `punctuated(…)`, or `watermarks({ … })` of one's own. Each split by itself.
   * @default by `outOfOrderness`
   */
  readonly watermarks?: WatermarkStrategy<T> | undefined;
  /**
   * How long a split must be caught up and empty until event time goes on without it; `Infinity`: it always waits.
   * @default "30s"
   */
  readonly idleTimeout?: Duration | undefined;
  /**
   * How far a split may be ahead of the slowest other active one in event time: a faster one pauses until the others catch up, and that time does not make it
   * idle. More than 0. Keeps what a job has to hold small when it reads history of unequal splits.
   * @default as far as it likes
   */
  readonly maxDrift?: Duration | undefined;
  /**
   * Name of a group: the splits of all sources that say it wait for each other, as those of one source do. All of them say the same `maxDrift`.
   * @default the source is a group of its own
   */
  readonly driftGroup?: string | undefined;
}

/** Options of {@link Stream.keyBy}. */
export interface KeyByOptions {
  /**
   * Partitions of the stage behind the exchange, 1 to 32768.
   * @default as many as the job says
   */
  readonly partitions?: number | undefined;
  /**
   * Worker threads that the instances of that stage share in each worker process, 1 to 64: for functions that keep a core busy, so that everything else of the
   * process goes on meanwhile. The same instances, the same results; a thread that ends takes its own instances with it and nothing else. The program's file is
   * loaded once more in each thread. Embedded, in tests, and where the file is not known, the instances live with all others.
   * @default none
   */
  readonly threads?: number | undefined;
}

/** A sink that a stream has been given to. */
export interface Sink {
  /**
   * Names the sink in plan, logs and tests, in place of the label it was made with.
   *
   * @example
   * averages.to(file("averages.jsonl")).named("averages");
   */
  named(name: string): Sink;
}

/** The values of a stream. */
export type ValueOf<S> = S extends Stream<infer T> ? T : never;

/** Records of `T` on their way: from a source, or out of an operator. */
export interface Stream<T> {
  /**
   * Says where the event time of a record stands, and how far out of order records are. Belongs directly behind the source: once per source, and
   * in place of the timestamps that the source itself may bring.
   *
   * @example
   * plant.source("readings", readings).timestamps((r) => r.at, { outOfOrderness: "5s" });
   * plant.source("orders", orders).timestamps((o) => o.at, { watermarks: punctuated((o) => (o.isLastOfDay ? o.at : undefined)) });
   * plant.source("clicks", clicks).timestamps(ingestionTime());
   */
  timestamps(of: ((value: T) => number) | IngestionTime, options?: TimestampsOptions<T>): Stream<T>;

  /**
   * One output per record. The timestamp stays.
   *
   * @example
   * readings.map((r) => ({ ...r, fahrenheit: r.celsius * 1.8 + 32 }));
   */
  map<U>(change: (value: T) => U): Stream<U>;

  /**
   * Only the records for which `keep` answers true; a type guard narrows the stream.
   *
   * @example
   * readings.filter((r) => r.ok);
   */
  filter<U extends T>(keep: (value: T) => value is U): Stream<U>;
  filter(keep: (value: T) => boolean): Stream<T>;

  /**
   * Any number of outputs per record, each with the record's timestamp. Answer an array or another iterable, or nothing.
   *
   * @example
   * lines.flatMap((line) => line.split(" "));
   */
  flatMap<U>(change: (value: T) => Outputs<U>): Stream<U>;

  /**
   * One output per record: what a call to the outside answers. The call leaves the turn and its answer comes back through the instance's log, so that a
   * replay reads it instead of asking again. The timestamp stays, and no watermark overtakes a record that waits. A call that fails for good makes its
   * record a dead letter.
   *
   * Calls are made at least once: a crash between a call and its answer makes it again, with the same `idempotencyKey`.
   *
   * @example
   * readings.mapAsync((r, { signal }) => lookup(r.device, { signal }), { order: "ordered", capacity: 100, timeout: "2s", retry: { attempts: 3 } });
   */
  mapAsync<U>(call: (value: T, context: CallContext) => U | PromiseLike<U>, options?: AsyncOptions): Stream<U>;

  /**
   * One output per record, by a function that takes many values at once and answers as many, in their order: inference with a model.
   *
   * A {@link BatchModel} runs inside the turn: it must be a function of its values and of its `version`, which it states. Any other function is
   * called as {@link Stream.mapAsync} does: its answers are logged before anything depends on them.
   *
   * @example
   * features.mapBatch({ deterministic: true, version: "autoencoder-3", run: (batch) => session.run(batch) });
   */
  mapBatch<U>(model: BatchModel<T, U>, options?: Pick<BatchOptions, "size" | "timeout">): Stream<U>;
  mapBatch<U>(call: BatchFunction<T, U>, options?: BatchOptions): Stream<U>;

  /**
   * Brings records of one key together, in one partition. Keys are strings, numbers, booleans, bigints or flat tuples of them. The key is a function
   * of the value alone: it is asked on both sides of the exchange.
   *
   * @example
   * readings.keyBy((r) => [r.plant, r.device], { partitions: 32 });
   */
  keyBy<const K extends Key>(key: (value: T) => K, options?: KeyByOptions): KeyedStream<K, T>;

  /**
   * Puts all records into windows, whatever their key: one partition does all the work. Results have the key "all".
   *
   * @example
   * readings.windowAll(tumbling("1m")).aggregate(count());
   */
  windowAll(windows: FiringWindows<T>): WindowedStream<"all", T>;
  windowAll(windows: GlobalWindows): UntriggeredWindows<"all", T>;

  /**
   * The records of this stream and of all `others`, in no particular order between them. What follows stands once in every branch, up to the next
   * exchange.
   *
   * @example
   * indoor.union(outdoor, roof).keyBy((r) => r.device);
   */
  union<S extends readonly Stream<unknown>[]>(...others: S): Stream<T | ValueOf<S[number]>>;

  /**
   * Gives every record of this stream to every partition of what it is connected with: rules for all keys.
   *
   * @example
   * readings.keyBy((r) => r.device).connect(rules.broadcast());
   */
  broadcast(): BroadcastStream<T>;

  /**
   * Several streams out of one: a record is in every branch whose function answers true, so in none, one or several of them. A type guard narrows its
   * branch. A branch that nobody reads is no mistake.
   *
   * @example
   * const { fast, slow } = trips.split({ fast: (t) => t.kmh > 90, slow: (t) => t.kmh <= 90 });
   */
  split<P extends Branches<T>>(branches: P): { readonly [N in keyof P]: Stream<BranchOf<T, P[N]>> };

  /**
   * Gives every record to a sink, or sends it back to where a loop begins (`job.feedback`).
   *
   * @example
   * averages.to(print("average CPU"));
   * again.to(retries);
   */
  to(sink: SinkSpec<T>): Sink;
  to(feedback: Intake<T>): void;

  /**
   * Names the operator before it: in plan, logs and tests. The name of a keyed operator is the name of its stage, and with it the identity of its state
   * across versions of the program.
   *
   * @example
   * perMinute.named("averages");
   */
  named(name: string): this;

  /**
   * How the values of this stream travel between stages, in place of the default codec. Holds for the next exchange; `filter`, `timestamps` and
   * `union` keep it, a stream of other values needs its own.
   *
   * @example
   * readings.encodedWith(json<Reading>()).keyBy((r) => r.device);
   */
  encodedWith(codec: ValueCodec<T>): this;
}

declare const sentBack: unique symbol;

/** A place that records of `T` can be sent back to. */
export interface Intake<in T> {
  /** For the types alone: nothing is there. */
  readonly [sentBack]: (value: T) => void;
}

/** What was sent back: a stream like any other, and the place to send to. Made by `job.feedback`. */
export interface Feedback<T> extends Stream<T>, Intake<T> {}

/** The functions that say which records of `T` belong to which branch, by its name. */
export type Branches<T> = Readonly<Record<string, (value: T) => boolean>>;

// oxlint-disable typescript/no-explicit-any -- a guard of any parameter: what it is called with is T
/** What is in a branch: what its type guard leaves of `T`. */
export type BranchOf<T, F> = F extends ((value: any) => value is infer U) ? U : T;
// oxlint-enable typescript/no-explicit-any

/** A stream of `O` whose operator has side outputs. */
export interface SidedStream<O, D extends Sides> extends Stream<O> {
  /**
   * What the operator has said to one of its side outputs, as a stream like any other. What nobody reads goes nowhere.
   *
   * @example
   * trips.side("speeding").to(print("speeding"));
   */
  side<N extends keyof D & string>(name: N): Stream<SideValue<D[N]>>;
}

/** The outputs of a process function; with its side outputs where it declares any. */
export type ProcessedStream<O, D extends Sides> = [keyof D] extends [never] ? Stream<O> : SidedStream<O, D>;

/** A stream of results `R` whose operator sets late records of `T` apart. */
export interface LateStream<T, R> extends Stream<R> {
  /**
   * The records that came after their time was over, as a stream like any other. Where nobody reads them they go to the job's late records.
   *
   * @example
   * perMinute.late().to(file("late.jsonl"));
   */
  late(): Stream<T>;
}
