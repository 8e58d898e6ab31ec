/**
 * What a trigger sees of the window that a step is about: the operator's side of `TriggerScope`.
 *
 * Owns the way from a slot to the window's memory and timers; when a trigger is asked is the operator's business.
 */
import type { UndoLog } from "../state/undo-log.ts";
import type { TimeSpan, WindowTime } from "../window/assigner.ts";
import type { TriggerScope } from "../window/trigger-node.ts";
import type { OperatorContext } from "./contract.ts";
import type { KeyWindow } from "./key-windows.ts";
import type { WindowTimers } from "./window-timers.ts";

/** The one scope of an operator: it answers for the window entered last. */
export class WindowScope implements TriggerScope {
  readonly time: WindowTime;
  readonly #context: OperatorContext;
  readonly #undoLog: UndoLog;
  readonly #timers: WindowTimers;
  /** When a window is gone, and has a timer for it; Infinity: never, by time. */
  readonly #goneAt: (window: KeyWindow) => number;
  #window: KeyWindow | undefined;
  #timestamp: number | undefined;
  #owners = 0;

  constructor(context: OperatorContext, time: WindowTime, timers: WindowTimers, goneAt: (window: KeyWindow) => number) {
    this.time = time;
    this.#context = context;
    this.#undoLog = context.undoLog;
    this.#timers = timers;
    this.#goneAt = goneAt;
  }

  /** What follows is about `window`: a record with `timestamp`, or a timer of the slots in `owners`. */
  enter(window: KeyWindow, timestamp: number | undefined, owners: number): void {
    this.#window = window;
    this.#timestamp = timestamp;
    this.#owners = owners;
  }

  get window(): TimeSpan {
    const { start, end } = this.#current;
    return { start, end };
  }

  get timestamp(): number | undefined {
    return this.#timestamp;
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get now(): number {
    return this.#context.now();
  }

  get isComplete(): boolean {
    return this.time === "event" && this.#current.end - 1 <= this.#context.watermark();
  }

  get(slot: number): unknown {
    return this.#current.slots[slot];
  }

  set(slot: number, state: unknown): void {
    const { slots } = this.#current;
    if (Object.is(slots[slot], state)) return;
    this.#undoLog.push(restoreSlot, slots, slot, slots[slot]);
    slots[slot] = state;
  }

  register(slot: number, domain: WindowTime, at: number): void {
    this.#timers.register(this.#current, domain, at, 1 << slot);
  }

  cancel(slot: number, domain: WindowTime, at: number): void {
    const window = this.#current;
    const isKept = domain === this.time && at < Infinity && at === this.#goneAt(window);
    this.#timers.cancel(window, domain, at, 1 << slot, isKept);
  }

  isOwner(slot: number): boolean {
    return (this.#owners & (1 << slot)) !== 0;
  }

  get #current(): KeyWindow {
    return this.#window as KeyWindow;
  }
}

function restoreSlot(slots: unknown[], slot: number, state: unknown): void {
  slots[slot] = state;
}
