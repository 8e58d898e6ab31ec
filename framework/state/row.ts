/**
 * Where keyed state lies: a row per key, rows in segments.
 *
 * Owns the layout: which rows a segment holds, in which order, and whether the segment has changed since the last cut. What the cells mean is the
 * columns' business.
 *
 * G1. A row is in its segment's chain exactly while it has a cell (or had one when the current step began); rows are chained in the order in which they
 *     got their first cell, so a restored segment chains them alike.
 * G2. The segment of a key is a pure function of its hash.
 */
import type { Key, KeyId } from "../record/key.ts";
import type { SegmentCut } from "./segment-cut.ts";

/** Number of segments of a store. */
export const segmentCount = 64;

/** The segment of a hash (G2): its upper bits, because the lower ones are alike in all keys of a partition. */
export function segmentOf(hash: number): number {
  return hash >>> 26;
}

/** Rows that are snapshot together. */
export class Segment {
  readonly index: number;
  first: Row | undefined;
  last: Row | undefined;
  /** Changed since the last cut. */
  isDirty = false;
  /** The cut that still has to encode this segment as it was; undefined when there is none. */
  cut: SegmentCut | undefined;

  constructor(index: number) {
    this.index = index;
  }

  append(row: Row): void {
    row.before = this.last;
    if (this.last === undefined) this.first = row;
    else this.last.after = row;
    this.last = row;
    row.isChained = true;
  }

  remove(row: Row): void {
    if (row.before === undefined) this.first = row.after;
    else row.before.after = row.after;
    if (row.after === undefined) this.last = row.before;
    else row.after.before = row.before;
    row.before = undefined;
    row.after = undefined;
    row.isChained = false;
  }
}

/** The state of one key: a cell per column, undefined where there is none. What each record looks at comes first, to share a line of the cache. */
export class Row {
  readonly #hash: number;
  /** For the stage's one keyed operator: where it finds what most records need; -1 when there is nothing. No state: a function of the cells. */
  newest = -1;
  readonly segment: Segment;
  isChained = false;
  /** How many cells are not undefined. */
  #filled = 0;
  readonly #cells: unknown[];
  readonly key: Key;
  readonly id: KeyId;
  before: Row | undefined;
  after: Row | undefined;

  /** `cells`: an undefined for each column; the row's own from here on. */
  constructor(key: Key, id: KeyId, hash: number, segment: Segment, cells: unknown[]) {
    // Signed, so that it is held in place.
    this.#hash = hash | 0;
    this.segment = segment;
    this.#cells = cells;
    this.key = key;
    this.id = id;
  }

  /** The hash of the key, as uint32. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** By column; changed by `put` alone. */
  get cells(): readonly unknown[] {
    return this.#cells;
  }

  /** Puts `cell` in the place of what is in the column; undefined: takes it out. */
  put(column: number, cell: unknown): void {
    const cells = this.#cells;
    if (cells[column] !== undefined) this.#filled -= 1;
    if (cell !== undefined) this.#filled += 1;
    cells[column] = cell;
  }

  /** Whether there is nothing to keep. */
  get isEmpty(): boolean {
    return this.#filled === 0;
  }
}

/** Takes back a change of a cell; for the undo log. */
export function restoreCell(row: Row, column: number, cell: unknown): void {
  row.put(column, cell);
}
