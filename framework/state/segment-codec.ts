/**
 * The bytes of a segment.
 *
 * Owns the format: CRC-32 of the rest (4 bytes, little-endian), then one value of the default codec: the names of the columns, and the rows, each the
 * key and its cells in the order of the columns. What a cell looks like is said by its column.
 *
 * B1. The same rows give the same bytes, and decoding gives the same rows in the same order.
 * B2. Bytes that are not what was written are CORRUPT, whatever is wrong with them; bytes of other columns are SNAPSHOT_UNSUITABLE.
 */
import { crc32 } from "node:zlib";
import { invariant, StreamError } from "../errors.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { checkKey, renderKey, type Key } from "../record/key.ts";
import type { Row, Segment } from "./row.ts";

/** One kind of cell: a declared state, the timers of a domain, the windows of an operator. */
export interface Column {
  /** Operator and state; the identity across versions of the program. */
  readonly name: string;
  /** The cell as a value of the default codec. */
  encode(cell: unknown): unknown;
  /** The cell of a value that `encode` answered, in `row`. @throws CORRUPT when it is something else */
  decode(saved: unknown, row: Row): unknown;
}

/** A row as it was written: its key, and the saved cells. */
export interface SavedRow {
  readonly key: Key;
  readonly cells: readonly unknown[];
}

const headerBytes = 4;

/** The segment as bytes; undefined when it has no rows. @throws VALUE_NOT_ENCODABLE naming key and state */
export function encodeSegment(segment: Segment, columns: readonly Column[]): Uint8Array | undefined {
  const rows: unknown[] = [];
  for (let row = segment.first; row !== undefined; row = row.after) {
    if (!row.isEmpty) rows.push(savedRow(row, columns));
  }
  if (rows.length === 0) return undefined;
  const payload = encodeRows(segment, [columns.map(({ name }) => name), rows], columns);
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes.set(payload, headerBytes);
  new DataView(bytes.buffer).setUint32(0, crc32(payload), true);
  return bytes;
}

/** The rows of a segment's bytes (B2). @throws CORRUPT, SNAPSHOT_UNSUITABLE */
export function decodeSegment(index: number, bytes: Uint8Array, columns: readonly Column[]): readonly SavedRow[] {
  const [names, rows] = decodePayload(index, bytes);
  const expected = columns.map(({ name }) => name);
  if (names.join() !== expected.join()) {
    throw new StreamError(
      "SNAPSHOT_UNSUITABLE",
      `segment ${index} holds the state [${names.join(", ")}], the program declares [${expected.join(", ")}]: start a new generation (--new)`,
    );
  }
  return rows.map((row) => rowOf(index, row, columns.length));
}

function savedRow({ key, cells }: Row, columns: readonly Column[]): unknown[] {
  const saved: unknown[] = [key];
  for (const [at, column] of columns.entries()) {
    const cell = cells[at];
    saved.push(cell === undefined ? undefined : column.encode(cell));
  }
  return saved;
}

/** Looks for the culprit only when something is wrong. */
function encodeRows(segment: Segment, payload: unknown, columns: readonly Column[]): Uint8Array {
  try {
    return defaultCodec.encode(payload);
  } catch (error) {
    for (let row = segment.first; row !== undefined; row = row.after) explain(row, columns);
    throw error;
  }
}

function explain(row: Row, columns: readonly Column[]): void {
  for (const [at, column] of columns.entries()) {
    const cell = row.cells[at];
    if (cell === undefined) continue;
    try {
      defaultCodec.encode(column.encode(cell));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StreamError(
        "VALUE_NOT_ENCODABLE",
        `state ${column.name} of key ${renderKey(row.key)} cannot be stored: ${reason}`,
        { cause: error },
      );
    }
  }
}

function decodePayload(index: number, bytes: Uint8Array): readonly [readonly unknown[], readonly unknown[]] {
  const payload = bytes.subarray(headerBytes);
  if (bytes.length <= headerBytes) throw corrupt(index, `${bytes.length} bytes are too few`);
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const computed = crc32(payload);
  if (stored !== computed) throw corrupt(index, `its checksum is ${computed}, and ${stored} was stored`);
  const value = decodeValue(index, payload);
  if (!Array.isArray(value) || !Array.isArray(value[0]) || !Array.isArray(value[1]))
    throw corrupt(index, "it holds no rows");
  return [value[0], value[1]];
}

function decodeValue(index: number, payload: Uint8Array): unknown {
  try {
    return defaultCodec.decode(payload);
  } catch (error) {
    throw StreamError.is(error, "CORRUPT") ? error : corrupt(index, String(error));
  }
}

function rowOf(index: number, row: unknown, columns: number): SavedRow {
  if (!Array.isArray(row) || row.length !== columns + 1) throw corrupt(index, "a row has too few or too many cells");
  const [key, ...cells]: unknown[] = row;
  try {
    return { key: checkKey(key), cells };
  } catch (error) {
    throw corrupt(index, error instanceof Error ? error.message : String(error));
  }
}

/** The error for bytes of a segment that are not what was written. */
export function corrupt(segment: number, reason: string): StreamError {
  invariant(segment >= 0, "segments are numbered from 0");
  return new StreamError("CORRUPT", `segment ${segment} is not as it was written: ${reason}`);
}

/** Fails unless `condition`: for columns, about a saved cell of `row`. @throws CORRUPT */
export function assertSaved(condition: unknown, row: Row, column: string): asserts condition {
  if (!condition) throw corrupt(row.segment.index, `${column} of key ${renderKey(row.key)} has another shape`);
}
