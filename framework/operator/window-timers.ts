/**
 * The timers of windows, in both clocks.
 *
 * Owns which timers a window has: those that its trigger's slots have asked for, and the one for its end. Timers of one window, clock and time are one.
 *
 * W1. What a step changes of them is in the undo log, with their numbers and the next number.
 */
import type { KeyedStore } from "../state/store.ts";
import { TimerQueue } from "../state/timer-queue.ts";
import type { WindowTime } from "../window/assigner.ts";
import { WindowTimer, type KeyWindow } from "./key-windows.ts";

/** The timers of one operator's windows. */
export class WindowTimers {
  readonly queues: Readonly<Record<WindowTime, TimerQueue>> = { event: new TimerQueue(), processing: new TimerQueue() };
  readonly #store: KeyedStore;

  constructor(store: KeyedStore) {
    this.#store = store;
  }

  /** Asks for a timer of `window`, of the current row: for the slots in `owners`, or for the window's end. */
  register(window: KeyWindow, domain: WindowTime, time: number, owners: number): void {
    const { undoLog } = this.#store;
    const held = timerAt(window, domain, time);
    if (held === undefined) {
      const row = this.#store.current;
      const timer = new WindowTimer(time, this.#store.nextTimerNumber, row, { window, domain, owners });
      this.#store.nextTimerNumber += 1;
      undoLog.push(takeBack, this, timer, undefined);
      window.timers.push(timer);
      this.queues[domain].add(timer);
    } else if ((held.owners | owners) !== held.owners) {
      undoLog.pushNumber(restoreOwners, held, 0, held.owners);
      held.owners |= owners;
    }
  }

  /** The slots in `owners` wait no more; the timer stays while others do, or when `isKept`. */
  cancel(window: KeyWindow, domain: WindowTime, time: number, owners: number, isKept: boolean): void {
    const held = timerAt(window, domain, time);
    if (held === undefined || (held.owners & owners) === 0) return;
    this.#store.undoLog.pushNumber(restoreOwners, held, 0, held.owners);
    held.owners &= ~owners;
    if (held.owners === 0 && !isKept) this.#remove(held);
  }

  /** Takes all timers of `window` away. */
  clear(window: KeyWindow): void {
    for (let at = window.timers.length - 1; at >= 0; at--) {
      const timer = window.timers[at];
      if (timer !== undefined) this.#remove(timer);
    }
  }

  /** Takes out a timer that is about to fire, for good. Called outside of steps. */
  take(timer: WindowTimer): void {
    this.queues[timer.domain].remove(timer);
    dropFrom(timer);
  }

  /** Puts restored timers into the queues. */
  restore(window: KeyWindow): void {
    for (const timer of window.timers) this.queues[timer.domain].add(timer);
  }

  /** Undoes `register`. */
  takeBack(timer: WindowTimer): void {
    this.take(timer);
    this.#store.nextTimerNumber = timer.number;
  }

  /** Undoes what took a timer away. */
  putBack(timer: WindowTimer): void {
    timer.window.timers.push(timer);
    this.queues[timer.domain].add(timer);
  }

  #remove(timer: WindowTimer): void {
    this.#store.undoLog.push(putBack, this, timer, undefined);
    this.take(timer);
  }
}

function timerAt({ timers }: KeyWindow, domain: WindowTime, time: number): WindowTimer | undefined {
  for (let at = 0; at < timers.length; at++) {
    const timer = timers[at];
    if (timer?.time === time && timer.domain === domain) return timer;
  }
  return undefined;
}

function dropFrom(timer: WindowTimer): void {
  const { timers } = timer.window;
  if (timers[timers.length - 1] === timer) timers.pop();
  else timers.splice(timers.indexOf(timer), 1);
}

function takeBack(timers: WindowTimers, timer: WindowTimer): void {
  timers.takeBack(timer);
}

function putBack(timers: WindowTimers, timer: WindowTimer): void {
  timers.putBack(timer);
}

function restoreOwners(timer: WindowTimer, _at: number, owners: number): void {
  timer.owners = owners;
}
