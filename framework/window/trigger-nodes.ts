/**
 * The triggers that are there: on time, counts, intervals, deltas, the end of the input.
 *
 * Owns when each fires; `trigger.ts` says what users call them, `trigger-trees.ts` puts them together.
 */
import type { WindowTime } from "./assigner.ts";
import { verdicts, type TriggerNode, type TriggerScope } from "./trigger-node.ts";

/** What most triggers are: one slot, and any windows. */
abstract class Leaf implements TriggerNode<unknown> {
  readonly slots = 1;
  readonly unmergeable = undefined;

  get needsEventTime(): boolean {
    return false;
  }

  abstract onRecord(value: unknown, scope: TriggerScope, slot: number): number;

  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    return scope.isOwner(slot) ? this.fireAt(at, domain, scope, slot) : verdicts.none;
  }

  /** A timer of its own is due. */
  protected fireAt(_at: number, _domain: WindowTime, _scope: TriggerScope, _slot: number): number {
    return verdicts.fire;
  }

  onMerge(_merged: readonly (readonly unknown[])[], _scope: TriggerScope, _slot: number): void {
    return undefined;
  }
}

/** The last millisecond of the window: Infinity where it has no end. */
function lastOf({ window }: TriggerScope): number {
  return window.end - 1;
}

/** Fires when the window is over; then again with each record that it still takes. */
export class OnTime extends Leaf {
  onRecord(_value: unknown, scope: TriggerScope, slot: number): number {
    if (scope.isComplete) return verdicts.fire;
    scope.register(slot, scope.time, lastOf(scope));
    return verdicts.none;
  }
}

/** Fires with every `count`th record. */
export class EveryCount extends Leaf {
  readonly #count: number;
  /** Whether what is counted when the input ends fires too. */
  readonly #isPartialAtEnd: boolean;

  constructor(count: number, isPartialAtEnd: boolean) {
    super();
    this.#count = count;
    this.#isPartialAtEnd = isPartialAtEnd;
  }

  onRecord(_value: unknown, scope: TriggerScope, slot: number): number {
    const counted = countIn(scope.get(slot)) + 1;
    if (counted < this.#count) {
      scope.set(slot, counted);
      if (this.#isPartialAtEnd) scope.register(slot, "event", Infinity);
      return verdicts.none;
    }
    scope.set(slot, undefined);
    if (this.#isPartialAtEnd) scope.cancel(slot, "event", Infinity);
    return verdicts.fire;
  }

  override onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    const counted = merged.reduce((sum, slots) => sum + countIn(slots[slot]), 0);
    scope.set(slot, counted === 0 ? undefined : counted);
  }
}

function countIn(state: unknown): number {
  return (state as number | undefined) ?? 0;
}

/**
 * Fires at every multiple of an interval, and when the window is over. One that time has passed in one step fires once for each, also when nothing has come in
 * between (FINDINGS 22).
 */
export class EveryInterval extends Leaf {
  readonly #intervalMs: number;
  readonly #time: WindowTime | undefined;

  /** `time` undefined: that of the windows. */
  constructor(intervalMs: number, time: WindowTime | undefined) {
    super();
    this.#intervalMs = intervalMs;
    this.#time = time;
  }

  override get needsEventTime(): boolean {
    return this.#time === "event";
  }

  onRecord(_value: unknown, scope: TriggerScope, slot: number): number {
    const domain = this.#time ?? scope.time;
    if (domain === scope.time) {
      if (scope.isComplete) return verdicts.fire;
      if (lastOf(scope) < Infinity) scope.register(slot, domain, lastOf(scope));
    }
    if (scope.get(slot) !== undefined) return verdicts.none;
    const from = domain === "event" ? (scope.timestamp ?? scope.watermark) : scope.now;
    this.#next(from - (from % this.#intervalMs), domain, scope, slot);
    return verdicts.none;
  }

  protected override fireAt(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    if (domain === scope.time && at === lastOf(scope)) return verdicts.fire;
    if (scope.get(slot) !== at) return verdicts.none;
    this.#next(at, domain, scope, slot);
    return verdicts.fire;
  }

  override onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    rearm(merged, this.#time ?? scope.time, scope, slot);
  }

  #next(from: number, domain: WindowTime, scope: TriggerScope, slot: number): void {
    const at = domain === scope.time ? Math.min(from + this.#intervalMs, lastOf(scope)) : from + this.#intervalMs;
    // At the end of the input there are no more multiples to wait for.
    const isOver = domain === "event" && scope.watermark === Infinity && scope.window.end === Infinity;
    scope.set(slot, isOver ? undefined : at);
    if (!isOver) scope.register(slot, domain, at);
  }
}

/** The earliest of what merged windows waited for is waited for. */
function rearm(merged: readonly (readonly unknown[])[], domain: WindowTime, scope: TriggerScope, slot: number): void {
  const times = merged.flatMap((slots) => (slots[slot] as number | undefined) ?? []);
  if (times.length === 0) return;
  const at = Math.min(...times);
  scope.set(slot, at);
  scope.register(slot, domain, at);
}

/** Fires at the next multiple of an interval behind a record, once: with nothing new it waits for the next record. */
export class Paced extends Leaf {
  readonly #intervalMs: number;
  readonly #domain: WindowTime;

  constructor(intervalMs: number, domain: WindowTime) {
    super();
    this.#intervalMs = intervalMs;
    this.#domain = domain;
  }

  override get needsEventTime(): boolean {
    return this.#domain === "event";
  }

  onRecord(_value: unknown, scope: TriggerScope, slot: number): number {
    if (scope.get(slot) !== undefined) return verdicts.none;
    const from = this.#domain === "event" ? (scope.timestamp ?? scope.watermark) : scope.now;
    const at = (Math.floor(from / this.#intervalMs) + 1) * this.#intervalMs;
    scope.set(slot, at);
    scope.register(slot, this.#domain, at);
    return verdicts.none;
  }

  protected override fireAt(_at: number, _domain: WindowTime, scope: TriggerScope, slot: number): number {
    scope.set(slot, undefined);
    return verdicts.fire;
  }

  override onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    rearm(merged, this.#domain, scope, slot);
  }
}

/** Fires when a record is further than a threshold from that of the last firing; the first record only begins. */
export class OnDelta extends Leaf {
  readonly #threshold: number;
  readonly #of: (last: unknown, now: unknown) => number;

  constructor(threshold: number, of: (last: unknown, now: unknown) => number) {
    super();
    this.#threshold = threshold;
    this.#of = of;
  }

  onRecord(value: unknown, scope: TriggerScope, slot: number): number {
    const held = scope.get(slot) as readonly [unknown] | undefined;
    if (held !== undefined) {
      const delta: unknown = this.#of(held[0], value);
      if (typeof delta !== "number" || Number.isNaN(delta))
        throw new TypeError(`the delta of a trigger is ${String(delta)}, which is no number`);
      if (!(delta > this.#threshold)) return verdicts.none;
    }
    scope.set(slot, [value]);
    return held === undefined ? verdicts.none : verdicts.fire;
  }

  /** The record of the latest window counts. */
  override onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    scope.set(slot, merged.findLast((slots) => slots[slot] !== undefined)?.[slot]);
  }
}

/** Fires when the input ends. */
export class AtEnd extends Leaf {
  onRecord(_value: unknown, scope: TriggerScope, slot: number): number {
    scope.register(slot, "event", Infinity);
    return verdicts.none;
  }
}

/** Never fires. */
export class Never extends Leaf {
  onRecord(): number {
    return verdicts.none;
  }
}
