/**
 * Triggers as users describe them: when a window fires, and what becomes of its contents then.
 *
 * Owns the public descriptions and their validation. What they do is in `trigger-nodes.ts` and `trigger-trees.ts`, one of the user's own in `own-trigger.ts`.
 *
 * T1. Without a trigger windows fire on time (count windows: by their count); a trigger takes the place of that.
 * T2. A firing keeps the contents, so that the next one has them too, unless the trigger is `purging`.
 * T3. Making one throws nothing: what makes no sense is carried to the plan, which refuses it with the place.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { formatDuration, parseDuration, type Duration } from "../time/duration.ts";
import { checkWindowTime, type WindowTime } from "./assigner.ts";
import { OwnTrigger, type TriggerFunctions } from "./own-trigger.ts";
import type { TriggerNode } from "./trigger-node.ts";
import { AtEnd, EveryCount, EveryInterval, Never, OnDelta, OnTime, Paced } from "./trigger-nodes.ts";
import { AllOf, AnyOf, Phased, Purging } from "./trigger-trees.ts";

/** Options of triggers that go by a clock. */
export interface TriggerTimeOptions {
  /**
   * Which clock.
   * @default that of the windows; of `withEarly` and `withLate` "processing"
   */
  readonly time?: WindowTime | undefined;
}

/** Every so many records, or every so often: one or both. */
export interface Every extends TriggerTimeOptions {
  readonly count?: number | undefined;
  readonly interval?: Duration | undefined;
}

/** When windows over records of `T` fire. Immutable: each method answers another one. */
export class Trigger<T> {
  readonly node: TriggerNode<T>;
  /** What the plan prints: `on time, early every 10s`. */
  readonly description: string;
  /** Why it makes no sense: the plan refuses it with this. */
  readonly problem: StreamError | undefined;

  constructor(node: TriggerNode<T>, description: string, problem?: StreamError) {
    this.node = node;
    this.description = description;
    this.problem = problem;
  }

  /**
   * Drops what the window holds with every firing: each result has only what has come since the last one.
   *
   * @example
   * windows.trigger(everyCount(100).purging());
   */
  purging(): Trigger<T> {
    return new Trigger(new Purging(this.node), `${this.description}, purging`, this.problem);
  }

  /**
   * Fires when this trigger does, and every so many records or every so often besides.
   *
   * @example
   * windows.trigger(onTime().orEvery({ count: 100 }));
   */
  orEvery(every: Every): Trigger<T> {
    return this.#with(
      () => everyPart(every, undefined, "orEvery"),
      ({ node, text }) => [new AnyOf(this.node, node), `${this.description} or every ${text}`],
    );
  }

  /** Fires when one of the two does. */
  or<U>(other: Trigger<U>): Trigger<T & U> {
    const problem = this.problem ?? other.problem;
    return new Trigger<T & U>(
      new AnyOf<T & U>(this.node, other.node),
      `${this.description} or ${other.description}`,
      problem,
    );
  }

  /** Fires when both have since the last time that it did. */
  and<U>(other: Trigger<U>): Trigger<T & U> {
    const problem = this.problem ?? other.problem;
    return new Trigger<T & U>(
      new AllOf<T & U>(this.node, other.node),
      `${this.description} and ${other.description}`,
      problem,
    );
  }

  /**
   * Fires before the window is over, too: every so many records, or every so often while records come.
   *
   * @example
   * windows.trigger(onTime().withEarly("10s"));
   */
  withEarly(every: Duration | Every, options: TriggerTimeOptions = {}): Trigger<T> {
    return this.#with(
      () => paced(every, options, "withEarly"),
      ({ node, text }) => [new Phased(this.node, { early: node }), `${this.description}, early every ${text}`],
    );
  }

  /**
   * How records that come after the window is over, within its allowed lateness, fire it again: every so many of them, or so long behind one, in
   * place of at once.
   *
   * @example
   * windows.allowedLateness("1h").trigger(onTime().withLate("1m"));
   */
  withLate(every: Duration | Every, options: TriggerTimeOptions = {}): Trigger<T> {
    return this.#with(
      () => paced(every, options, "withLate"),
      ({ node, text }) => [new Phased(this.node, { late: node }), `${this.description}, late every ${text}`],
    );
  }

  #with(say: () => Part, make: (part: Part) => readonly [TriggerNode<T>, string]): Trigger<T> {
    try {
      return new Trigger(...make(say()), this.problem);
    } catch (error) {
      return refused(this.problem ?? error);
    }
  }
}

/** Fires when the window is over, and again with each record that comes within its allowed lateness. */
export function onTime(): Trigger<unknown> {
  return new Trigger(new OnTime(), "on time");
}

