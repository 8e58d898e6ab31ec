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

/** The state of one key: a cell per column, undefined where there is none. */
export class Row {
  readonly key: Key;
  readonly id: KeyId;
  readonly hash: number;
  readonly segment: Segment;
  readonly cells: unknown[];
  before: Row | undefined;
  after: Row | undefined;
  isChained = false;

  constructor(key: Key, id: KeyId, hash: number, segment: Segment, columns: number) {
    this.key = key;
    this.id = id;
    this.hash = hash;
    this.segment = segment;
    const cells: unknown[] = [];
    for (let at = 0; at < columns; at++) cells.push(undefined);
    this.cells = cells;
  }

  /** Whether there is nothing to keep. */
  get isEmpty(): boolean {
    const cells = this.cells;
    for (let at = 0; at < cells.length; at++) if (cells[at] !== undefined) return false;
    return true;
  }
}

/** Takes back a change of a cell; for the undo log. */
export function restoreCell(row: Row, column: number, cell: unknown): void {
  row.cells[column] = cell;
}
