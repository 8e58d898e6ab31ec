/**
 * The keyed state of one instance: rows, the current row, steps, and cuts.
 *
 * Owns which rows exist and what a step has changed of them. What is in a row is declared by operators through their `Namespace`; when steps begin and
 * end is the program's decision.
 *
 * K1. A step touches one row: the one made current by `select` (a record) or `focus` (a timer); but for `visit`, which goes through all of them.
 * K2. `undo` restores everything of the step: cells, insertion orders, timers with their numbers, the next number (O1).
 * K3. A row without a cell does not outlive its step.
 * K4. A restored store behaves like the one that was cut, and gives the same bytes (O2; hazards 14 and 20).
 * K5. Whatever changes a row calls `write` before, so that a cut gets the segment as it was (F1).
 */
import { invariant } from "../errors.ts";
import { hashKey, keyId, type Key, type KeyId } from "../record/key.ts";
import type { RowAging } from "./aging.ts";
import { Lendings, type Lender } from "./cell-place.ts";
import { Namespace } from "./namespace.ts";
import { Row, Segment, segmentCount, segmentOf } from "./row.ts";
import {
  corrupt,
  decodeSegment,
  encodeSegment,
  type Column,
  type SavedColumn,
  type SavedRow,
} from "./segment-codec.ts";
import { SegmentCut } from "./segment-cut.ts";
import { type StateLimits, unlimited } from "./state-limits.ts";
import { noTime, type StepTime } from "./step-time.ts";
import { Sweeper } from "./sweeper.ts";
import { UndoLog } from "./undo-log.ts";

/** The state of one segment, from a snapshot. */
export interface StoredSegment {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** A row of a savepoint: its cells in the order of the columns of the store that takes it, undefined where it has none. */
export interface AdoptedRow {
  readonly key: Key;
  readonly cells: readonly (AdoptedCell | undefined)[];
}

/** A cell of a savepoint. */
export interface AdoptedCell {
  readonly saved: unknown;
  readonly from: SavedColumn;
}

/** Keyed state of one instance. */
export class KeyedStore {
  readonly undoLog: UndoLog;
  readonly time: StepTime;
  readonly limits: StateLimits;
  /** Counts steps; tells a handle whether what it lent out belongs to this step. */
  step = 0;
  /** The number that the next timer gets: the order of registration over all keys. */
  nextTimerNumber = 1;
  readonly #rows = new Map<KeyId, Row>();
  readonly #segments: readonly Segment[] = Array.from({ length: segmentCount }, (_, index) => new Segment(index));
  readonly #columns: Column[] = [];
  /** The cells of a new row. */
  readonly #noCells: undefined[] = [];
  readonly #lendings = new Lendings();
  readonly #sweeper = new Sweeper();
  #current: Row | undefined;
  /** Rows that a visit of this step has left without a cell. */
  readonly #emptied: Row[] = [];

  /** `time`: what state with a ttl goes by; `limits`: what one key may have. */
  constructor(undoLog: UndoLog = new UndoLog(), time: StepTime = noTime, limits: StateLimits = unlimited) {
    this.undoLog = undoLog;
    this.time = time;
    this.limits = limits;
  }

  /** Number of keys that have state. */
  get size(): number {
    return this.#rows.size;
  }

  /** The state of one operator; called while the program is built. */
  namespace(operator: string): Namespace {
    return new Namespace(this, operator);
  }

  /** What rows consist of, in the order of their cells. */
  get columns(): readonly Column[] {
    return this.#columns;
  }

