/** What a worker says of itself for placement: options, environment, and what is refused. */
import { expect, test } from "vitest";
import { parseCapacity, resolveHints } from "../framework/worker-hints.ts";

test("an option beats the environment, which beats the defaults", () => {
  expect(resolveHints({}, {})).toEqual({ capacity: 1, zone: "" });
  const environment = { TIDEMARK_CAPACITY: "2.5", TIDEMARK_ZONE: "east" };
  expect(resolveHints({}, environment)).toEqual({ capacity: 2.5, zone: "east" });
  expect(resolveHints({ capacity: 4, zone: "west" }, environment)).toEqual({ capacity: 4, zone: "west" });
  expect(resolveHints({}, { TIDEMARK_CAPACITY: "", TIDEMARK_ZONE: "" })).toEqual({ capacity: 1, zone: "" });
});

test.each([0, -1, Number.NaN, Infinity, 1_001])("a capacity of %s is refused with the value", (capacity) => {
  expect(() => resolveHints({ capacity }, {})).toThrow(`capacity is ${capacity}; it takes a number from 0.01 to 1000`);
});

test("what the environment or a flag says is refused with its text and place", () => {
  expect(() => resolveHints({}, { TIDEMARK_CAPACITY: "big" })).toThrow('TIDEMARK_CAPACITY is "big"');
  expect(() => parseCapacity(" ", "--capacity")).toThrow('--capacity is " "');
});

test("a zone is a short word", () => {
  expect(() => resolveHints({ zone: "east west" }, {})).toThrow('zone is "east west"');
  expect(() => resolveHints({ zone: "x".repeat(65) }, {})).toThrow("up to 64");
});
