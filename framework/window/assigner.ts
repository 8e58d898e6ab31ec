/**
 * Windows as users describe them: tumbling and sliding, in event or processing time; and all kinds together.
 *
 * Owns the description and its validation; the arithmetic is in `grid.ts`, what happens with windows in the window operators. Sessions are described in
 * `session.ts`, windows without an end in `unbounded.ts`.
 *
 * A1. A window is [start, end); windows of one description all have the same size, and start on a grid of `slide` shifted by `offset`.
 * A2. A tumbling window is a sliding one whose slide is its size.
 * A3. Making one throws nothing: what makes no sense is carried to the plan, which refuses it with the place.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { formatDuration, parseDuration, type Duration } from "../time/duration.ts";
import type { SessionWindows } from "./session.ts";
import type { CountWindows, GlobalWindows } from "./unbounded.ts";

/** Which clock decides about a window: the timestamps of the records, or the time at which they are processed. */
export type WindowTime = "event" | "processing";

/** What can be said about a window besides its size. */
export interface WindowOptions {
  /**
   * Shifts all windows: `tumbling("1d", { offset: "-8h" })` are days in China. Smaller than the size (of a sliding window: than the slide).
   * @default 0
   */
  readonly offset?: Duration | undefined;
  /** @default "event" */
  readonly time?: WindowTime | undefined;
}

/** Windows of a fixed size on a grid. */
export interface GridWindows {
  readonly kind: "tumbling" | "sliding";
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
  readonly time: WindowTime;
  /** What the plan prints: `tumbling 5m`. */
  readonly description: string;
  /** Why it makes no sense: the plan refuses it with this, at the place where it is used. */
  readonly problem?: StreamError | undefined;
}

/** Windows that fire by themselves: those of time, and those of counts. Of records of `T`. */
export type FiringWindows<T> = GridWindows | SessionWindows<T> | CountWindows;

/** Every kind of window. */
export type WindowAssigner<T> = FiringWindows<T> | GlobalWindows;

/** The part of time that a window covers: from `start` up to, and without, `end`. Windows without an end go from -Infinity to Infinity. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Windows that follow each other without gap or overlap: each record is in exactly one. A size, offset or time that makes no sense is refused by the plan.
 *
 * @example
 * readings.keyBy((r) => r.device).window(tumbling("1m"))
 */
export function tumbling(size: Duration, options: WindowOptions = {}): GridWindows {
  return assignerOr("tumbling", () => {
    const sizeMs = parseDuration(size, "the size of a tumbling window", { minMs: 1 });
    return assigner("tumbling", sizeMs, sizeMs, options);
  });
}

/**
 * Windows of `size` that begin every `slide`: they overlap, and each record is in `size / slide` of them. A slide larger than the size leaves
 * holes; what falls into one is in no window. A size, slide, offset or time that makes no sense is refused by the plan.
 *
 * @example
 * readings.keyBy((r) => r.device).window(sliding("1h", "1m"))
 */
export function sliding(size: Duration, slide: Duration, options: WindowOptions = {}): GridWindows {
  return assignerOr("sliding", () => {
    const sizeMs = parseDuration(size, "the size of a sliding window", { minMs: 1 });
    const slideMs = parseDuration(slide, "the slide of a sliding window", { minMs: 1 });
    return assigner("sliding", sizeMs, slideMs, options);
  });
}

/** The assigner, or one that says why there is none. */
function assignerOr(kind: GridWindows["kind"], make: () => GridWindows): GridWindows {
  try {
    return make();
  } catch (error) {
    const problem = StreamError.from(error, "OPTION_INVALID", `${kind} window`);
    return { kind, sizeMs: 1, slideMs: 1, offsetMs: 0, time: "event", description: `${kind}, refused`, problem };
  }
}

function assigner(kind: GridWindows["kind"], sizeMs: number, slideMs: number, options: WindowOptions): GridWindows {
  checkKnownOptions(options, ["offset", "time"], `a ${kind} window`);
  const { offset = 0, time = "event" } = options;
  const offsetMs = parseDuration(offset, "the offset of a window", { minMs: -Infinity });
  if (Math.abs(offsetMs) >= slideMs) {
    const bound = kind === "tumbling" ? "size" : "slide";
    throw new StreamError(
      "OPTION_INVALID",
      `the offset ${formatDuration(offsetMs)} is not smaller than the ${bound} of the window, ${formatDuration(slideMs)}`,
    );
  }
  checkWindowTime(time);
  return { kind, sizeMs, slideMs, offsetMs, time, description: describe(kind, sizeMs, slideMs, offsetMs, time) };
}

/** @throws OPTION_INVALID unless `time` is a time of windows */
export function checkWindowTime(time: unknown): asserts time is WindowTime {
  if (time === "event" || time === "processing") return;
  throw new StreamError(
    "OPTION_INVALID",
    `the time of a window is ${JSON.stringify(time)}; it is "event" or "processing"`,
  );
}

function describe(
  kind: GridWindows["kind"],
  sizeMs: number,
  slideMs: number,
  offsetMs: number,
  time: WindowTime,
): string {
  const every = kind === "sliding" ? ` every ${formatDuration(slideMs)}` : "";
  const offset = offsetMs === 0 ? "" : `, offset ${formatDuration(offsetMs)}`;
  return `${kind} ${formatDuration(sizeMs)}${every}${offset}${time === "processing" ? ", processing time" : ""}`;
}
