/** Columns of strings: every string comes back, and what all of them begin with is written once. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../framework/record/byte-writer.ts";
import { StringColumn, readStrings } from "../../framework/record/string-column.ts";
import { WireReader } from "../../framework/record/wire-reader.ts";

/** A column's message, without the field around it. */
function written(column: StringColumn, values: readonly string[]): Uint8Array {
  column.reset();
  for (const [index, value] of values.entries()) column.put(index, value);
  const out = new ByteWriter();
  column.write(out, values.length);
  const reader = new WireReader(out.copy());
  reader.tag();
  reader.enter("column");
  return reader.bytes.subarray(reader.at, reader.end);
}

function read(bytes: Uint8Array, count: number): string[] {
  return readStrings(new WireReader(bytes), count);
}

function bytesEach(make: (index: number) => string): number {
  return (
    written(
      new StringColumn(),
      Array.from({ length: 1000 }, (_, at) => make(at)),
    ).length / 1000
  );
}

const anyEnd = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  fc.nat().map(String),
);
const anyPrefix = fc.constantFrom(
  "",
  "d",
  "device-",
  "é-",
  "x".repeat(63),
  "x".repeat(64),
  "x".repeat(65),
  "y".repeat(300),
);
const anyColumn = fc
  .tuple(anyPrefix, fc.array(anyEnd, { minLength: 1, maxLength: 40 }), fc.constantFrom("", "z".repeat(40)))
  .map(([prefix, ends, tail]) => ends.map((end) => prefix + end + tail));

describe("strings come back", () => {
  test("whatever they begin with, and whatever the sections before have taught", () => {
    fc.assert(
      fc.property(fc.array(anyColumn, { minLength: 1, maxLength: 4 }), (sections) => {
        const column = new StringColumn();
        for (const values of sections) expect(read(written(column, values), values.length)).toEqual(values);
      }),
      { numRuns: 2000 },
    );
  });

  test("CP1: when one is what all of them begin with", () => {
    const values = ["sensor-1", "sensor-12", "sensor-", "sensor-3", "sensor-44"];
    expect(read(written(new StringColumn(), values), 5)).toEqual(values);
  });

  test("CP1: when they are all the same, or empty", () => {
    for (const value of ["", "a", "ab", "the same string for all of them"]) {
      const values = Array.from({ length: 100 }, () => value);
      const column = new StringColumn();
      // Without a dictionary too: that is not looked for in the sections after one that it did not pay for.
      expect(read(written(column, ["q", "w", "e", "r"]), 4)).toEqual(["q", "w", "e", "r"]);
      expect(read(written(column, values), 100)).toEqual(values);
    }
  });
});

describe("bytes per string", () => {
  test("keys of one kind take what they differ in", () => {
    expect(bytesEach((at) => `device-${String((at * 7919) % 10_000).padStart(8, "0")}`)).toBeLessThan(4.1);
  });

  test("lengths are written where they differ", () => {
    expect(bytesEach((at) => `device-${(at * 7919) % 100_000}`)).toBeLessThan(6.1);
  });
});

describe("CORRUPT", () => {
  function strings(fields: { lengths?: number[]; utf8?: string; prefix?: string; length?: number }): Uint8Array {
    const out = new ByteWriter();
    if (fields.lengths !== undefined) out.bytesField(1, new Uint8Array(fields.lengths));
    if (fields.utf8 !== undefined) out.bytesField(2, new TextEncoder().encode(fields.utf8));
    if (fields.prefix !== undefined) out.bytesField(4, new TextEncoder().encode(fields.prefix));
    if (fields.length !== undefined) out.integerField(5, fields.length);
    return out.copy();
  }

  test("what is written by hand is read, in UTF-8 too", () => {
    expect(read(strings({ utf8: "abcd", prefix: "pé", length: 2 }), 2)).toEqual(["péab", "pécd"]);
    expect(read(strings({ lengths: [1, 0], utf8: "a" }), 2)).toEqual(["a", ""]);
  });

  test.each([
    [{ utf8: "abc", length: 2 }, "strings of 2 bytes expected in 3 bytes"],
    [{ utf8: "abcd", length: 2 }, "3 strings expected, 2 found"],
    [{ utf8: "abc", lengths: [1, 1, 1], prefix: "x".repeat(65) }, "a prefix of at most 64 bytes expected, 65 found"],
    [{ utf8: "a", lengths: [1, 0, 0], prefix: "x" }, "3 strings of at least one byte expected"],
    [{ utf8: "abc", lengths: [1, 1] }, "strings end at byte"],
  ])("%o", (message, reason) => {
    expect(() => read(strings(message), 3)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
    expect(() => read(strings(message), 3)).toThrow(reason);
  });
});
