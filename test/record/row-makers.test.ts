/** Rows from columns: the first shape with so many properties, and all that come after it, have the same rows. */
import { describe, expect, test } from "vitest";
import { makerFor } from "../../framework/record/row-makers.ts";

const counts = Array.from({ length: 10 }, (_, at) => at + 1);
const rows = 5;

function namesOf(shape: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${shape}${at}`);
}

function columnsOf(names: readonly string[]): (readonly unknown[] | Float64Array)[] {
  return names.map((name, place) =>
    place % 2 === 0
      ? Array.from({ length: rows }, (_, at) => `${name}.${at}`)
      : Float64Array.from({ length: rows }, (_, at) => at / 2),
  );
}

function made(names: readonly string[]): unknown[] {
  const into: unknown[] = ["before", ...Array.from({ length: rows }), "after"];
  makerFor(names)(names, columnsOf(names), rows, into, 1);
  expect([into[0], into.at(-1)]).toEqual(["before", "after"]);
  return into.slice(1, -1);
}

function expected(names: readonly string[]): object[] {
  const columns = columnsOf(names);
  return Array.from({ length: rows }, (_, at) =>
    Object.fromEntries(names.map((name, place) => [name, columns[place]?.[at]])),
  );
}

describe.each(counts)("of %d properties", (count) => {
  test.each(["first", "second", "third"])("the %s shape: each name has its column's value, in order", (shape) => {
    const names = namesOf(shape, count);
    expect(made(names).map((row) => Object.entries(row as object))).toEqual(
      expected(names).map((row) => Object.entries(row)),
    );
  });

  test.each(["__proto__", "constructor", "toString"])("RM1: %s is a property like others", (inherited) => {
    const names = [...namesOf("own", count - 1), inherited];
    const all = made(names);
    expect(all.map((row) => Object.keys(row as object))).toEqual(all.map(() => names));
    expect(all.map((row) => Object.getOwnPropertyDescriptor(row, inherited))).toEqual(
      expected(names).map((row) => Object.getOwnPropertyDescriptor(row, inherited)),
    );
    expect(new Set(all.map((row): unknown => Object.getPrototypeOf(row)))).toEqual(new Set([Object.prototype]));
  });
});
