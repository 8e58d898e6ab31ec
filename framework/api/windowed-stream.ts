/**
 * What a program is written with: keyed streams in windows.
 *
 * Owns the types and their documentation; `recorded.ts` implements them. A windowed stream becomes a stream again by an aggregate.
 */
import type {
  Aggregate,
  AggregateFields,
  AggregatesOf,
  FieldResults,
  NumericAggregate,
} from "../operator/aggregates.ts";
import type { Windowed } from "../operator/window.ts";
import type { Key } from "../record/key.ts";
import type { Duration } from "../time/duration.ts";
import type { LateStream } from "./stream.ts";

/** Records of `T` in windows, those of one key `K` and one window together. */
export interface WindowedStream<K extends Key, T> {
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

  /**
   * Folds the records of a window as an aggregate says: a ready one, several under names of their own, or one of your own.
   *
   * @example
   * windows.aggregate(average((r) => r.celsius));
   * windows.aggregate((of) => ({ mean: of.average((r) => r.celsius), n: of.count() }));
   * windows.aggregate({ create: () => 0, add: (sum, r) => sum + r.celsius, result: (sum) => sum });
   */
  aggregate(aggregate: NumericAggregate<T>): LateStream<T, Windowed<K, number>>;
  aggregate<F extends AggregateFields<T>>(
    several: (of: AggregatesOf<T>) => F,
  ): LateStream<T, Windowed<K, FieldResults<F>>>;
  aggregate<A, R>(aggregate: Aggregate<T, A, R>): LateStream<T, Windowed<K, R>>;
}
