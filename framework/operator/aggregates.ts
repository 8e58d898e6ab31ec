/**
 * What can be computed over a window: counts, sums, averages, extremes, several of them at once, or anything of one's own.
 *
 * Owns the public descriptions; `numeric-accumulation.ts` and `custom-accumulation.ts` do the work.
 *
 * A1. The built-in aggregates take numbers. NaN, and what is no number, is refused (the record becomes a dead letter): it would poison the window for
 *     good. Infinities are taken.
 * A2. Numbers are added in the order in which records come; where windows share panes, panes are added in order of time.
 */
import type { KeyPart } from "../record/key.ts";

/** An aggregate of one's own. Accumulators are anything the default codec takes; start with `create`, and see `copy` if they are large. */
export interface Aggregate<T, A, R> {
  /** A fresh accumulator, for a window's first record. */
  create(): A;
  /** The accumulator with one more record. May change `accumulator` and answer it: it is a copy. */
  add(accumulator: A, value: T): A;
  /** The window's result. */
  result(accumulator: A): R;
  /**
   * Both in one; `older` has the earlier records. May change `older` and answer it. With it, sliding windows share their panes, and a record costs
   * the same whatever size and slide are; without it, a record is added to each of its windows.
   */
  merge?(older: A, newer: A): A;
  /**
   * A copy that `add` and `merge` may change without changing the original.
   * @default a deep copy
   */
  copy?(accumulator: A): A;
}

/** An aggregate that is there, over records of `T`, whose results are `R`. */
export interface ReadyAggregate<T, R> {
  /** What it computes: the default name of its operator. */
  readonly kind: string;
  /** Only types look at it. */
  takes?(value: T): void;
  /** Only types look at it. */
  readonly gives?: R | undefined;
}

/** A built-in aggregate over the numbers that `of` takes from the records. */
export interface NumericAggregate<T> extends ReadyAggregate<T, number> {
  readonly kind: NumericKind;
  /** The number of a record; NaN and what is no number makes the record a dead letter (A1). */
  of(value: T): number;
}

/** The built-in aggregates. */
export type NumericKind = "count" | "sum" | "average" | "min" | "max";

// oxlint-disable-next-line typescript/no-explicit-any -- accumulators of any type: FieldResults reads the results back
type AnyAggregate<T> = ReadyAggregate<T, unknown> | Aggregate<T, any, any>;

/** Several aggregates at once, by the names of their results. */
export type AggregateFields<T> = Readonly<Record<string, AnyAggregate<T>>>;

/** What `aggregate((of) => ({ … }))` is handed: the aggregates that are there, knowing the record's type. */
export interface AggregatesOf<T> {
  /** See {@link count}. */
  count(): NumericAggregate<T>;
  /** See {@link sum}. */
  sum(of: (value: T) => number): NumericAggregate<T>;
  /** See {@link average}. */
  average(of: (value: T) => number): NumericAggregate<T>;
  /** See {@link min}. */
  min(of: (value: T) => number): NumericAggregate<T>;
  /** See {@link max}. */
  max(of: (value: T) => number): NumericAggregate<T>;
  /** See `minBy`. */
  minBy(of: (value: T) => number): ReadyAggregate<T, T>;
  /** See `maxBy`. */
  maxBy(of: (value: T) => number): ReadyAggregate<T, T>;
  /** See `first`. */
  first(): ReadyAggregate<T, T>;
  /** See `last`. */
  last(): ReadyAggregate<T, T>;
  /** See `variance`. */
  variance(of: (value: T) => number, options?: { readonly sample?: boolean | undefined }): ReadyAggregate<T, number>;
  /** See `topN`. */
  topN(count: number, of: (value: T) => number): ReadyAggregate<T, T[]>;
  /** See `collect`. */
  collect(): ReadyAggregate<T, T[]>;
  collect<V>(of: (value: T) => V): ReadyAggregate<T, V[]>;
  /** See `distinct`. */
  distinct<V extends KeyPart>(of: (value: T) => V): ReadyAggregate<T, V[]>;
}

/** The result of several aggregates at once. */
export type FieldResults<F> = {
  readonly [P in keyof F]: F[P] extends ReadyAggregate<never, infer R>
    ? R
    : F[P] extends { result(accumulator: never): infer R }
      ? R
      : never;
};

/** Anything that a window can be aggregated with. */
export type AggregateSpec =
  // oxlint-disable-next-line typescript/no-explicit-any -- accumulators of any type: the operator never looks inside
  ReadyAggregate<any, any> | Aggregate<any, any, any> | ((of: AggregatesOf<any>) => AggregateFields<any>);

/**
 * How many records.
 *
 * @example
 * windows.aggregate(count());
 */
export function count(): NumericAggregate<unknown> {
  return { kind: "count", of: () => 1 };
}

/**
 * The sum of what `of` takes from the records.
 *
 * @example
 * windows.aggregate(sum((r) => r.litres));
 */
export function sum<T>(of: (value: T) => number): NumericAggregate<T> {
  return { kind: "sum", of };
}

/**
 * The mean of what `of` takes from the records.
 *
 * @example
 * windows.aggregate(average((r) => r.celsius));
 */
export function average<T>(of: (value: T) => number): NumericAggregate<T> {
  return { kind: "average", of };
}

/**
 * The smallest of what `of` takes from the records.
 *
 * @example
 * windows.aggregate(min((r) => r.celsius));
 */
export function min<T>(of: (value: T) => number): NumericAggregate<T> {
  return { kind: "min", of };
}

/**
 * The largest of what `of` takes from the records.
 *
 * @example
 * windows.aggregate(max((r) => r.celsius));
 */
export function max<T>(of: (value: T) => number): NumericAggregate<T> {
  return { kind: "max", of };
}
