/**
 * The timers that user code registers, in one time domain.
 *
 * Owns which timers each key has. When they fire is decided by the operator, which takes them from the queue.
 *
 * T1. Identity is (key, time): registering again changes nothing; cancelling one that is not there is a no-op (semantics 1.6).
 * T2. A timer at or below the current time does not fire at once, but with the next advance (FINDINGS 25).
 */
import { checkTimestamp } from "../time/timestamp.ts";
import { restoreCell, type Row } from "./row.ts";
import { assertSaved, type Column } from "./segment-codec.ts";
import type { KeyedStore } from "./store.ts";
import { Timer, TimerQueue } from "./timer-queue.ts";

type Cell = Map<number, Timer>;

/** Timers of one operator and domain. */
export class KeyedTimers implements Column {
  readonly name: string;
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
    const row = store.current;
    const cell = (row.cells[this.#column] as Cell | undefined) ?? this.#newCell();
    if (cell.has(time)) return time;
    store.write();
    const timer = new Timer(time, store.nextTimerNumber, row);
    store.nextTimerNumber += 1;
    store.undoLog.push(unregister, this, cell, timer);
    cell.set(time, timer);
    this.queue.add(timer);
    return time;
  }

  /** Takes back a timer of the current key. */
  cancel(time: number): void {
    const row = this.#store.current;
    const cell = row.cells[this.#column] as Cell | undefined;
    const timer = cell?.get(time);
    if (cell === undefined || timer === undefined) return;
    this.#store.write();
    this.#store.undoLog.push(reregister, this, cell, timer);
    cell.delete(time);
    this.queue.remove(timer);
    if (cell.size === 0) this.#dropCell(row, cell);
  }

  /** Takes out a timer that is about to fire, for good; makes its row current. Called outside of steps. */
  take(timer: Timer): void {
    const { row, time } = timer;
    this.#store.focus(row);
    this.#store.write();
    this.queue.remove(timer);
    const cell = row.cells[this.#column] as Cell;
    cell.delete(time);
    if (cell.size === 0) row.cells[this.#column] = undefined;
  }

  /** In order of registration, which is not always the order in the cell (undo). */
  encode(cell: unknown): unknown {
    const timers = [...(cell as Cell).values()].toSorted((a, b) => a.number - b.number);
    return timers.flatMap(({ time, number }) => [time, number]);
  }

  decode(saved: unknown, row: Row): unknown {
    assertSaved(Array.isArray(saved) && saved.length % 2 === 0 && saved.length > 0, row, this.name);
    const cell: Cell = new Map();
    for (let at = 0; at < saved.length; at += 2) {
      const time: unknown = saved[at];
      const number: unknown = saved[at + 1];
      assertSaved(Number.isSafeInteger(time) && Number.isSafeInteger(number), row, this.name);
      const timer = new Timer(time as number, number as number, row);
      cell.set(timer.time, timer);
      this.queue.add(timer);
    }
    return cell;
  }

  /** Undoes `register`. */
  takeBack(cell: Cell, timer: Timer): void {
    cell.delete(timer.time);
    this.queue.remove(timer);
    this.#store.nextTimerNumber = timer.number;
  }

  #newCell(): Cell {
    const row = this.#store.write();
    const cell: Cell = new Map();
    this.#store.undoLog.push(restoreCell, row, this.#column, undefined);
    row.cells[this.#column] = cell;
    return cell;
  }

  #dropCell(row: Row, cell: Cell): void {
    this.#store.undoLog.push(restoreCell, row, this.#column, cell);
    row.cells[this.#column] = undefined;
  }
}

function unregister(timers: KeyedTimers, cell: Cell, timer: Timer): void {
  timers.takeBack(cell, timer);
}

function reregister(timers: KeyedTimers, cell: Cell, timer: Timer): void {
  cell.set(timer.time, timer);
  timers.queue.add(timer);
}
