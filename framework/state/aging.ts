/**
 * The age of one declared state with a ttl: what has expired, and when it is cleaned up.
 *
 * Owns the arithmetic of lives and the timers of clean-ups, one per row that has such state. When clean-ups run is the program's decision: after everything due
 * at a watermark or tick has fired. The timers are no part of a snapshot: they follow from the cells.
 *
 * A1. What was used at t expires at t + ttl: from then on it is hidden, whether it is still there or not. So what a step sees depends on the times of
 *     its messages, never on how often or in which slices anything ran.
 * A2. What expires at e is taken away by the first clean-up at or after `e` rounded up to a sixteenth of the ttl. Rounding bounds the work: a cell is gone
 *     through at most 17 times in the life of what it holds, however many times its entries have.
 * A3. A clean-up takes away what A2 says and nothing else, whatever brought it about: a row that is looked at too early stays as it is.
 */
import { StreamError } from "../errors.ts";
import type { AgedCellCodec } from "./cell-place.ts";
import type { Row } from "./row.ts";
import type { StepTime } from "./step-time.ts";
import type { UndoLog } from "./undo-log.ts";
import { Timer, TimerQueue } from "./timer-queue.ts";
import type { ResolvedTtl } from "./ttl.ts";

/** Parts of a ttl that the times of clean-ups are rounded up to. */
const roundsPerLife = 16;

/** What a handle asks of its state's age. */
export interface Aging {
  /** Whether what was used at `usedMs` is hidden in this step (A1). */
  hides(usedMs: number): boolean;
  /** Whether reading counts as use. */
  readonly isRefreshedByReads: boolean;
  /** The time of a use in this step; the state of the current row will be cleaned up after it. @throws TIMESTAMP_INVALID when the step has no event time */
  use(): number;
}

/** What an age needs of the store that its column is in. */
export interface AgingStore {
  readonly undoLog: UndoLog;
  readonly time: StepTime;
  /** The current row. */
  readonly current: Row;
}

/** The age of one column's cells. */
export class RowAging implements Aging {
  readonly time: "event" | "processing";
  readonly isRefreshedByReads: boolean;
  readonly #name: string;
  readonly #ttl: ResolvedTtl;
  readonly #roundMs: number;
  readonly #codec: AgedCellCodec;
  readonly #store: AgingStore;
  readonly #queue = new TimerQueue();
  readonly #timers = new Map<Row, Timer>();
  #nextNumber = 0;

  constructor(name: string, ttl: ResolvedTtl, codec: AgedCellCodec, store: AgingStore) {
    this.time = ttl.time;
    this.isRefreshedByReads = ttl.refresh === "onReadAndWrite";
    this.#name = name;
    this.#ttl = ttl;
    this.#roundMs = Math.max(1, Math.floor(ttl.afterMs / roundsPerLife));
    this.#codec = codec;
    this.#store = store;
  }

  hides(usedMs: number): boolean {
    if (this.#ttl.expired === "visible") return false;
    const nowMs = this.#ttl.time === "event" ? this.#store.time.eventMs : this.#store.time.processingMs;
    return usedMs + this.#ttl.afterMs <= nowMs;
  }

  use(): number {
    const usedMs = this.#ttl.time === "event" ? this.#store.time.eventUseMs : this.#store.time.processingMs;
    if (usedMs === -Infinity) {
      throw new StreamError(
        "TIMESTAMP_INVALID",
        `${this.#name} has a ttl in event time, and is used where there is neither a timestamp nor a watermark: say .timestamps(…) at the source, or time: "processing"`,
      );
    }
    this.#expect(this.#store.current, this.#goneAt(usedMs), true);
    return usedMs;
  }

  /** The cell has been restored into the row. */
  restored(row: Row, cell: unknown): void {
    this.#expect(row, this.#goneAt(this.#codec.oldestMs(cell)), false);
  }

  /** When the next clean-up is due; undefined when there is none. */
  get nextAt(): number | undefined {
    return this.#queue.next?.time;
  }

  /** The row whose clean-up is due at `timeMs`; from here on none is expected for it. Undefined when none is due. */
  takeDue(timeMs: number): Row | undefined {
    const timer = this.#queue.next;
    if (timer === undefined || timer.time > timeMs) return undefined;
    this.#queue.remove(timer);
    this.#timers.delete(timer.row);
    return timer.row;
  }

  /** Whether anything in the cell is to be taken away at `timeMs` (A2). */
  isDue(cell: unknown, timeMs: number): boolean {
    return this.#goneAt(this.#codec.oldestMs(cell)) <= timeMs;
  }

  /** What remains of the cell at `timeMs`, changed in place; undefined: nothing. */
  swept(cell: unknown, timeMs: number): unknown {
    return this.#codec.swept(cell, (usedMs) => this.#goneAt(usedMs) <= timeMs);
  }

  /** Undoes that a clean-up was expected. */
  putBack(row: Row, held: Timer | undefined): void {
    const timer = this.#timers.get(row);
    if (timer !== undefined) this.#queue.remove(timer);
    if (held === undefined) {
      this.#timers.delete(row);
    } else {
      this.#timers.set(row, held);
      this.#queue.add(held);
    }
  }

  #expect(row: Row, dueMs: number, isInStep: boolean): void {
    const held = this.#timers.get(row);
    if (dueMs === Infinity || (held !== undefined && held.time <= dueMs)) return;
    if (isInStep) this.#store.undoLog.push(putBack, this, row, held);
    if (held !== undefined) this.#queue.remove(held);
    const timer = new Timer(dueMs, this.#nextNumber, row);
    this.#nextNumber += 1;
    this.#timers.set(row, timer);
    this.#queue.add(timer);
  }

  /** A2. */
  #goneAt(usedMs: number): number {
    const expiresMs = usedMs + this.#ttl.afterMs;
    const dueMs = Math.ceil(expiresMs / this.#roundMs) * this.#roundMs;
    return Number.isSafeInteger(dueMs) ? dueMs : Infinity;
  }
}

function putBack(aging: RowAging, row: Row, held: Timer | undefined): void {
  aging.putBack(row, held);
}
