/**
 * Makes records of a shape from columns, by literals with computed names: one function per number of properties.
 *
 * A literal gives the engine one place per property, so records of one shape are made in less than half the time of a loop over names; and a name is never
 * anything but the key of a property (`__proto__` included: a computed name defines it, it does not change the prototype).
 */
import type { ColumnValues } from "./shape.ts";

/** Makes `count` rows from as many columns as there are names, and stores them in `into` from `from` on. */
export type MakeRows = (
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
) => void;

/** By number of properties, from 1 to 8; the first 8 properties of wider rows. */
export const makeLiterals: readonly MakeRows[] = [make1, make2, make3, make4, make5, make6, make7, make8];

function make1(
  names: readonly string[],
  columns: readonly ColumnValues[],
  count: number,
  into: unknown[],
  from: number,
): void {
  const k0 = names[0]!;
  const v0 = columns[0]!;
  for (let at = 0; at < count; at += 1) into[from + at] = { [k0]: v0[at] };
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
  for (let at = 0; at < count; at += 1) into[from + at] = { [k0]: v0[at], [k1]: v1[at] };
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
  for (let at = 0; at < count; at += 1) into[from + at] = { [k0]: v0[at], [k1]: v1[at], [k2]: v2[at] };
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
  for (let at = 0; at < count; at += 1) into[from + at] = { [k0]: v0[at], [k1]: v1[at], [k2]: v2[at], [k3]: v3[at] };
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
  for (let at = 0; at < count; at += 1)
    into[from + at] = { [k0]: v0[at], [k1]: v1[at], [k2]: v2[at], [k3]: v3[at], [k4]: v4[at] };
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
  for (let at = 0; at < count; at += 1)
    into[from + at] = { [k0]: v0[at], [k1]: v1[at], [k2]: v2[at], [k3]: v3[at], [k4]: v4[at], [k5]: v5[at] };
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
  for (let at = 0; at < count; at += 1)
    into[from + at] = {
      [k0]: v0[at],
      [k1]: v1[at],
      [k2]: v2[at],
      [k3]: v3[at],
      [k4]: v4[at],
      [k5]: v5[at],
      [k6]: v6[at],
    };
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
  for (let at = 0; at < count; at += 1)
    into[from + at] = {
      [k0]: v0[at],
      [k1]: v1[at],
      [k2]: v2[at],
      [k3]: v3[at],
      [k4]: v4[at],
      [k5]: v5[at],
      [k6]: v6[at],
      [k7]: v7[at],
    };
}
