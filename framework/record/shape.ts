/**
 * Shapes: the property names, in order, that many records share, and the fastest way from such a record to columns and back.
 *
 * Owns the code for each shape. It is generated once a shape has proved common: generated code reads and makes records at a fraction of the cost
 * of code that loops over names (a fifth when making them), as every access is to one known place. Where the process forbids generating
 * code, and for shapes that are rare, the loops do the same.
 *
 * H1. Names come off the wire: in generated code they stand as quoted JSON strings only, `__proto__` as a computed name, and never as code.
 * H2. The generated code and the loops do the same, in the same order.
 * H3. What is kept is bounded: data whose names vary without end (maps used as records) gets no generated code and no place for ever.
 */
import { Buffer } from "node:buffer";
import { ByteWriter } from "./byte-writer.ts";
import type { Column } from "./column.ts";
import { corrupt } from "./corrupt.ts";
import { setOwn } from "./message-pack-reader.ts";
import { ValueColumn } from "./value-column.ts";
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

/** Puts the properties of `row` into `columns`, as value number `index`; answers the bytes they take, or -1 for a row of another shape. */
type PutRow = (row: Row, index: number, columns: Column[]) => number;

/** What a column decodes to. */
export type ColumnValues = ArrayLike<unknown>;

/** Makes `count` rows from `columns` and stores them in `into` from `from` on. */
type MakeRows = (columns: readonly ColumnValues[], count: number, into: unknown[], from: number) => void;

const rowsBeforeCode = 512;
const shapesMax = 512;
const nameField = 1;

/** One shape; the same object for every section that has it, as long as it is remembered (H3). */
export class Shape {
  readonly names: readonly string[];
  /** The message `Shape` of `frame.proto`. */
  readonly encoded: Uint8Array;
  #put: PutRow;
  #make: MakeRows;
  #putLeft = rowsBeforeCode;
  #makeLeft = rowsBeforeCode;

  constructor(names: readonly string[], encoded: Uint8Array) {
    this.names = names;
    this.encoded = encoded;
    this.#put = (row, index, columns) => putByName(names, row, index, columns);
    this.#make = (columns, count, into, from) => makeByName(names, columns, count, into, from);
  }

  /** Puts the properties of a plain object into columns; -1, and nothing of use written, when it is of another shape. */
  put(row: Row, index: number, columns: Column[]): number {
    if (this.#putLeft > 0 && --this.#putLeft === 0) this.#put = generatePut(this.names) ?? this.#put;
    return this.#put(row, index, columns);
  }

  /** Makes `count` records from columns. */
  makeRows(columns: readonly ColumnValues[], count: number, into: unknown[], from: number): void {
    if (this.#makeLeft > 0) {
      this.#makeLeft -= count;
      if (this.#makeLeft <= 0) this.#make = generateMake(this.names) ?? this.#make;
    }
    this.#make(columns, count, into, from);
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
    names.push(reader.bytes.utf8Slice(reader.at, end));
    reader.at = end;
  }
  if (names.length === 0 || names.length > shapeNamesMax || new Set(names).size !== names.length) {
    throw corrupt(`a shape of 1 to ${shapeNamesMax} different names expected, ${names.length} found`);
  }
  return names;
}

/** The shape under `key`, made when it is new; when there are too many, all are forgotten and begin again (H3). */
function remembered(key: string, make: () => Shape): Shape {
  const known = shapes.get(key);
  if (known !== undefined) return known;
  const shape = make();
  if (shapes.size >= shapesMax) shapes = new Map();
  shapes.set(key, shape);
  return shape;
}

/** Puts one property; a column that is not of the value's kind becomes one of anything. */
function putField(columns: Column[], at: number, index: number, value: unknown): number {
  const size = columns[at]!.put(index, value);
  return size >= 0 ? size : generalise(columns, at, index).put(index, value);
}

/** Replaces a column by one of anything with the same first `count` values. */
export function generalise(columns: Column[], at: number, count: number): Column {
  const column = columns[at]!;
  const general = new ValueColumn();
  for (let index = 0; index < count; index++) general.put(index, column.get(index));
  columns[at] = general;
  return general;
}

function hasNames(names: readonly string[], row: Row): boolean {
  let at = 0;
  for (const name in row) if (name !== names[at++]) return false;
  return at === names.length;
}

function putByName(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  if (!hasNames(names, row)) return -1;
  let size = 0;
  for (let at = 0; at < names.length; at++) size += putField(columns, at, index, row[names[at]!]);
  return size;
}

function makeByName(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  for (let index = 0; index < count; index++) {
    const row: Row = {};
    for (let at = 0; at < names.length; at++) setOwn(row, names[at]!, columns[at]![index]);
    into[from + index] = row;
  }
}

function generatePut(names: readonly string[]): PutRow | undefined {
  const puts = names.map(
    (name, at) => `
    value = row[${JSON.stringify(name)}];
    fieldSize = columns[${at}].put(index, value);
    size += fieldSize >= 0 ? fieldSize : generalise(columns, ${at}, index).put(index, value);`,
  );
  const body = `return (row, index, columns) => {
    let at = 0;
    for (const name in row) if (name !== names[at++]) return -1;
    if (at !== names.length) return -1;
    let size = 0, fieldSize = 0, value;${puts.join("")}
    return size;
  };`;
  return generate("names", "generalise", body)?.(names, generalise) as PutRow | undefined;
}

function generateMake(names: readonly string[]): MakeRows | undefined {
  const columns = names.map((_, at) => `const column${at} = columns[${at}];`);
  const parts = names.map((name, at) => `${quoted(name)}: column${at}[index]`);
  const body = `return (columns, count, into, from) => {
    ${columns.join("\n")}
    for (let index = 0; index < count; index++) into[from + index] = { ${parts.join(", ")} };
  };`;
  return generate(body)?.() as MakeRows | undefined;
}

/** A name as it stands in an object literal (H1). */
function quoted(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}

/** A function of the given parameters and body, or undefined where the process does not allow code to be generated. */
function generate(...parts: string[]): ((...values: unknown[]) => unknown) | undefined {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- H1: names are quoted
    return new Function(...parts) as (...values: unknown[]) => unknown;
  } catch {
    return undefined;
  }
}
