/**
 * Evictors: which records of a window a firing looks at, or which it leaves there.
 *
 * Owns the public descriptions, their validation, and what they drop. When they are asked is the window operator's business.
 *
 * E1. A window with an evictor keeps its records, so nothing is aggregated before it fires.
 * E2. What is dropped before a firing is dropped for good, like what is dropped behind one.
 * E3. A firing whose records have all been dropped is one all the same (FINDINGS 24).
 */
import { StreamError } from "../errors.ts";
import { formatDuration, parseDuration, type Duration } from "../time/duration.ts";

/** A record in a window. */
export interface WindowElement {
  readonly value: unknown;
  /** Its event timestamp; processing time where it has none, and in windows that go by processing time. */
  readonly time: number;
  /** The input of the operator that it came over: 0 where there is one. */
  readonly port: number;
}

/** Drops records of windows over `T`. */
export interface Evictor<T> {
  /** The elements that stay, in their order; `elements` itself when all do. */
  keep(elements: readonly WindowElement[]): readonly WindowElement[];
  readonly description: string;
  /** Why it makes no sense: the plan refuses it with this. */
  readonly problem?: StreamError | undefined;
  /** Only types look at it. */
  readonly of?: ((value: T) => void) | undefined;
}

/**
 * Keeps the last `count` records.
 *
 * @example
 * windows.evict(keepLast(10));
 */
export function keepLast(count: number): Evictor<unknown> {
  const description = `keep last ${count}`;
  if (!Number.isSafeInteger(count) || count < 0)
    return refused(`the count of keepLast is ${String(count)}; it is a whole number of at least 0`);
  return {
    description,
    keep: (elements) => (elements.length <= count ? elements : elements.slice(elements.length - count)),
  };
}

/**
 * Keeps what is less than `span` older than the newest record.
 *
 * @example
 * windows.evict(keepWithin("1m"));
 */
export function keepWithin(span: Duration): Evictor<unknown> {
  try {
    const spanMs = parseDuration(span, "the span of keepWithin", { minMs: 1 });
    return { description: `keep within ${formatDuration(spanMs)}`, keep: (elements) => within(elements, spanMs) };
  } catch (error) {
    return { ...refused(""), problem: StreamError.from(error, "OPTION_INVALID", "keepWithin") };
  }
}

/**
 * Drops what is `threshold` or more away from the last record, by a measure of your own.
 *
 * @example
 * windows.evict(dropDelta(5, (r, last) => last.celsius - r.celsius));
 */
export function dropDelta<T>(threshold: number, of: (value: T, last: T) => number): Evictor<T> {
  if (typeof threshold !== "number" || Number.isNaN(threshold))
    return refused(`the threshold of dropDelta is ${String(threshold)}; it is a number`);
  return {
    description: `drop delta from ${threshold}`,
    keep(elements) {
      const last = elements[elements.length - 1];
      if (last === undefined) return elements;
      return elements.filter(({ value }) => !(of(value as T, last.value as T) >= threshold));
    },
  };
}

function within(elements: readonly WindowElement[], spanMs: number): readonly WindowElement[] {
  const newest = elements.reduce((max, { time }) => Math.max(max, time), -Infinity);
  return elements.filter(({ time }) => time > newest - spanMs);
}

function refused(reason: string): Evictor<unknown> {
  return { description: "refused", keep: (elements) => elements, problem: new StreamError("OPTION_INVALID", reason) };
}
