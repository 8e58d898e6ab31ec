/**
 * What a program is written with: streams in windows.
 *
 * Owns the types and their documentation; `recorded-windows.ts` implements them. A windowed stream becomes a stream again by a function over its windows.
 */
import type { Aggregate, AggregateFields, AggregatesOf, FieldResults, ReadyAggregate } from "../operator/aggregates.ts";
import type { FiredWindow, Windowed } from "../operator/window.ts";
import type { WindowFunctions } from "../operator/window-function.ts";
import type { Key } from "../record/key.ts";
import type { States } from "../state/descriptors.ts";
import type { Duration } from "../time/duration.ts";
import type { Evictor } from "../window/evictor.ts";
import type { Trigger } from "../window/trigger.ts";
import type { LateStream } from "./stream.ts";

/** Options of {@link WindowedStream.evict}. */
export interface EvictOptions {
  /**
   * Whether records are dropped behind a firing, for the next one, in place of before it.
   * @default false
   */
  readonly after?: boolean | undefined;
}

/** Asks for the cause and number of each result. */
export interface FireOption {
  /** Adds `fire: { cause, pane }` to the result. */
  readonly fire: true;
}

/** Windows that never end: a trigger says when they fire. */
export interface UntriggeredWindows<K extends Key, T> {
  /**
   * Says when the windows fire.
   *
   * @example
   * readings.keyBy((r) => r.device).window(globalWindow()).trigger(everyCount(100).purging());
   */
  trigger(trigger: Trigger<T>): WindowedStream<K, T>;
}

/** Records of `T` in windows, those of one key `K` and one window together. */
export interface WindowedStream<K extends Key, T> extends UntriggeredWindows<K, T> {
  /**
   * Says when the windows fire, in place of when they are over. A trigger that has no `onTime()` in it does not fire when they are.
   *
   * @default onTime()
   *
   * @example
   * windows.trigger(onTime().withEarly("10s"));
   */
  trigger(trigger: Trigger<T>): WindowedStream<K, T>;

  /**
   * Drops records of a window when it fires. Windows then keep all of their records, and aggregate them when they fire.
   *
   * @example
   * windows.evict(keepLast(10));
   */
  evict(evictor: Evictor<T>, options?: EvictOptions): WindowedStream<K, T>;

  /**
   * How long a window takes records after it has fired; each of them makes it fire again, with the whole result.
   *
   * @default 0
   *
   * @example
   * readings.keyBy((r) => r.device).window(tumbling("1m")).allowedLateness("30s");
   */
  allowedLateness(duration: Duration): WindowedStream<K, T>;

  /**
   * Folds the records of a window into one of their kind.
   *
   * @example
   * readings.keyBy((r) => r.device).window(tumbling("1m")).reduce((a, b) => (a.celsius > b.celsius ? a : b));
   */
  reduce(combine: (soFar: T, value: T) => T): LateStream<T, Windowed<K, T>>;
  reduce(combine: (soFar: T, value: T) => T, options: FireOption): LateStream<T, FiredWindow<K, T>>;
  reduce<O, W extends States = {}, S extends States = {}>(
    combine: (soFar: T, value: T) => T,
    functions: WindowFunctions<K, T, O, W, S>,
  ): LateStream<T, O>;

  /**
   * Folds the records of a window as an aggregate says: a ready one, several under names of their own, or one of your own. With `{ fire: true }` results say
   * why they came and which they are; functions take each result in place of its being emitted, and see window, state and cause.
   *
   * @example
   * windows.aggregate(average((r) => r.celsius));
   * windows.aggregate((of) => ({ mean: of.average((r) => r.celsius), n: of.count() }));
   * windows.aggregate({ create: () => 0, add: (sum, r) => sum + r.celsius, result: (sum) => sum });
   */
  aggregate<R>(aggregate: ReadyAggregate<T, R>): LateStream<T, Windowed<K, R>>;
  aggregate<R>(aggregate: ReadyAggregate<T, R>, options: FireOption): LateStream<T, FiredWindow<K, R>>;
  aggregate<R, O, W extends States = {}, S extends States = {}>(
    aggregate: ReadyAggregate<T, R>,
    functions: WindowFunctions<K, R, O, W, S>,
  ): LateStream<T, O>;
  aggregate<F extends AggregateFields<T>>(
    several: (of: AggregatesOf<T>) => F,
  ): LateStream<T, Windowed<K, FieldResults<F>>>;
  aggregate<F extends AggregateFields<T>>(
    several: (of: AggregatesOf<T>) => F,
    options: FireOption,
  ): LateStream<T, FiredWindow<K, FieldResults<F>>>;
  aggregate<F extends AggregateFields<T>, O, W extends States = {}, S extends States = {}>(
    several: (of: AggregatesOf<T>) => F,
    functions: WindowFunctions<K, FieldResults<F>, O, W, S>,
  ): LateStream<T, O>;
  aggregate<A, R>(aggregate: Aggregate<T, A, R>): LateStream<T, Windowed<K, R>>;
  aggregate<A, R>(aggregate: Aggregate<T, A, R>, options: FireOption): LateStream<T, FiredWindow<K, R>>;
  aggregate<A, R, O, W extends States = {}, S extends States = {}>(
    aggregate: Aggregate<T, A, R>,
    functions: WindowFunctions<K, R, O, W, S>,
  ): LateStream<T, O>;

  /**
   * Hands all records of a window to a function when it fires: in the order in which they came, of sessions that became one those of the earlier first.
   *
   * @example
   * windows.process({ process: (readings, { key, window }) => [{ device: key, until: window.end, n: readings.length }] });
   */
  process<O, W extends States = {}, S extends States = {}>(
    functions: WindowFunctions<K, readonly T[], O, W, S>,
  ): LateStream<T, O>;
}
