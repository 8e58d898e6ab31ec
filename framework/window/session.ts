/**
 * Sessions: windows that last as long as records keep coming.
 *
 * Owns the description, its validation, and the arithmetic of merging; when sessions fire is the window operator's business.
 *
 * S1. A record alone is the session [timestamp, timestamp + gap).
 * S2. Sessions that overlap or touch are one, which covers both; so a record exactly one gap behind another joins it (FINDINGS 18).
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { formatDuration, parseDuration, type Duration } from "../time/duration.ts";
import { checkWindowTime, type TimeSpan, type WindowTime } from "./assigner.ts";

/** What can be said about sessions besides their gap. */
export interface SessionOptions {
  /** @default "event" */
  readonly time?: WindowTime | undefined;
}

/** Windows that end when no record has come for a gap. */
export interface SessionWindows<T> {
  readonly kind: "session";
  /** The gap behind a record, ms. @throws TypeError when it is no span of at least 1 ms: the record becomes a dead letter */
  gapOf(value: T): number;
  readonly time: WindowTime;
  /** What the plan prints: `session 10m`. */
  readonly description: string;
  /** Why it makes no sense: the plan refuses it with this. */
  readonly problem?: StreamError | undefined;
}

/**
 * A session per key: records that come within `gap` of each other. The gap is one for all, or a function of the record: then a record holds its session
 * open for its own gap. A record whose gap is no span of at least 1 ms becomes a dead letter.
 *
 * @example
 * clicks.keyBy((c) => c.user).window(session("30m"))
 * clicks.keyBy((c) => c.user).window(session((c) => (c.isMobile ? "10m" : "30m")))
 */
export function session<T>(gap: Duration | ((value: T) => Duration), options: SessionOptions = {}): SessionWindows<T> {
  const { time = "event" } = options;
  try {
    checkKnownOptions(options, ["time"], "a session window");
    checkWindowTime(time);
    const suffix = time === "processing" ? ", processing time" : "";
    if (typeof gap === "function")
      return { kind: "session", gapOf: (value) => recordGap(gap(value)), time, description: `session${suffix}` };
    const gapMs = parseDuration(gap, "the gap of a session", { minMs: 1 });
    return { kind: "session", gapOf: () => gapMs, time, description: `session ${formatDuration(gapMs)}${suffix}` };
  } catch (error) {
    const problem = StreamError.from(error, "OPTION_INVALID", "session window");
    return { kind: "session", gapOf: () => 1, time: "event", description: "session, refused", problem };
  }
}

function recordGap(gap: Duration): number {
  if (Number.isSafeInteger(gap) && (gap as number) > 0) return gap as number;
  try {
    return parseDuration(gap, "the gap of a session", { minMs: 1 });
  } catch (error) {
    throw new TypeError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Whether two sessions are one (S2). */
export function areOneSession(a: TimeSpan, b: TimeSpan): boolean {
  return a.start <= b.end && b.start <= a.end;
}