/**
 * Fires with every `count`th record of a window, and at no other time: what is left over when the window is gone is in no result.
 *
 * @example
 * windows.trigger(everyCount(100).purging());
 */
export function everyCount(count: number): Trigger<unknown> {
  return checked(() => everyPart({ count }, undefined, "everyCount"));
}

/**
 * Fires at every multiple of an interval, and when the window is over: once for each that time passes, also when nothing has come in between.
 *
 * @example
 * windows.trigger(everyInterval("10s"));
 */
export function everyInterval(interval: Duration, options: TriggerTimeOptions = {}): Trigger<unknown> {
  return checked(() => {
    checkKnownOptions(options, ["time"], "everyInterval");
    return everyPart({ interval, ...options }, undefined, "everyInterval");
  });
}

/**
 * Fires when a record is further than `threshold` from that of the last firing; the first record only begins.
 *
 * @example
 * cars.keyBy((c) => c.id).window(globalWindow()).trigger(onDelta(100, (last, now) => now.metres - last.metres));
 */
export function onDelta<T>(threshold: number, of: (last: T, now: T) => number): Trigger<T> {
  if (typeof threshold !== "number" || Number.isNaN(threshold))
    return refused(
      new StreamError("OPTION_INVALID", `the threshold of onDelta is ${String(threshold)}; it is a number`),
    );
  return new Trigger(new OnDelta(threshold, of as never), `delta above ${threshold}`);
}

/**
 * Fires when the input ends, with everything. Windows in event time are over before.
 *
 * @example
 * windows.window(tumbling("1m", { time: "processing" })).trigger(onTime().or(atEnd()));
 */
export function atEnd(): Trigger<unknown> {
  return new Trigger(new AtEnd(), "at the end");
}

/** Never fires. */
export function never(): Trigger<unknown> {
  return new Trigger(new Never(), "never");
}

/**
 * A trigger of one's own.
 *
 * @example
 * trigger<Reading, { n: number }>({
 *   create: () => ({ n: 0 }),
 *   onRecord(reading, { state }) {
 *     state.n += 1;
 *     return reading.isLast || state.n === 100 ? "fireAndPurge" : "continue";
 *   },
 * });
 */
export function trigger<T, S = undefined>(functions: TriggerFunctions<T, S>): Trigger<T> {
  if (typeof functions?.onRecord !== "function")
    return refused(new StreamError("OPTION_INVALID", "a trigger of one's own needs onRecord"));
  return new Trigger<T>(new OwnTrigger<T>(functions), "own trigger");
}

/** How count windows fire. */
export function byCount(count: number, isPartialAtEnd: boolean): TriggerNode<unknown> {
  return new EveryCount(count, isPartialAtEnd);
}

interface Part {
  readonly node: TriggerNode<unknown>;
  readonly text: string;
}

function checked(say: () => Part): Trigger<unknown> {
  try {
    const { node, text } = say();
    return new Trigger(node, `every ${text}`);
  } catch (error) {
    return refused(error);
  }
}

function refused<T>(error: unknown): Trigger<T> {
  return new Trigger<T>(new Never(), "refused", StreamError.from(error, "OPTION_INVALID", "trigger"));
}

function paced(every: Duration | Every, options: TriggerTimeOptions, place: string): Part {
  checkKnownOptions(options, ["time"], place);
  const said = typeof every === "object" && every !== null ? every : { interval: every };
  return everyPart({ ...options, ...said }, "processing", place);
}

/** `pacing`: intervals wait for records, on this clock where nothing else is said. */
function everyPart(every: Every, pacing: WindowTime | undefined, place: string): Part {
  checkKnownOptions(every, ["count", "interval", "time"], place);
  const { count, interval, time } = every;
  if (time !== undefined) checkWindowTime(time);
  const parts: Part[] = [];
  if (count !== undefined) parts.push(countPart(count, place));
  if (interval !== undefined) {
    const ms = parseDuration(interval, `${place}: the interval`, { minMs: 1 });
    const node = pacing === undefined ? new EveryInterval(ms, time) : new Paced(ms, time ?? pacing);
    parts.push({ node, text: `${formatDuration(ms)}${time === undefined ? "" : ` of ${time} time`}` });
  }
  const [first, second] = parts;
  if (first === undefined) throw new StreamError("OPTION_INVALID", `${place} needs a count or an interval`);
  if (second === undefined) return first;
  return { node: new AnyOf(first.node, second.node), text: `${first.text} or ${second.text}` };
}

function countPart(count: unknown, place: string): Part {
  if (!Number.isSafeInteger(count) || (count as number) < 1)
    throw new StreamError("OPTION_INVALID", `${place}: the count is ${String(count)}; it is a whole number above 0`);
  return { node: new EveryCount(count as number, false), text: `${String(count)} records` };
}
