/**
 * What can be computed over a window: counts, sums, averages, extremes, several of them at once, or anything of one's own.
 *
 * Owns the public descriptions; `numeric-accumulation.ts` and `custom-accumulation.ts` do the work.
 *
 * A1. The built-in aggregates take numbers. NaN, and what is no number, is refused (the record becomes a dead letter): it would poison the window for
 *     good. Infinities are taken.
 * A2. Numbers are added in the order in which records come; where windows share panes, panes are added in order of time.
 */

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

/** A built-in aggregate over the numbers that `of` takes from the records. */
export interface NumericAggregate<T> {
  readonly kind: NumericKind;
  /** The number of a record; NaN and what is no number makes the record a dead letter (A1). */
  of(value: T): number;
}

/** The built-in aggregates. */
export type NumericKind = "count" | "sum" | "average" | "min" | "max";

/** Several built-in aggregates at once, by the names of their results. */
export type AggregateFields<T> = Readonly<Record<string, NumericAggregate<T>>>;

/** What `aggregate((of) => ({ … }))` is handed: the built-in aggregates, knowing the record's type. */
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
}

/** The result of several aggregates at once. */
export type FieldResults<F> = { readonly [P in keyof F]: number };

/** Anything that a window can be aggregated with. */
export type AggregateSpec =
  // oxlint-disable-next-line typescript/no-explicit-any -- accumulators of any type: the operator never looks inside
  NumericAggregate<any> | Aggregate<any, any, any> | ((of: AggregatesOf<any>) => AggregateFields<any>);

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

/** The built-in aggregates, for `aggregate((of) => ({ … }))`. */
export const aggregatesOf: AggregatesOf<unknown> = { count, sum, average, min, max };
