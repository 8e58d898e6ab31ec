/**
 * Triggers of the user's own.
 *
 * Owns what their functions see, and the copies that keep what a window remembers apart from what the functions hold.
 *
 * O1. Each call gets a copy of the window's state, and what it leaves there is copied back: a call that throws changes nothing.
 */
import { cloneValue } from "../record/default-codec.ts";
import { needsCopy } from "../state/value-state.ts";
import { checkTimestamp } from "../time/timestamp.ts";
import type { TimeSpan, WindowTime } from "./assigner.ts";
import { verdicts, type TriggerNode, type TriggerScope } from "./trigger-node.ts";

/** What a trigger wants: nothing, a result, to drop what the window holds, or both. */
export type Verdict = "continue" | "fire" | "purge" | "fireAndPurge";

/** Registers and cancels timers of a window. */
export interface TriggerTimers {
  /** Calls `onTime` when the watermark reaches `at`; answers `at`. */
  readonly onEventTime: (at: number) => number;
  /** Takes a timer back; nothing happens when there is none. */
  readonly cancelEventTime: (at: number | undefined) => void;
  /** Calls `onTime` when processing time reaches `at`; answers `at`. */
  readonly onProcessingTime: (at: number) => number;
  readonly cancelProcessingTime: (at: number | undefined) => void;
}

/** What the functions of a trigger see. Valid during the call only. */
export interface TriggerContext<S> {
  readonly window: TimeSpan;
  readonly watermark: number;
  /** The record's timestamp; undefined where it has none, and in timers. */
  readonly timestamp: number | undefined;
  /** Processing time, the same in a replay. */
  readonly now: () => number;
  /** What the trigger remembers of this window: change it, or put another value. */
  state: S;
  readonly timers: TriggerTimers;
}

/** A trigger of one's own, for records of `T`, that remembers an `S` per window. */
export interface TriggerFunctions<T, S> {
  /**
   * What is remembered of a new window: anything that the default codec takes.
   * @default undefined
   */
  create?(): S;
  /** A record has been taken into the window. */
  onRecord(value: T, context: TriggerContext<S>): Verdict;
  /** A timer of the window is due. */
  onTime?(at: number, context: TriggerContext<S> & { readonly domain: WindowTime }): Verdict;
  /** Sessions have become one: `merged` is what was remembered of them, their timers are gone. Without it the trigger cannot be used with sessions. */
  onMerge?(merged: readonly S[], context: TriggerContext<S>): void;
}

/** Runs the functions of a trigger. */
export class OwnTrigger<T> implements TriggerNode<T> {
  readonly slots = 1;
  readonly needsEventTime = false;
  readonly unmergeable: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- what it remembers is the user's business
  readonly #functions: TriggerFunctions<T, any>;

  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  constructor(functions: TriggerFunctions<T, any>) {
    this.#functions = functions;
    this.unmergeable = functions.onMerge === undefined ? "its trigger has no onMerge" : undefined;
  }

  onRecord(value: T, scope: TriggerScope, slot: number): number {
    return this.#call(scope, slot, (context) => bitsOf(this.#functions.onRecord(value, context), "onRecord"));
  }

  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    if (!scope.isOwner(slot)) return verdicts.none;
    return this.#call(scope, slot, (context) =>
      bitsOf(this.#functions.onTime?.(at, Object.assign(context, { domain })) ?? "continue", "onTime"),
    );
  }

  onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    const states = merged.flatMap((slots) => (slots[slot] === undefined ? [] : [cloneValue(slots[slot])]));
    this.#call(scope, slot, (context) => this.#functions.onMerge?.(states, context));
  }

  /** O1. */
  #call<R>(scope: TriggerScope, slot: number, call: (context: TriggerContext<unknown>) => R): R {
    const held = scope.get(slot);
    const state: unknown = held === undefined ? this.#functions.create?.() : copyOf(held);
    const context = contextOf(scope, slot, state);
    const answer = call(context);
    scope.set(slot, copyOf(context.state));
    return answer;
  }
}

function copyOf(value: unknown): unknown {
  return needsCopy(value) ? cloneValue(value) : value;
}

function contextOf(scope: TriggerScope, slot: number, state: unknown): TriggerContext<unknown> {
  const register = (domain: WindowTime) => (at: number) => {
    scope.register(slot, domain, checkTimestamp(at, "the time of a timer"));
    return at;
  };
  const cancel = (domain: WindowTime) => (at: number | undefined) => {
    if (at !== undefined) scope.cancel(slot, domain, at);
  };
  const { window, watermark, timestamp, now } = scope;
  return {
    window,
    watermark,
    timestamp,
    now: () => now,
    state,
    timers: {
      onEventTime: register("event"),
      cancelEventTime: cancel("event"),
      onProcessingTime: register("processing"),
      cancelProcessingTime: cancel("processing"),
    },
  };
}

const bits: Readonly<Record<Verdict, number>> = {
  continue: verdicts.none,
  fire: verdicts.fire,
  purge: verdicts.purge,
  fireAndPurge: verdicts.fireAndPurge,
};

/** @throws TypeError when `verdict` is none */
function bitsOf(verdict: unknown, what: string): number {
  if (typeof verdict === "string" && Object.hasOwn(bits, verdict)) return bits[verdict as Verdict];
  throw new TypeError(`${what} of a trigger answered ${String(verdict)}; it answers ${Object.keys(bits).join(", ")}`);
}
