/**
 * More aggregates that are there: records with the least or most of something, the first and last, lists, distinct values, the top ones, the variance.
 *
 * Owns the public descriptions, and how each is computed. All of them can be merged, so that sliding windows share panes.
 *
 * L1. Where several are equal, the earlier counts. Earlier is what came earlier; where windows share panes, or sessions have become one, what is in the
 *     earlier pane or session.
 * L2. Accumulators are replaced, never changed: copies are the thing itself. Records in them are copies of their own, and so are those in results.
 * L3. Numbers are as those of the other aggregates: NaN, and what is no number, is refused with its record.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { KeyPart } from "../record/key.ts";
import { needsCopy } from "../state/value-state.ts";
import { average, count, max, min, sum, type Aggregate, type AggregatesOf, type ReadyAggregate } from "./aggregates.ts";
import { DistinctFold, ListFold } from "./list-folds.ts";
import { CustomFold, type WindowFold } from "./window-fold.ts";

/** An aggregate that brings what computes it. */
export interface FoldingAggregate<T, R> extends ReadyAggregate<T, R> {
  /** Makes the fold, for an instance. */
  makeFold(): WindowFold;
}

/** Computed by functions, like one of the user's own. `check` throws when an option makes no sense: where the plan is made, with the place. */
function computed<T, A, R>(
  kind: string,
  aggregate: Aggregate<T, A, R>,
  check: () => void = () => undefined,
): FoldingAggregate<T, R> {
  return {
    kind,
    makeFold() {
      check();
      return new CustomFold(kind, aggregate);
    },
  };
}

/** A record and its number. */
type Scored<T> = readonly [score: number, value: T];

function own<T>(value: T): T {
  return needsCopy(value) ? cloneValue(value) : value;
}

function numberOf<T>(of: (value: T) => number, value: T, what: string): number {
  const number: unknown = of(value);
  if (typeof number === "number" && !Number.isNaN(number)) return number;
  throw new TypeError(`${what} was given ${String(number)}, which is no number`);
}

/** The better of two; the older where they are equal (L1). */
function bestBy<T>(
  kind: string,
  of: (value: T) => number,
  isBetter: (a: number, b: number) => boolean,
): ReadyAggregate<T, T> {
  return computed<T, Scored<T> | undefined, T>(kind, {
    create: () => undefined,
    add(held, value) {
      const score = numberOf(of, value, kind);
      return held === undefined || isBetter(score, held[0]) ? [score, own(value)] : held;
    },
    merge(older, newer) {
      if (older === undefined || newer === undefined) return older ?? newer;
      return isBetter(newer[0], older[0]) ? newer : older;
    },
    copy: (held) => held,
    result: (held) => own(held?.[1]) as T,
  });
}

/**
 * The record of which `of` is the smallest; the earliest of equal ones.
 *
 * @example
 * windows.aggregate(minBy((r) => r.celsius));
 */
export function minBy<T>(of: (value: T) => number): ReadyAggregate<T, T> {
  return bestBy("minBy", of, (a, b) => a < b);
}

/**
 * The record of which `of` is the largest; the earliest of equal ones.
 *
 * @example
 * windows.aggregate(maxBy((r) => r.celsius));
 */
export function maxBy<T>(of: (value: T) => number): ReadyAggregate<T, T> {
  return bestBy("maxBy", of, (a, b) => a > b);
}

/**
 * The first record (L1).
 *
 * @example
 * windows.aggregate(first());
 */
export function first<T>(): ReadyAggregate<T, T> {
  return computed<T, readonly [T] | undefined, T>("first", {
    ...oneOf<T>(),
    add: (held, value) => held ?? [own(value)],
    merge: (older, newer) => older ?? newer,
  });
}

/**
 * The last record (L1).
 *
 * @example
 * windows.aggregate(last());
 */
export function last<T>(): ReadyAggregate<T, T> {
  return computed<T, readonly [T] | undefined, T>("last", {
    ...oneOf<T>(),
    add: (_held, value) => [own(value)],
    merge: (older, newer) => newer ?? older,
  });
}