  /** Adds a kind of cell; called while the program is built. Answers its index in `Row.cells`. */
  addColumn(column: Column): number {
    invariant(this.#rows.size === 0 && this.#current === undefined, "state is declared before the first record");
    invariant(
      this.#columns.every(({ name }) => name !== column.name),
      `state ${column.name} is declared twice`,
    );
    this.#noCells.push(undefined);
    return this.#columns.push(column) - 1;
  }

  /** The cells of that column expire; called while the program is built. */
  addAging(column: number, aging: RowAging): void {
    this.#sweeper.add(column, aging);
  }

  /** Whether nothing in it expires. */
  get isAgeless(): boolean {
    return this.#sweeper.isEmpty;
  }

  /** When processing time has to be told for something that has expired; undefined when there is nothing. */
  get nextSweepAt(): number | undefined {
    return this.#sweeper.nextAt("processing");
  }

  /** Cleans up what has expired at that time, at most `rowsMax` rows; answers whether all is. Called between steps, with the same time until it answers true. */
  sweep(time: "event" | "processing", timeMs: number, rowsMax: number): boolean {
    return this.#sweeper.sweep(this, time, timeMs, rowsMax);
  }

  /** Makes the key's row current, a new one if it has none, and answers the key's hash. @throws KEY_INVALID when the key is too long */
  select(key: Key): number {
    const id = keyId(key);
    const row = this.#rows.get(id) ?? this.#provisional(key, id);
    this.#current = row;
    return row.hash;
  }

  /** The key's row, if it has one; it counts as long as it is chained. */
  find(key: Key): Row | undefined {
    return this.#rows.get(keyId(key));
  }

  /** Makes a row current: of a timer that fires, or one that `find` has answered. */
  focus(row: Row): void {
    this.#current = row;
  }

  /** Makes no row current: for a record without a key. */
  blur(): void {
    this.#current = undefined;
  }

  /** The current row, to read from. */
  get current(): Row {
    const row = this.#current;
    // Not an invariant: a program may have kept a handle, and use it with a record that has no key.
    if (row === undefined)
      throw new TypeError("state is there only while a record or timer of a key is being processed");
    return row;
  }

  /** The current key; undefined when there is none. */
  get key(): Key | undefined {
    return this.#current?.key;
  }

  /** The current row, about to be changed (K5). @throws VALUE_NOT_ENCODABLE when a cut could not encode it */
  write(): Row {
    const row = this.current;
    const segment = row.segment;
    if (!segment.isDirty) {
      segment.cut?.encode(segment);
      segment.isDirty = true;
    }
    return row;
  }

  /** An object of the state has been given to user code. */
  lend(lender: Lender): void {
    this.#lendings.lend(lender);
  }

  /** A step begins. */
  begin(): void {
    this.step += 1;
    this.undoLog.clear();
  }

  /** The step is over: its changes stay. @throws VALUE_NOT_ENCODABLE when something in the state cannot be stored; then `undo` is due */
  commit(): void {
    const lendings = this.#lendings;
    if (!lendings.isEmpty) {
      lendings.settle();
      lendings.forget();
      this.#dropEmptied();
    }
    this.undoLog.clear();
    this.finish();
  }

  /** The step has failed: nothing of it stays (K2). */
  undo(): void {
    this.#lendings.forget();
    this.#emptied.length = 0;
    this.undoLog.undo();
    this.finish();
  }

  /**
   * Calls `each` with every row that has a cell as the current one, in the order of segments and chains; afterwards none is current. Called within a step whose
   * record has no key, by a lender: the rows that it empties are dropped when that has settled (K3).
   */
  visit(each: () => void): void {
    try {
      for (const segment of this.#segments) {
        for (let row = segment.first; row !== undefined; row = row.after) {
          this.#current = row;
          each();
          // C3: handles move to another row.
          this.#lendings.settle();
          this.#lendings.forget();
          if (row.isEmpty) this.#emptied.push(row);
        }
      }
    } finally {
      this.#current = undefined;
    }
  }

  /** Keeps the current row if it has a cell, and drops it otherwise (K3). Called when a change outside of a step is over; steps do it themselves. */
  finish(): void {
    const row = this.#current;
    if (row === undefined || row.isChained !== row.isEmpty) return;
    if (row.isChained) {
      row.segment.remove(row);
      this.#rows.delete(row.id);
    } else {
      row.segment.append(row);
      this.#rows.set(row.id, row);
    }
  }

  /** Freezes what has changed since the last cut; instant. Called between steps. The previous cut is encoded or discarded. */
  cut(): SegmentCut {
    const waiting = this.#segments.find((segment) => segment.cut !== undefined);
    invariant(
      waiting === undefined,
      `segment ${waiting?.index} still waits for the previous cut: encode or discard that first`,
    );
    const dirty = this.#segments.filter((segment) => segment.isDirty);
    return new SegmentCut(dirty, (segment) => encodeSegment(segment, this.#columns));
  }

  /** Takes what cuts have written; called once, when all state is declared, before the first step. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  restore(segments: Iterable<StoredSegment>, nextTimerNumber: number): void {
    invariant(this.#rows.size === 0, "a store is restored before its first record");
    this.nextTimerNumber = nextTimerNumber;
    for (const { segment, bytes } of segments) {
      for (const saved of decodeSegment(segment, bytes, this.#columns)) this.#restoreRow(segment, saved);
    }
    this.#current = undefined;
  }

  /**
   * Takes rows of a savepoint, in their order; called as `restore` is, in its place. All of it belongs to the next cut: no chunk of this generation holds it.
   *
   * @throws CORRUPT; SNAPSHOT_UNSUITABLE when a migration throws
   */
  adopt(rows: Iterable<AdoptedRow>, nextTimerNumber: number): void {
    invariant(this.#rows.size === 0, "a store is restored before its first record");
    this.nextTimerNumber = nextTimerNumber;
    for (const { key, cells } of rows) {
      const row = this.#provisional(key, keyId(key));
      if (this.#rows.has(row.id)) throw corrupt(row.segment.index, `key ${String(row.id)} is there twice`);
      for (const [at, column] of this.#columns.entries()) {
        const cell = cells[at];
        if (cell !== undefined) row.put(at, column.decode(cell.saved, row, cell.from));
      }
      if (row.isEmpty) continue;
      row.segment.append(row);
      row.segment.isDirty = true;
      this.#rows.set(row.id, row);
    }
    this.#current = undefined;
  }

  #restoreRow(index: number, { key, cells }: SavedRow): void {
    const row = this.#provisional(key, keyId(key));
    if (row.segment.index !== index)
      throw corrupt(index, `key ${String(row.id)} belongs to segment ${row.segment.index}`);
    if (this.#rows.has(row.id)) throw corrupt(index, `key ${String(row.id)} is there twice`);
    for (const [at, column] of this.#columns.entries()) {
      const saved = cells[at];
      if (saved !== undefined) row.put(at, column.decode(saved, row, column));
    }
    if (row.isEmpty) throw corrupt(index, `key ${String(row.id)} has no state`);
    row.segment.append(row);
    this.#rows.set(row.id, row);
  }

  #dropEmptied(): void {
    for (const row of this.#emptied) {
      if (!row.isEmpty || !row.isChained) continue;
      row.segment.remove(row);
      this.#rows.delete(row.id);
    }
    this.#emptied.length = 0;
  }

  #provisional(key: Key, id: KeyId): Row {
    const hash = hashKey(key);
    const segment = this.#segments[segmentOf(hash)];
    invariant(segment !== undefined, "a hash has no segment");
    // Frozen, because it is handed to user code as it is.
    const own = typeof key === "object" ? Object.freeze([...key]) : key;
    return new Row(own, id, hash, segment, this.#noCells.slice());
  }
}
