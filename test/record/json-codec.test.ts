/**
 * The JSON codec: what it writes is what it reads, and what JSON lacks it refuses.
 */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { json } from "../../framework/record/json-codec.ts";
import { fingerprint, holey, objectOf } from "./values.ts";

const codec = json<unknown>();

test("J1: JSON values come back, -0, lone surrogates and __proto__ included", () => {
  const anyJson = fc.oneof(
    fc.jsonValue({ stringUnit: "binary" }),
    fc.constantFrom<unknown>(-0, { a: [-0, 1] }, "\ud800", objectOf([["__proto__", { a: 1 }]])),
  );
  fc.assert(
    fc.property(anyJson, (value) => {
      expect(fingerprint(codec.decode(codec.encode(value)))).toBe(fingerprint(value));
    }),
    { numRuns: 1000 },
  );
});

test("what is written is JSON for everybody", () => {
  expect(Buffer.from(json<{ a: number[] }>().encode({ a: [1, -0] })).toString()).toBe('{"a":[1,-0]}');
});

test.each([
  [undefined, "$ is undefined"],
  [{ a: [undefined] }, "$.a[0] is undefined"],
  [{ a: Number.NaN }, "$.a is NaN"],
  [[Infinity], "$[0] is Infinity"],
  [1n, "$ is a bigint"],
  [{ when: new Date(0) }, "$.when is a Date"],
  [new Map(), "$ is a Map"],
  [{ "a b": () => 1 }, '$["a b"] is a function'],
  [holey(3, { 0: 1 }), "$ is an array with holes"],
])("J1: %o is refused", (value, message) => {
  expect(() => codec.encode(value)).toThrow(expect.objectContaining({ code: "VALUE_NOT_ENCODABLE" }));
  expect(() => codec.encode(value)).toThrow(message);
});

test("J1: a cycle is refused", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => codec.encode(cycle)).toThrow("contains itself");
});

test("bytes that are no JSON are CORRUPT", () => {
  for (const text of ["", "{", "nul", '{"a":1}x']) {
    expect(() => codec.decode(Buffer.from(text))).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  }
});
