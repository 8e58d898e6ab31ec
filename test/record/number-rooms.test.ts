/** Room for columns of numbers: small integers leave it as what engines keep without a box, and are the same numbers. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NumberRooms } from "../../framework/record/number-rooms.ts";

const anyNumber = fc.oneof(
  { weight: 20, arbitrary: fc.integer() },
  fc.constantFrom(-0, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 0.5, Number.NaN, Infinity, -Infinity),
);

describe("NR1: small integers", () => {
  test("are the same numbers; one that is none, -0 included, and there are none", () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { maxLength: 20 }), (values) => {
        const found = new NumberRooms().integers(0, Float64Array.from(values), values.length);
        const isSmall = (value: number): boolean => Object.is(value | 0, value);
        const expected = values.every(isSmall) ? values : undefined;
        expect(found && Array.from(found.subarray(0, values.length))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("only the numbers of the column are looked at, not what was in its room before", () => {
    const rooms = new NumberRooms();
    const numbers = rooms.doubles(0, 3);
    numbers.set([1, 2, 0.5]);
    expect(Array.from(rooms.integers(0, numbers, 2)!.subarray(0, 2))).toEqual([1, 2]);
  });
});

describe("rooms", () => {
  test("each place has its own, which stays the same while it is large enough", () => {
    const rooms = new NumberRooms();
    const first = rooms.doubles(0, 100);
    expect(rooms.doubles(1, 100)).not.toBe(first);
    expect(rooms.doubles(0, 200)).toBe(first);
    expect(rooms.doubles(0, first.length + 1).length).toBeGreaterThan(first.length);
    expect(rooms.integers(0, Float64Array.of(1), 1)).not.toBe(rooms.integers(1, Float64Array.of(1), 1));
  });

  test("a huge one is not kept", () => {
    const rooms = new NumberRooms();
    expect(rooms.doubles(0, 1_000_000)).not.toBe(rooms.doubles(0, 1_000_000));
  });
});
