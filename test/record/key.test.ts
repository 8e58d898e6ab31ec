/**
 * Keys: identity, hash, partition.
 */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalKeyBytes, checkKey, hashKey, keyId, partitionOf, renderKey } from "../../framework/record/key.ts";
import type { Key } from "../../framework/record/key.ts";
import { murmur3 } from "../../framework/record/murmur3.ts";
import { anyNumber, anyString } from "./values.ts";

const anyPart = fc.oneof(
  anyString,
  anyNumber.filter((value) => !Number.isNaN(value)),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom("", "1", "a", "\0", "\0s", "\0ts1:a", "s1:a", 1, -1, 1n, true, false),
);
const anyKey: fc.Arbitrary<Key> = fc.oneof(anyPart, fc.array(anyPart, { maxLength: 4 }));

function hex(key: Key): string {
  return Buffer.from(canonicalKeyBytes(key)).toString("hex");
}

describe("canonicalKeyBytes", () => {
  test("K1: a tag for the type, then the value", () => {
    expect(hex("ab")).toBe("016162");
    expect(hex("é")).toBe("01c3a9");
    expect(hex("\ud800")).toBe("0200d8");
    expect(hex(1)).toBe("03000000000000f03f");
    expect(hex(Infinity)).toBe("03000000000000f07f");
    expect(hex(true)).toBe("0401");
    expect(hex(-255n)).toBe("052d6666");
    expect(hex(["a", false])).toBe("06020000000161020000000400");
    expect(hex([])).toBe("06");
  });

  test("K1: -0 is 0, alone and in a tuple", () => {
    expect(hex(-0)).toBe(hex(0));
    expect(hex([-0])).toBe(hex([0]));
    expect(keyId(-0)).toBe(0);
    expect(keyId([-0])).toBe(keyId([0]));
  });

  test('K1: 1, "1", 1n, true and [1] differ', () => {
    expect(new Set([1, "1", 1n, true, [1], ["1"], "\u0001"].map((key) => hex(key))).size).toBe(7);
  });

  test("K1: what is answered is a copy", () => {
    const bytes = canonicalKeyBytes("first");
    canonicalKeyBytes("other");
    expect(Buffer.from(bytes).toString("latin1")).toBe("\u0001first");
  });
});

describe("hashKey", () => {
  test("K2: is murmur3 of the canonical bytes, whatever the path", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(hashKey(key)).toBe(murmur3(canonicalKeyBytes(key)));
      }),
      { numRuns: 1000 },
    );
  });

  test("K2: ASCII strings of every length up to 200 are hashed as their bytes", () => {
    for (let length = 0; length <= 200; length++) {
      const key = Array.from({ length }, (_, at) => String.fromCharCode(33 + ((at * 7) % 90))).join("");
      expect(hashKey(key)).toBe(murmur3(canonicalKeyBytes(key)));
    }
  });

  test("K2: hashes and partitions never change", () => {
    expect(["", "a", "device-00000042", "é", 1, -1.5, true, 12n, ["a", 1]].map((key) => hashKey(key)))
      .toMatchInlineSnapshot(`
      [
        3831157163,
        3889858547,
        162471398,
        1317339919,
        3970907892,
        3120581721,
        712661126,
        690596705,
        3536052467,
      ]
    `);
    expect(partitionOf(0xffffffff, 8)).toBe(7);
  });

  test("K2: partitions are evenly filled", () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let at = 0; at < 8000; at++) counts[partitionOf(hashKey(`device-${at}`), 8)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(850);
  });
});

describe("keyId", () => {
  test("K3: two keys have the same id exactly when their canonical bytes are the same", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (some, other) => {
        const areOne = new Map([[keyId(some), 1]]).has(keyId(other));
        expect(areOne).toBe(hex(some) === hex(other));
      }),
      { numRuns: 3000 },
    );
  });

  test("K3: no string is the id of a tuple", () => {
    for (const tuple of [[], ["a"], [1], ["a", "b"], [true], [1n]] as Key[]) {
      const id = keyId(tuple);
      expect(keyId(String(id))).not.toBe(id);
      expect(keyId(String(id).slice(1))).not.toBe(id);
    }
  });

  test("K3: parts of tuples do not run into each other", () => {
    expect(keyId(["ab", "c"])).not.toBe(keyId(["a", "bc"]));
    expect(keyId(["1"])).not.toBe(keyId([1]));
    expect(keyId([1n])).not.toBe(keyId([1]));
  });
});

describe("checkKey", () => {
  test("takes strings, numbers, infinities, booleans, bigints and flat tuples", () => {
    for (const key of ["", "a", 0, -1.5, Infinity, true, 12n, [], ["a", 1, true, 2n]]) expect(checkKey(key)).toBe(key);
  });

  test.each([
    [Number.NaN, "NaN"],
    [undefined, "undefined"],
    [null, "null"],
    [{ a: 1 }, "{a}"],
    [[1, [2]], "[1, […]]"],
    [[Number.NaN], "[NaN]"],
    [[undefined], "[undefined]"],
    [() => 1, "a function"],
    [Symbol("s"), "Symbol(s)"],
    [new Date(0), "{}"],
  ])("refuses %s and quotes it", (value, quoted) => {
    expect(() => checkKey(value)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
    expect(() => checkKey(value)).toThrow(`${quoted} cannot be a key`);
  });

  test("takes 4,096 canonical bytes and refuses one more", () => {
    expect(checkKey("x".repeat(4095))).toHaveLength(4095);
    for (const key of [
      "x".repeat(4096),
      "é".repeat(2048),
      "\ud800".repeat(2048),
      16n ** 5000n,
      Array.from({ length: 500 }, () => 1),
    ]) {
      expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
      expect(() => hashKey(key)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
    }
    expect(() => checkKey("x".repeat(10_000))).toThrow(
      /^"x{79}…" cannot be a key: its canonical form has more than 4096 bytes/,
    );
  });
});

test("renderKey is short and tells types apart", () => {
  expect(["a", 1, true, 12n, ["a", 1n]].map((key) => renderKey(key))).toEqual(['"a"', "1", "true", "12n", '["a", 1n]']);
  expect(renderKey("x".repeat(1000)).length).toBeLessThan(100);
});