function oneOf<T>(): Pick<Aggregate<T, readonly [T] | undefined, T>, "create" | "copy" | "result"> {
  return { create: () => undefined, copy: (held) => held, result: (held) => own(held?.[0]) as T };
}

/** Options of {@link variance}. */
export interface VarianceOptions {
  /**
   * Whether the records are a sample of what is asked about: then the sum of squares is divided by one less. Of a single record that is NaN.
   * @default false
   */
  readonly sample?: boolean | undefined;
}

/** Count, mean, and sum of squared distances from it. */
type Moments = readonly [records: number, mean: number, squares: number];

/**
 * The variance of what `of` takes from the records; its square root is the standard deviation.
 *
 * @example
 * windows.aggregate(variance((r) => r.celsius));
 */
export function variance<T>(of: (value: T) => number, options: VarianceOptions = {}): ReadyAggregate<T, number> {
  return computed<T, Moments, number>(
    "variance",
    {
      create: () => [0, 0, 0],
      add([records, mean, squares], value) {
        const number = numberOf(of, value, "variance");
        const next = mean + (number - mean) / (records + 1);
        return [records + 1, next, squares + (number - mean) * (number - next)];
      },
      merge([records, mean, squares], [others, otherMean, otherSquares]) {
        const total = records + others;
        if (total === 0) return [0, 0, 0];
        const apart = otherMean - mean;
        return [
          total,
          mean + (apart * others) / total,
          squares + otherSquares + (apart * apart * records * others) / total,
        ];
      },
      copy: (moments) => moments,
      result: ([records, , squares]) => squares / (options.sample === true ? records - 1 : records),
    },
    () => checkKnownOptions(options, ["sample"], "variance"),
  );
}

/**
 * The `size` records of which `of` is the largest, the largest first; of equal ones the earlier.
 *
 * @example
 * windows.aggregate(topN(3, (r) => r.celsius));
 */
export function topN<T>(size: number, of: (value: T) => number): ReadyAggregate<T, T[]> {
  const put = (held: readonly Scored<T>[], [score, value]: Scored<T>, isOwn: boolean): readonly Scored<T>[] => {
    let at = held.length;
    while (at > 0 && (held[at - 1]?.[0] ?? Infinity) < score) at -= 1;
    return at >= size ? held : [...held.slice(0, at), [score, isOwn ? value : own(value)], ...held.slice(at, size - 1)];
  };
  return computed<T, readonly Scored<T>[], T[]>(
    "topN",
    {
      create: () => [],
      add: (held, value) => put(held, [numberOf(of, value, "topN"), value], false),
      merge: (older, newer) => newer.reduce((held, scored) => put(held, scored, true), older),
      copy: (held) => held,
      result: (held) => held.map(([, value]) => own(value)),
    },
    () => {
      if (Number.isSafeInteger(size) && size > 0) return;
      throw new StreamError("OPTION_INVALID", `the count of topN is ${String(size)}; it is a whole number above 0`);
    },
  );
}

/**
 * All records, or what `of` takes from them, in a list (L1 says in which order).
 *
 * @example
 * windows.aggregate(collect((r) => r.celsius));
 */
export function collect<T>(): ReadyAggregate<T, T[]>;
export function collect<T, V>(of: (value: T) => V): ReadyAggregate<T, V[]>;
export function collect(of: (value: unknown) => unknown = (value) => value): FoldingAggregate<unknown, unknown[]> {
  return { kind: "collect", makeFold: () => new ListFold(of) };
}

/**
 * The different values that `of` takes from the records: in the order in which each came first (L1).
 *
 * @example
 * windows.aggregate(distinct((r) => r.device));
 */
export function distinct<T, V extends KeyPart>(of: (value: T) => V): ReadyAggregate<T, V[]> {
  const distinctValues: FoldingAggregate<T, V[]> = {
    kind: "distinct",
    makeFold: () => new DistinctFold(of as (value: unknown) => KeyPart),
  };
  return distinctValues;
}

/** All of them, for `aggregate((of) => ({ … }))`. */
export const aggregatesOf: AggregatesOf<unknown> = {
  count,
  sum,
  average,
  min,
  max,
  minBy,
  maxBy,
  first,
  last,
  variance,
  topN,
  collect,
  distinct,
};
