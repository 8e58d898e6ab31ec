/**
 * The contract between a trigger and the window operator.
 *
 * A trigger is a tree of nodes; each node has numbered slots for its own state and for that of the nodes below it. Nodes are descriptions: what they remember
 * lies in the window.
 *
 * N1. State in a slot is replaced, never changed in place: the operator takes a replacement back when the step fails.
 * N2. A timer belongs to the slots that registered it; only their nodes hear of it. It is gone when they do.
 * N3. Before `onMerge` the timers of the merged windows are gone, and the slots are empty.
 */
import type { TimeSpan, WindowTime } from "./assigner.ts";

/** What a trigger wants: bits, so that several answers are joined by `|`. */
export const verdicts = { none: 0, fire: 1, purge: 2, fireAndPurge: 3 } as const;

/** What a trigger sees of the window, the time, and what it remembers. Valid during the call. */
export interface TriggerScope {
  readonly window: TimeSpan;
  /** The clock that the window goes by; of windows without an end: event time. */
  readonly time: WindowTime;
  /** The record's timestamp; undefined where it has none, and in timers. */
  readonly timestamp: number | undefined;
  readonly watermark: number;
  /** Processing time. */
  readonly now: number;
  /** Whether event time has passed the window: its last millisecond is at or below the watermark. Never in processing time. */
  readonly isComplete: boolean;
  /** What is in a slot; undefined: nothing. */
  get(slot: number): unknown;
  /** Replaces what is in a slot (N1). */
  set(slot: number, state: unknown): void;
  /** Calls back at `at`: once, whoever registers it how often. */
  register(slot: number, domain: WindowTime, at: number): void;
  /** Takes back what the slot has registered. */
  cancel(slot: number, domain: WindowTime, at: number): void;
  /** Whether the timer that is firing is the slot's (N2). */
  isOwner(slot: number): boolean;
}

/** A part of a trigger, for records of `T`. `slot` is the number of its first slot. Answers are of `verdicts`. */
export interface TriggerNode<T> {
  /** Slots of this node and of those below it. */
  readonly slots: number;
  /** Whether it needs timestamps and watermarks, whatever the windows go by. */
  readonly needsEventTime: boolean;
  /** Why it cannot be used with windows that merge; undefined: it can. */
  readonly unmergeable: string | undefined;
  /** A record has been taken into the window. */
  onRecord(value: T, scope: TriggerScope, slot: number): number;
  /** A timer of the window is due. */
  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number;
  /** Windows have become this one: `merged` are their slots, in order of time. The record that merged them comes next. */
  onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void;
}
