/**
 * Shapes: the property names, in order, that many records share, and the way from such a record to columns and back.
 *
 * Owns the shapes that are remembered; how rows are made is in `row-makers.ts`.
 *
 * H1. Names come off the wire: they are keys of properties and nothing else, `__proto__` included.
 * H2. What is kept is bounded: data whose names vary without end (maps used as records) gets no place for ever.
 */
import { Buffer } from "node:buffer";
import { ByteWriter } from "./byte-writer.ts";
import type { Column } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import { putFor, type PutRow } from "./row-columns.ts";
import { makerFor, type MakeRows } from "./row-makers.ts";
import type { WireReader } from "./wire-reader.ts";
import { wireType } from "./wire-reader.ts";

/** A record that may travel as columns: a plain object. */
export type Row = Record<string, unknown>;

/** Whether the value is a plain object with a prototype, as literals and parsers make them. */
export function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Records with more properties than this do not travel as columns. */
export const shapeNamesMax = 128;

/** What a column decodes to. */
export type ColumnValues = ArrayLike<unknown>;

const shapesMax = 512;
const nameField = 1;

/** One shape; the same object for every section that has it, as long as it is remembered (H2). */
export class Shape {
  readonly names: readonly string[];
  /** The message `Shape` of `frame.proto`. */
  readonly encoded: Uint8Array;
  readonly #put: PutRow;
  readonly #make: MakeRows;

  constructor(names: readonly string[], encoded: Uint8Array) {
    this.names = names;
    this.encoded = encoded;
    this.#put = putFor(names.length);
    this.#make = makerFor(names);
  }

  /** Puts the properties of a plain object into columns; -1, and nothing of use written, when it is of another shape. */
  put(row: Row, index: number, columns: Column[]): number {
    return hasNames(this.names, row) ? this.#put(this.names, row, index, columns) : -1;
  }

  /** Makes `count` records from columns. */
  makeRows(columns: readonly ColumnValues[], count: number, into: unknown[], from: number): void {
    this.#make(this.names, columns, count, into, from);
  }

  /** Whether `row` has exactly these names in this order. */
  matches(row: Row): boolean {
    return hasNames(this.names, row);
  }
}

let shapes = new Map<string, Shape>();

/** The shape of a plain object, or undefined when it has none that columns are made for: no names, too many, or an ill-formed one. */
export function shapeOf(row: Row): Shape | undefined {
  const names = Object.keys(row);
  if (names.length === 0 || names.length > shapeNamesMax) return undefined;
  const out = new ByteWriter();
  for (const name of names) {
    if (!name.isWellFormed()) return undefined;
    out.bytesField(nameField, Buffer.from(name));
  }
  return remembered(out.bytes.latin1Slice(0, out.at), () => new Shape(names, out.copy()));
}

/** Reads a message `Shape`, up to the reader's end. @throws CORRUPT */
export function readShape(reader: WireReader): Shape {
  const start = reader.at;
  return remembered(reader.bytes.latin1Slice(start, reader.end), () => {
    const names = readNames(reader);
    return new Shape(names, new Uint8Array(reader.bytes.subarray(start, reader.end)));
  });
}

/** The same name as the engine keeps it for keys: with any other string it would look for that one at each access to a property. */
function asKey(name: string): string {
  return Object.keys({ [name]: true })[0]!;
}

function readNames(reader: WireReader): string[] {
  const names: string[] = [];
  while (reader.hasMore) {
    const tag = reader.tag();
    if (tag >>> 3 !== nameField) {
      reader.skip(tag);
      continue;
    }
    reader.expect(tag, wireType.bytes, "name");
    const end = reader.extent("name");
    names.push(asKey(reader.bytes.utf8Slice(reader.at, end)));
    reader.at = end;
  }
  if (names.length === 0 || names.length > shapeNamesMax || new Set(names).size !== names.length) {
    throw corrupt(`a shape of 1 to ${shapeNamesMax} different names expected, ${names.length} found`);
  }
  return names;
}

/** The shape under `key`, made when it is new; when there are too many, all are forgotten and begin again (H2). */
function remembered(key: string, make: () => Shape): Shape {
  const known = shapes.get(key);
  if (known !== undefined) return known;
  const shape = make();
  if (shapes.size >= shapesMax) shapes = new Map();
  shapes.set(key, shape);
  return shape;
}

function hasNames(names: readonly string[], row: Row): boolean {
  let at = 0;
  for (const name in row) if (name !== names[at++]) return false;
  return at === names.length;
}
