/**
 * The bytes of a segment.
 *
 * Owns the format: CRC-32 of the rest (4 bytes, little-endian), then one value of the default codec: the names of the columns, and the rows, each the
 * key and its cells in the order of the columns; and, where any column has a version other than 1 or parts, of each its version, or its version and parts. What
 * a cell looks like is said by its column.
 *
 * B1. The same rows give the same bytes, and decoding gives the same rows in the same order.
 * B2. Bytes that are not what was written are CORRUPT, whatever is wrong with them; bytes of other columns, or versions, are SNAPSHOT_UNSUITABLE: within a
 *     generation they do not change (R12). Only a savepoint is read with columns of its own (`readSegment`).
 */
import { crc32 } from "node:zlib";
import { invariant, StreamError } from "../errors.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { checkKey, renderKey, type Key } from "../record/key.ts";
import type { Row, Segment } from "./row.ts";

/** One state within the cells of a column: what a window holds besides its records. */
export interface ColumnPart {
  readonly name: string;
  readonly version: number;
}

/** A part as the program has it. */
export interface DeclaredPart extends ColumnPart {
  readonly form: string;
  /** The oldest version that it takes from a savepoint. @default 1 */
  readonly oldest?: number | undefined;
}

/** What the cells of a column were written as. */
export interface SavedColumn extends ColumnPart {
  /** Absent: as the program has them. */
  readonly parts?: readonly ColumnPart[] | undefined;
}

/** One kind of cell: a declared state, the timers of a domain, the windows of an operator. */
export interface Column {
  /** Operator and state; the identity across versions of the program. */
  readonly name: string;
  /** What its cells are, to be compared: `value`, `timers`, `average tumbling 5m`. */
  readonly form: string;
  /** Version of the schema of what it holds; 1 where there is none. */
  readonly version: number;
  /** The oldest version that it takes from a savepoint. @default 1 */
  readonly oldest?: number | undefined;
  /** What its cells consist of, where that is declared. */
  readonly parts?: readonly DeclaredPart[] | undefined;
  /** The cell as a value of the default codec. */
  encode(cell: unknown): unknown;
  /** The cell of a value that `encode` answered, in `row`; `from`: as what it was written. @throws CORRUPT when it is something else; SNAPSHOT_UNSUITABLE */
  decode(saved: unknown, row: Row, from: SavedColumn): unknown;
  /** What `encode` answered, with the numbers of its timers replaced; absent in columns without timers. */
  renumbered?(saved: unknown, next: (number: number) => number): unknown;
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
  const names = columns.map(({ name }) => name);
  const isPlain = columns.every(({ version, parts }) => version === 1 && parts === undefined);
  const payload = encodeRows(segment, isPlain ? [names, rows] : [names, rows, columns.map(versionsOf)], columns);
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes.set(payload, headerBytes);
  new DataView(bytes.buffer).setUint32(0, crc32(payload), true);
  return bytes;
}

/** A segment as it was written. */
export interface SavedSegment {
  readonly columns: readonly SavedColumn[];
  readonly rows: readonly SavedRow[];
}

/** The rows of a segment's bytes, with the columns that they were written with: of a savepoint. @throws CORRUPT */
export function readSegment(index: number, bytes: Uint8Array): SavedSegment {
  const [names, rows, versions] = decodePayload(index, bytes);
  const columns = names.map((name, at) => savedColumn(index, name, versions?.[at] ?? 1, versions === undefined));
  return { columns, rows: rows.map((row) => rowOf(index, row, columns.length)) };
}

/** The rows of a segment's bytes, which has the program's columns (B2). @throws CORRUPT, SNAPSHOT_UNSUITABLE */
export function decodeSegment(index: number, bytes: Uint8Array, columns: readonly Column[]): readonly SavedRow[] {
  const saved = readSegment(index, bytes);
  const isSame =
    saved.columns.length === columns.length && columns.every((column, at) => isOf(column, saved.columns[at]));
  if (isSame) return saved.rows;
  const [holds, declares] = [saved.columns, columns].map((all) => all.map(titleOf).join(", "));
  throw new StreamError(
    "SNAPSHOT_UNSUITABLE",
    `segment ${index} holds the state [${holds}], the program declares [${declares}]: take a savepoint with the program that wrote it and upgrade, or start a new generation (--new)`,
  );
}

/** Whether a column was written as `column` is. */
function isOf({ name, version, parts = [] }: Column, saved: SavedColumn | undefined): boolean {
  if (saved?.name !== name || saved.version !== version) return false;
  const isPart = (part: ColumnPart, at: number) => part.name === parts[at]?.name && part.version === parts[at].version;
  return saved.parts === undefined || (saved.parts.length === parts.length && saved.parts.every(isPart));
}

function titleOf({ name, version, parts = [] }: Pick<SavedColumn, "name" | "version" | "parts">): string {
  const own = version === 1 ? name : `${name} version ${version}`;
  return parts.length === 0
    ? own
    : `${own} with ${parts.map((part) => `${part.name} version ${part.version}`).join(", ")}`;
}

/** A column's version; with its parts, where it has any. */
function versionsOf({ version, parts }: Column): unknown {
  return parts === undefined ? version : [version, parts.map((part) => [part.name, part.version])];
}

function savedColumn(index: number, name: unknown, versions: unknown, isPlain: boolean): SavedColumn {
  const [version, parts]: unknown[] = Array.isArray(versions) ? versions : [versions, isPlain ? undefined : []];
  const isWhole = typeof name === "string" && Number.isSafeInteger(version);
  if (!isWhole || !(parts === undefined || (Array.isArray(parts) && parts.every(isSavedPart))))
    throw corrupt(index, "it does not say which state it holds");
  return {
    name,
    version: version as number,
    parts: parts?.map(([part, of]) => ({ name: part, version: of })),
  };
}

function isSavedPart(part: unknown): part is [string, number] {
  return Array.isArray(part) && typeof part[0] === "string" && Number.isSafeInteger(part[1]);
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

function decodePayload(
  index: number,
  bytes: Uint8Array,
): readonly [names: readonly unknown[], rows: readonly unknown[], versions: readonly unknown[] | undefined] {
  const payload = bytes.subarray(headerBytes);
  if (bytes.length <= headerBytes) throw corrupt(index, `${bytes.length} bytes are too few`);
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const computed = crc32(payload);
  if (stored !== computed) throw corrupt(index, `its checksum is ${computed}, and ${stored} was stored`);
  const value = decodeValue(index, payload);
  if (!Array.isArray(value) || !Array.isArray(value[0]) || !Array.isArray(value[1]))
    throw corrupt(index, "it holds no rows");
  return [value[0], value[1], Array.isArray(value[2]) ? value[2] : undefined];
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
