/** Columns of numbers: every number comes back with its bits, and usual ones take few bytes. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../framework/record/byte-writer.ts";
import { NumberColumn, readNumbers } from "../../framework/record/number-column.ts";
import { WireReader } from "../../framework/record/wire-reader.ts";

/** A column's message, without the field around it. */
function written(column: NumberColumn, values: readonly number[]): Uint8Array {
  column.reset();
  for (const [index, value] of values.entries()) column.set(index, value);
  const out = new ByteWriter();
  column.writeField(out, 1, values.length);
  const reader = new WireReader(out.copy());
  reader.tag();
  reader.enter("column");
  return reader.bytes.subarray(reader.at, reader.end);
}

function read(bytes: Uint8Array, count: number): number[] {
  const into = readNumbers(new WireReader(bytes), count, (size) => new Float64Array(size), 0);
  return Array.from(into);
}

function bytesEach(make: (index: number) => number): number {
  return (
    written(
      new NumberColumn(),
      Array.from({ length: 1000 }, (_, at) => make(at)),
    ).length / 1000
  );
}

const anyDecimal = fc.tuple(fc.integer({ min: -2e9, max: 2e9 }), fc.nat(10)).map(([n, places]) => n / 10 ** places);
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 2 ** 51, 2 ** 51 + 1, -(2 ** 51), 1e308, 5e-324, 0.1 + 0.2, 1e-9, 1e-10, 2 ** 32, 2 ** 32 - 1),
);
const anyColumn = fc.oneof(
  fc.array(anyNumber, { minLength: 1, maxLength: 60 }),
  fc.array(anyDecimal, { minLength: 1, maxLength: 60 }),
  fc.array(fc.nat(255), { minLength: 1, maxLength: 60 }),
  fc
    .tuple(anyNumber, fc.array(fc.integer({ min: 0, max: 2 ** 33 }), { minLength: 1, maxLength: 60 }))
    .map(([base, steps]) => steps.map((step) => base + step)),
  // Far apart at one place, near each other at all others, by one byte, two or three: what deltas are for.
  fc
    .array(fc.oneof(fc.nat(60), fc.integer({ min: -9_000, max: 9_000 }), fc.integer()), { minLength: 20 })
    .map((steps) => {
      let value = 0;
      return steps.map((step) => (value += step)).toSpliced(9, 1, value + 2 ** 40);
    }),
  fc.tuple(fc.array(anyDecimal, { minLength: 1, maxLength: 60 }), anyNumber).map(([some, odd]) => [...some, odd]),
);

describe("N1: numbers come back with their bits", () => {
  test("whatever they are, and whatever the sections before have taught", () => {
    fc.assert(
      fc.property(fc.array(anyColumn, { minLength: 1, maxLength: 5 }), (sections) => {
        const column = new NumberColumn();
        for (const values of sections) {
          const found = read(written(column, values), values.length);
          expect(found.length).toBe(values.length);
          for (const [index, value] of values.entries()) expect(Object.is(found[index], value)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([1, 2, 3, 4])("distances of up to %i bytes, at both ends of their range", (width) => {
    for (const range of [256 ** width - 1, 256 ** width]) {
      for (const least of [0, -7, 1_760_000_000_000, -(2 ** 51)]) {
        const values = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? least : least + range));
        expect(read(written(new NumberColumn(), values), 40)).toEqual(values);
      }
    }
  });
});

describe("bytes per number", () => {
  test("measurements with few decimal places are not doubles", () => {
    expect(bytesEach((at) => Math.round(20_000 + 5_000 * Math.sin(at)) / 1_000)).toBeLessThan(2.1);
    expect(bytesEach((at) => 230 + (at % 50) / 10)).toBeLessThan(2.1);
  });

  test("sorted timestamps take a byte each, within a second and within hours", () => {
    expect(bytesEach((at) => 1_760_000_000_000 + Math.floor(at / 4))).toBeLessThan(1.1);
    expect(bytesEach((at) => 1_760_000_000_000 + 60 * at)).toBeLessThan(1.1);
  });

  test("integers that mostly lie a few apart take a byte each, however far some are from others", () => {
    expect(bytesEach((at) => (at < 500 ? 3 * at : 1e9 + 3 * at))).toBeLessThan(1.1);
  });

  test("integers without order take as many bytes as their range", () => {
    expect(bytesEach((at) => Math.imul(at, 2654435761) & 0xff)).toBeLessThan(1.1);
    expect(bytesEach((at) => Math.imul(at, 2654435761) & 0xffff)).toBeLessThan(2.1);
  });

  test("numbers that are no decimals stay doubles, also where a few of them look like some", () => {
    expect(bytesEach((at) => (at === 0 ? 1.5 : Math.sin(at)))).toBeLessThan(8.1);
    expect(bytesEach((at) => (at % 2 === 0 ? 0.5 : at * 1e12 + 0.5))).toBeLessThan(8.1);
  });
});

describe("CORRUPT", () => {
  /** A message `NumberColumn` with offsets. */
  function offsets({ width = 1, places = 0, values = 3 }): Uint8Array {
    const out = new ByteWriter();
    const start = out.begin(3, 1);
    out.integerField(1, 10);
    out.integerField(2, width);
    out.integerField(3, places);
    out.bytesField(4, new Uint8Array(values));
    out.end(start, 1);
    return out.copy();
  }

  test("what is written by hand is read", () => {
    expect(read(offsets({}), 3)).toEqual([5, 5, 5]);
    expect(read(offsets({ places: 1, width: 3 }), 1)).toEqual([0.5]);
  });

  test.each([
    [{ width: 0 }, "offsets of 1 to 4 bytes expected, of 0 found"],
    [{ width: 5 }, "offsets of 1 to 4 bytes expected, of 5 found"],
    [{ places: 10 }, "at most 9 decimal places expected, 10 found"],
    [{ values: 4 }, "3 offsets of 1 bytes expected, 4 bytes found"],
    [{ values: 2 }, "3 offsets of 1 bytes expected, 2 bytes found"],
  ])("%o", (message, reason) => {
    expect(() => read(offsets(message), 3)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
    expect(() => read(offsets(message), 3)).toThrow(reason);
  });

  test("no room is asked for on the word of a count (SE2)", () => {
    const room = (): Float64Array => {
      throw new Error("asked for room");
    };
    expect(() => readNumbers(new WireReader(offsets({})), 1_000_000, room, 0)).toThrow("1000000 offsets of 1 bytes");
  });
});
