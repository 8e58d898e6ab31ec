/**
 * Windows without an end: one per key, fired by a trigger; or one per so many records.
 *
 * Owns the descriptions and their validation.
 *
 * U1. They go from -Infinity to Infinity, take records of any timestamp, and never call one late.
 * U2. A result has the largest timestamp that its window has seen; of a firing by an event-time timer the timer's time, if that is later. Where records
 *     have no timestamps, results have none.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { TimeSpan } from "./assigner.ts";

/** What windows without an end cover. */
export const allTime: TimeSpan = { start: -Infinity, end: Infinity };

/** One window per key that never ends: a trigger says when it fires. */
export interface GlobalWindows {
  readonly kind: "global";
  readonly description: string;
  readonly problem?: StreamError | undefined;
}

/** What can be said about count windows besides their size. */
export interface CountOptions {
  /**
   * Whether records that wait for more of them are a result when the input ends.
   * @default false
   */
  readonly partialAtEnd?: boolean | undefined;
}

/** Windows of so many records of a key. */
export interface CountWindows {
  readonly kind: "count";
  /** Records of a result, at most. */
  readonly size: number;
  /** Records from a result to the next. */
  readonly slide: number;
  readonly partialAtEnd: boolean;
  /** What the plan prints: `count 100 every 10`. */
  readonly description: string;
  readonly problem?: StreamError | undefined;
}

/**
 * One window per key that never ends. It needs a trigger.
 *
 * @example
 * trades.keyBy((t) => t.symbol).window(globalWindow()).trigger(everyCount(100).purging())
 */
export function globalWindow(): GlobalWindows {
  return { kind: "global", description: "global" };
}

/**
 * Windows of `size` records of a key; with `slide`, a result after every `slide` records, of the last `size`.
 *
 * @example
 * trades.keyBy((t) => t.symbol).window(countWindow(100))
 * trades.keyBy((t) => t.symbol).window(countWindow(100, 10, { partialAtEnd: true }))
 */
export function countWindow(size: number, slide?: number | CountOptions, options: CountOptions = {}): CountWindows {
  const said = typeof slide === "object" ? slide : options;
  const step = typeof slide === "number" ? slide : size;
  const { partialAtEnd = false } = said;
  const every = step === size ? "" : ` every ${step}`;
  const description = `count ${size}${every}${partialAtEnd ? ", partial at the end" : ""}`;
  const windows: CountWindows = { kind: "count", size, slide: step, partialAtEnd, description };
  try {
    checkKnownOptions(said, ["partialAtEnd"], "a count window");
    checkCount(size, "size");
    checkCount(step, "slide");
    return windows;
  } catch (error) {
    return { ...windows, problem: StreamError.from(error, "OPTION_INVALID", "count window") };
  }
}

function checkCount(count: unknown, what: string): void {
  if (Number.isSafeInteger(count) && (count as number) > 0) return;
  throw new StreamError(
    "OPTION_INVALID",
    `the ${what} of a count window is ${String(count)}; it is a whole number above 0`,
  );
}
