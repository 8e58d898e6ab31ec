/**
 * `aggregating(…)`: keyed state that is computed with an aggregate, as windows are.
 *
 * Owns the built-in aggregates as folds over plain accumulators; the handle lies in `state/folded-state.ts`.
 */
import { StreamError } from "../errors.ts";
import type { AggregatingDescriptor, FoldFunctions, StateOptions } from "../state/descriptors.ts";
import type { Aggregate, NumericAggregate, NumericKind } from "./aggregates.ts";

/**
 * Declares state that takes values one by one and answers what they come to.
 *
 * @example
 * state: { mean: aggregating(average((r: Reading) => r.celsius)) }
 * state: { seen: aggregating({ create: () => [], add: (all, r: Reading) => [...all, r.device], result: (all) => all.length }) }
 */
export function aggregating<T>(
  aggregate: NumericAggregate<T>,
  options?: StateOptions<number[]>,
): AggregatingDescriptor<T, number[], number>;
export function aggregating<T, A, R>(
  aggregate: Aggregate<T, A, R>,
  options?: StateOptions<A>,
): AggregatingDescriptor<T, A, R>;
export function aggregating(
  aggregate: NumericAggregate<unknown> | FoldFunctions<unknown, unknown, unknown>,
  // oxlint-disable-next-line typescript/no-explicit-any -- what it takes and answers is said by the overloads
  options: StateOptions<any> = {},
  // oxlint-disable-next-line typescript/no-explicit-any -- the same
): AggregatingDescriptor<any, any, any> {
  return { ...options, kind: "aggregating", fold: "kind" in aggregate ? numericFold(aggregate) : aggregate };
}

/** Accumulators are [what is computed, how many]. */
type Numbers = readonly [value: number, count: number];

const folds: Readonly<Record<NumericKind, FoldFunctions<number, Numbers, number>>> = {
  count: foldOf(0, (held) => held + 1),
  sum: foldOf(0, (held, value) => held + value),
  average: { ...foldOf(0, (held, value) => held + value), result: ([sum, count]) => sum / count },
  min: foldOf(Infinity, Math.min),
  max: foldOf(-Infinity, Math.max),
};

function foldOf(initial: number, add: (held: number, value: number) => number): FoldFunctions<number, Numbers, number> {
  return {
    create: () => [initial, 0],
    add: ([held, count], value) => [add(held, value), count + 1],
    result: ([held]) => held,
  };
}

function numericFold(aggregate: NumericAggregate<unknown>): FoldFunctions<unknown, Numbers, number> {
  const { kind } = aggregate;
  const fold = folds[kind];
  return {
    ...fold,
    add(held, value) {
      const number: unknown = aggregate.of(value);
      if (typeof number === "number" && !Number.isNaN(number)) return fold.add(held, number);
      const what = typeof number === "number" ? "NaN" : `a value of type ${typeof number}`;
      throw new StreamError("USER_FUNCTION", `${kind} takes numbers, and got ${what}`);
    },
  };
}
