/**
 * The timers that user code registers, in one time domain.
 *
 * Owns which timers each key has. When they fire is decided by the operator, which takes them from the queue.
 *
 * T1. Identity is (key, time): registering again changes nothing; cancelling one that is not there is a no-op (semantics 1.6).
 * T2. A timer at or below the current time does not fire at once, but with the next advance (FINDINGS 25).
 */
import { checkTimestamp } from "../time/timestamp.ts";
import type { Row } from "./row.ts";
import { assertSaved, type Column } from "./segment-codec.ts";
import { checkTimers } from "./state-limits.ts";
import type { KeyedStore } from "./store.ts";
import { Timer, TimerQueue } from "./timer-queue.ts";

/** The timers of one key: mostly there is one. */
type Cell = Timer | Map<number, Timer>;

/** Timers of one operator and domain. */
export class KeyedTimers implements Column {
  readonly name: string;
  readonly form = "timers";
  readonly version = 1;
  readonly queue: TimerQueue = new TimerQueue();
  readonly #store: KeyedStore;
  readonly #column: number;

  constructor(store: KeyedStore, name: string) {
    this.name = name;
    this.#store = store;
    this.#column = store.addColumn(this);
  }

  /** Registers a timer for the current key; answers its time. @throws TIMESTAMP_INVALID */
  register(at: number): number {
    const time = checkTimestamp(at, "the time of a timer");
    const store = this.#store;
    const cell = this.#cellOf(store.current);
    if (timerAt(cell, time) !== undefined) return time;
    checkTimers(countIn(cell), store.limits, this.name);
    const row = store.write();
    const timer = new Timer(time, store.nextTimerNumber, row);
    store.nextTimerNumber += 1;
    store.undoLog.push(unregister, this, timer, undefined);
    this.#insert(timer);
    return time;
  }

  /** Takes back a timer of the current key. */
  cancel(time: number): void {
    const timer = timerAt(this.#cellOf(this.#store.current), time);
    if (timer === undefined) return;
    this.#store.write();
    this.#store.undoLog.push(reregister, this, timer, undefined);
    this.#remove(timer);
  }

  /** Takes out a timer that is about to fire, for good; makes its row current. Called outside of steps. */
  take(timer: Timer): void {
    this.#store.focus(timer.row);
    this.#store.write();
    this.#remove(timer);
  }

  /** In order of registration, which is not always the order in the cell (undo). */
  encode(cell: unknown): unknown {
    const timers = cell instanceof Timer ? [cell] : [...(cell as Map<number, Timer>).values()];
    return timers.toSorted((a, b) => a.number - b.number).flatMap(({ time, number }) => [time, number]);
  }

  decode(saved: unknown, row: Row): unknown {
    assertSaved(Array.isArray(saved) && saved.length % 2 === 0 && saved.length > 0, row, this.name);
    for (let at = 0; at < saved.length; at += 2) {
      const time: unknown = saved[at];
      const number: unknown = saved[at + 1];
      assertSaved(Number.isSafeInteger(time) && Number.isSafeInteger(number), row, this.name);
      this.#insert(new Timer(time as number, number as number, row));
    }
    return this.#cellOf(row);
  }

  /** By key, so that timers of the same number stay in their order. */
  renumbered(saved: unknown, next: (number: number) => number): unknown {
    if (!Array.isArray(saved)) return saved;
    return saved.map((part: unknown, at) => (at % 2 === 1 ? next(part as number) : part));
  }

  /** Undoes `register`. */
  takeBack(timer: Timer): void {
    this.#remove(timer);
    this.#store.nextTimerNumber = timer.number;
  }

  /** Undoes `cancel`. */
  putBack(timer: Timer): void {
    this.#insert(timer);
  }

  #cellOf(row: Row): Cell | undefined {
    return row.cells[this.#column] as Cell | undefined;
  }

  #insert(timer: Timer): void {
    const { row, time } = timer;
    const cell = this.#cellOf(row);
    if (cell === undefined) row.put(this.#column, timer);
    else if (cell instanceof Timer) {
      row.put(
        this.#column,
        new Map([
          [cell.time, cell],
          [time, timer],
        ]),
      );
    } else cell.set(time, timer);
    this.queue.add(timer);
  }

  #remove(timer: Timer): void {
    const { row, time } = timer;
    const cell = this.#cellOf(row);
    if (cell instanceof Map) cell.delete(time);
    if (cell === timer || (cell instanceof Map && cell.size === 0)) row.put(this.#column, undefined);
    this.queue.remove(timer);
  }
}

function countIn(cell: Cell | undefined): number {
  if (cell instanceof Map) return cell.size;
  return cell === undefined ? 0 : 1;
}

function timerAt(cell: Cell | undefined, time: number): Timer | undefined {
  if (cell instanceof Map) return cell.get(time);
  return cell?.time === time ? cell : undefined;
}

function unregister(timers: KeyedTimers, timer: Timer): void {
  timers.takeBack(timer);
}

function reregister(timers: KeyedTimers, timer: Timer): void {
  timers.putBack(timer);
}
