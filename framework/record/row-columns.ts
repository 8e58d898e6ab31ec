/**
 * Takes records of a shape into columns.
 *
 * The first shape with so many properties has a function to itself, with one place in the code per property: the engine knows each such place's name. All other shapes,
 * and one that was forgotten and comes again, share a loop over the names that are there (`npm run bench -- shapes` prints what each costs): two shapes in one function
 * of places would lose what places gain. Names are keys of properties, never anything else.
 */
import type { Column } from "./column.ts";
import type { Row } from "./shape.ts";
import { ValueColumn } from "./value-column.ts";

/** Puts the properties of `row`, which are called `names` in this order, into `columns`, as value number `index`; answers the bytes they take. */
export type PutRow = (names: readonly string[], row: Row, index: number, columns: Column[]) => number;

/** The function for rows of one more shape, of `count` properties. */
export function putFor(count: number): PutRow {
  const own = puts[count - 1];
  puts[count - 1] = undefined;
  return own ?? putAny;
}

/** Replaces a column by one of anything with the same first `count` values. */
export function generalise(columns: Column[], at: number, count: number): Column {
  const column = columns[at]!;
  const general = new ValueColumn();
  for (let index = 0; index < count; index++) general.put(index, column.get(index));
  columns[at] = general;
  return general;
}

/** A column took its value, in `size` bytes; or (-1) it is not of the value's kind, and becomes one of anything. */
function sizeOf(size: number, columns: Column[], at: number, index: number, value: unknown): number {
  return size >= 0 ? size : generalise(columns, at, index).put(index, value);
}

/** A loop over the properties that are there: the engine then has their values at hand, whatever the shape. */
function putAny(_names: readonly string[], row: Row, index: number, columns: Column[]): number {
  let size = 0;
  let at = 0;
  for (const name in row) {
    const value = row[name];
    size += sizeOf(columns[at]!.put(index, value), columns, at, index, value);
    at++;
  }
  return size;
}

/** By number of properties, less one; what has been given away is not there any more. */
const puts: (PutRow | undefined)[] = [put1, put2, put3, put4, put5, put6, put7, put8];

function put1(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  return sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0);
}

function put2(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1)
  );
}

function put3(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  const v2 = row[names[2]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1) +
    sizeOf(columns[2]!.put(index, v2), columns, 2, index, v2)
  );
}

function put4(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  const v2 = row[names[2]!];
  const v3 = row[names[3]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1) +
    sizeOf(columns[2]!.put(index, v2), columns, 2, index, v2) +
    sizeOf(columns[3]!.put(index, v3), columns, 3, index, v3)
  );
}

function put5(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  const v2 = row[names[2]!];
  const v3 = row[names[3]!];
  const v4 = row[names[4]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1) +
    sizeOf(columns[2]!.put(index, v2), columns, 2, index, v2) +
    sizeOf(columns[3]!.put(index, v3), columns, 3, index, v3) +
    sizeOf(columns[4]!.put(index, v4), columns, 4, index, v4)
  );
}

function put6(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  const v2 = row[names[2]!];
  const v3 = row[names[3]!];
  const v4 = row[names[4]!];
  const v5 = row[names[5]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1) +
    sizeOf(columns[2]!.put(index, v2), columns, 2, index, v2) +
    sizeOf(columns[3]!.put(index, v3), columns, 3, index, v3) +
    sizeOf(columns[4]!.put(index, v4), columns, 4, index, v4) +
    sizeOf(columns[5]!.put(index, v5), columns, 5, index, v5)
  );
}

function put7(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  const v2 = row[names[2]!];
  const v3 = row[names[3]!];
  const v4 = row[names[4]!];
  const v5 = row[names[5]!];
  const v6 = row[names[6]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1) +
    sizeOf(columns[2]!.put(index, v2), columns, 2, index, v2) +
    sizeOf(columns[3]!.put(index, v3), columns, 3, index, v3) +
    sizeOf(columns[4]!.put(index, v4), columns, 4, index, v4) +
    sizeOf(columns[5]!.put(index, v5), columns, 5, index, v5) +
    sizeOf(columns[6]!.put(index, v6), columns, 6, index, v6)
  );
}

function put8(names: readonly string[], row: Row, index: number, columns: Column[]): number {
  const v0 = row[names[0]!];
  const v1 = row[names[1]!];
  const v2 = row[names[2]!];
  const v3 = row[names[3]!];
  const v4 = row[names[4]!];
  const v5 = row[names[5]!];
  const v6 = row[names[6]!];
  const v7 = row[names[7]!];
  return (
    sizeOf(columns[0]!.put(index, v0), columns, 0, index, v0) +
    sizeOf(columns[1]!.put(index, v1), columns, 1, index, v1) +
    sizeOf(columns[2]!.put(index, v2), columns, 2, index, v2) +
    sizeOf(columns[3]!.put(index, v3), columns, 3, index, v3) +
    sizeOf(columns[4]!.put(index, v4), columns, 4, index, v4) +
    sizeOf(columns[5]!.put(index, v5), columns, 5, index, v5) +
    sizeOf(columns[6]!.put(index, v6), columns, 6, index, v6) +
    sizeOf(columns[7]!.put(index, v7), columns, 7, index, v7)
  );
}
