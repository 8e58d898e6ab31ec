/**
 * Triggers made of triggers: or, and, purging, early and late.
 *
 * Owns how answers are put together, and which slots the parts have.
 */
import type { WindowTime } from "./assigner.ts";
import { verdicts, type TriggerNode, type TriggerScope } from "./trigger-node.ts";

/** A node with others below it. */
abstract class Branch<T> implements TriggerNode<T> {
  readonly slots: number;
  readonly needsEventTime: boolean;
  readonly unmergeable: string | undefined;
  protected readonly parts: readonly TriggerNode<T>[];
  /** From the branch's first slot to each part's first. */
  protected readonly offsets: readonly number[];

  /** `own`: slots of the branch itself, before those of its parts. */
  constructor(parts: readonly TriggerNode<T>[], own: number) {
    const offsets: number[] = [];
    let slots = own;
    for (const part of parts) {
      offsets.push(slots);
      slots += part.slots;
    }
    this.parts = parts;
    this.offsets = offsets;
    this.slots = slots;
    this.needsEventTime = parts.some((part) => part.needsEventTime);
    this.unmergeable = parts.find((part) => part.unmergeable !== undefined)?.unmergeable;
  }

  abstract onRecord(value: T, scope: TriggerScope, slot: number): number;
  abstract onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number;

  onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    for (const [index, part] of this.parts.entries()) part.onMerge(merged, scope, slot + (this.offsets[index] ?? 0));
  }

  protected recordOf(index: number, value: T, scope: TriggerScope, slot: number): number {
    return this.parts[index]?.onRecord(value, scope, slot + (this.offsets[index] ?? 0)) ?? verdicts.none;
  }

  protected timerOf(index: number, at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    return this.parts[index]?.onTimer(at, domain, scope, slot + (this.offsets[index] ?? 0)) ?? verdicts.none;
  }
}

/** Fires when one of its parts does. */
export class AnyOf<T> extends Branch<T> {
  constructor(...parts: readonly TriggerNode<T>[]) {
    super(parts, 0);
  }

  onRecord(value: T, scope: TriggerScope, slot: number): number {
    let verdict: number = verdicts.none;
    for (let index = 0; index < this.parts.length; index++) verdict |= this.recordOf(index, value, scope, slot);
    return verdict;
  }

  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    let verdict: number = verdicts.none;
    for (let index = 0; index < this.parts.length; index++) verdict |= this.timerOf(index, at, domain, scope, slot);
    return verdict;
  }
}

/** Fires when all of its parts have since its last firing. Its own slot has a bit for each that has. */
export class AllOf<T> extends Branch<T> {
  constructor(...parts: readonly TriggerNode<T>[]) {
    super(parts, 1);
  }

  onRecord(value: T, scope: TriggerScope, slot: number): number {
    return this.#join(scope, slot, (index) => this.recordOf(index, value, scope, slot));
  }

  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    return this.#join(scope, slot, (index) => this.timerOf(index, at, domain, scope, slot));
  }

  override onMerge(merged: readonly (readonly unknown[])[], scope: TriggerScope, slot: number): void {
    super.onMerge(merged, scope, slot);
    const bits = merged.reduce((all, slots) => all | ((slots[slot] as number | undefined) ?? 0), 0);
    scope.set(slot, bits === 0 ? undefined : bits);
  }

  #join(scope: TriggerScope, slot: number, ask: (index: number) => number): number {
    const before = (scope.get(slot) as number | undefined) ?? 0;
    let bits = before;
    let purge: number = verdicts.none;
    for (let index = 0; index < this.parts.length; index++) {
      const verdict = ask(index);
      if ((verdict & verdicts.fire) !== 0) bits |= 1 << index;
      purge |= verdict & verdicts.purge;
    }
    const isAll = bits === (1 << this.parts.length) - 1;
    if (bits !== before) scope.set(slot, isAll ? undefined : bits);
    return isAll ? verdicts.fire | purge : purge;
  }
}

/** Fires when its part does, and drops what the window holds. */
export class Purging<T> extends Branch<T> {
  constructor(part: TriggerNode<T>) {
    super([part], 0);
  }

  onRecord(value: T, scope: TriggerScope, slot: number): number {
    return purgeToo(this.recordOf(0, value, scope, slot));
  }

  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    return purgeToo(this.timerOf(0, at, domain, scope, slot));
  }
}

function purgeToo(verdict: number): number {
  return (verdict & verdicts.fire) === 0 ? verdict : verdicts.fireAndPurge;
}

const main = 0;
const early = 1;
const late = 2;

/** Has a part for before the window is over (beside the main one), or one for afterwards (in its place). */
export class Phased<T> extends Branch<T> {
  readonly #hasEarly: boolean;
  readonly #hasLate: boolean;

  constructor(part: TriggerNode<T>, phases: { readonly early?: TriggerNode<T>; readonly late?: TriggerNode<T> }) {
    super([part, phases.early ?? nothing, phases.late ?? nothing], 0);
    this.#hasEarly = phases.early !== undefined;
    this.#hasLate = phases.late !== undefined;
  }

  onRecord(value: T, scope: TriggerScope, slot: number): number {
    if (scope.isComplete) return this.recordOf(this.#hasLate ? late : main, value, scope, slot);
    const verdict = this.recordOf(main, value, scope, slot);
    return this.#hasEarly ? verdict | this.recordOf(early, value, scope, slot) : verdict;
  }

  onTimer(at: number, domain: WindowTime, scope: TriggerScope, slot: number): number {
    const verdict = this.timerOf(main, at, domain, scope, slot) | this.timerOf(late, at, domain, scope, slot);
    const isEarly = domain === scope.time ? at < scope.window.end - 1 : !scope.isComplete;
    const paced = this.timerOf(early, at, domain, scope, slot);
    return isEarly ? verdict | paced : verdict;
  }
}

/** A part that is not there. */
const nothing: TriggerNode<unknown> = {
  slots: 0,
  needsEventTime: false,
  unmergeable: undefined,
  onRecord: () => verdicts.none,
  onTimer: () => verdicts.none,
  onMerge: () => undefined,
};
