/**
 * `window(…).aggregate(…)` and `window(…).reduce(…)` as an operator of a plan.
 *
 * Owns what the plan says of it, and the choice of the accumulation; `window-aggregate.ts` does the work.
 */
import { StreamError } from "../errors.ts";
import type { Key } from "../record/key.ts";
import { formatDuration } from "../time/duration.ts";
import type { TimeSpan, WindowAssigner } from "../window/assigner.ts";
import type { Accumulation } from "./accumulation.ts";
import { aggregatesOf, type AggregateSpec } from "./aggregates.ts";
import type { OperatorFactory } from "./contract.ts";
import { CustomAccumulation, reducing } from "./custom-accumulation.ts";
import { NumericAccumulation } from "./numeric-accumulation.ts";
import { WindowAggregate } from "./window-aggregate.ts";

/** The result of a window. */
export interface Windowed<K extends Key, V> {
  readonly key: K;
  readonly window: TimeSpan;
  readonly value: V;
}

/** What is computed over which windows: one of `aggregate` and `reduce`. */
export interface WindowSpec {
  readonly assigner: WindowAssigner;
  /**
   * How long a window is kept after it has fired; records that come in that time make it fire again, with the whole new result.
   * @default 0
   */
  readonly allowedLatenessMs?: number | undefined;
  readonly aggregate?: AggregateSpec | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- records of any type: the operator never looks inside
  readonly reduce?: ((held: any, value: any) => unknown) | undefined;
}

/** Aggregates each key's records per window. @throws OPTION_INVALID when lateness or aggregate make no sense */
export function windowOperator({ assigner, allowedLatenessMs = 0, aggregate, reduce }: WindowSpec): OperatorFactory {
  if (!Number.isSafeInteger(allowedLatenessMs) || allowedLatenessMs < 0) {
    throw new StreamError(
      "OPTION_INVALID",
      `the allowed lateness is ${allowedLatenessMs}; it is a duration of at least 0`,
    );
  }
  const accumulate = accumulationOf(aggregate, reduce);
  const { kind } = accumulate();
  const lateness =
    allowedLatenessMs > 0 && assigner.time === "event" ? `, lateness ${formatDuration(allowedLatenessMs)}` : "";
  return {
    kind,
    description: `${assigner.description}${lateness}`,
    keyed: true,
    eventTime: assigner.time === "event",
    outputTimestamps: "always",
    create: (context) => new WindowAggregate(context, { assigner, allowedLatenessMs, accumulation: accumulate() }),
  };
}

/** Makes an accumulation per instance: one holds scratch space. */
function accumulationOf(aggregate: WindowSpec["aggregate"], reduce: WindowSpec["reduce"]): () => Accumulation {
  if (reduce !== undefined) return () => new CustomAccumulation("reduce", reducing(reduce));
  if (typeof aggregate === "function") {
    const fields = aggregate(aggregatesOf);
    return () => new NumericAccumulation({ fields });
  }
  if (aggregate === undefined)
    throw new StreamError("OPTION_INVALID", "a window needs an aggregate or a reduce function");
  if ("kind" in aggregate) return () => new NumericAccumulation(aggregate);
  return () => new CustomAccumulation("aggregate", aggregate);
}
