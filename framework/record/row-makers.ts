/**
 * Makes records of a shape from columns.
 *
 * The first shape with so many properties has a function to itself, with one place in the code per property: its records are made as fast as by a literal. All other
 * shapes, and one that was forgotten and comes again, share a loop, in which the engine finds each property by its name (`npm run bench -- shapes` prints what each
 * costs): two shapes in one function of places would lose what places gain.
 *
 * RM1. A name is never anything but the key of an own property. One that plain objects inherit (`__proto__`, `constructor`, ...) is defined, not assigned.
 */
import { setOwn } from "./message-pack-reader.ts";
import type { ColumnValues, Row } from "./shape.ts";

/** Makes `count` rows from as many columns as there are names, and stores them in `into` from `from` on. */
export type MakeRows = (
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
) => void;

/** The function for rows of one more shape, with these names. */
export function makerFor(names: readonly string[]): MakeRows {
  if (names.some((name) => name in Object.prototype)) return makeByDefinition;
  const own = makers[names.length - 1];
  makers[names.length - 1] = undefined;
  return own ?? makeAny;
}

function makeByDefinition(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    for (let column = 0; column < names.length; column += 1) setOwn(row, names[column]!, columns[column]![at]);
    into[from + at] = row;
  }
}

function makeAny(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    for (let column = 0; column < names.length; column += 1) row[names[column]!] = columns[column]![at];
    into[from + at] = row;
  }
}

/** By number of properties, less one; what has been given away is not there any more. */
const makers: (MakeRows | undefined)[] = [make1, make2, make3, make4, make5, make6, make7, make8];

function make1(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    into[from + at] = row;
  }
}

function make2(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    into[from + at] = row;
  }
}

function make3(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  const k2 = names[2]!;
  const v2 = columns[2]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    row[k2] = v2[at];
    into[from + at] = row;
  }
}

function make4(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  const k2 = names[2]!;
  const v2 = columns[2]!;
  const k3 = names[3]!;
  const v3 = columns[3]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    row[k2] = v2[at];
    row[k3] = v3[at];
    into[from + at] = row;
  }
}

function make5(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  const k2 = names[2]!;
  const v2 = columns[2]!;
  const k3 = names[3]!;
  const v3 = columns[3]!;
  const k4 = names[4]!;
  const v4 = columns[4]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    row[k2] = v2[at];
    row[k3] = v3[at];
    row[k4] = v4[at];
    into[from + at] = row;
  }
}

function make6(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  const k2 = names[2]!;
  const v2 = columns[2]!;
  const k3 = names[3]!;
  const v3 = columns[3]!;
  const k4 = names[4]!;
  const v4 = columns[4]!;
  const k5 = names[5]!;
  const v5 = columns[5]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    row[k2] = v2[at];
    row[k3] = v3[at];
    row[k4] = v4[at];
    row[k5] = v5[at];
    into[from + at] = row;
  }
}

function make7(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  const k2 = names[2]!;
  const v2 = columns[2]!;
  const k3 = names[3]!;
  const v3 = columns[3]!;
  const k4 = names[4]!;
  const v4 = columns[4]!;
  const k5 = names[5]!;
  const v5 = columns[5]!;
  const k6 = names[6]!;
  const v6 = columns[6]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    row[k2] = v2[at];
    row[k3] = v3[at];
    row[k4] = v4[at];
    row[k5] = v5[at];
    row[k6] = v6[at];
    into[from + at] = row;
  }
}

function make8(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  const k1 = names[1]!;
  const v1 = columns[1]!;
  const k2 = names[2]!;
  const v2 = columns[2]!;
  const k3 = names[3]!;
  const v3 = columns[3]!;
  const k4 = names[4]!;
  const v4 = columns[4]!;
  const k5 = names[5]!;
  const v5 = columns[5]!;
  const k6 = names[6]!;
  const v6 = columns[6]!;
  const k7 = names[7]!;
  const v7 = columns[7]!;
  for (let at = 0; at < count; at += 1) {
    const row: Row = {};
    row[k0] = v0[at];
    row[k1] = v1[at];
    row[k2] = v2[at];
    row[k3] = v3[at];
    row[k4] = v4[at];
    row[k5] = v5[at];
    row[k6] = v6[at];
    row[k7] = v7[at];
    into[from + at] = row;
  }
}
