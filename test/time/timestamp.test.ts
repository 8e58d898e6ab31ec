import { expect, test } from "vitest";
import { checkTimestamp } from "../../framework/time/timestamp.ts";

test.each([0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])("T1: %i is a timestamp", (timestamp) => {
  expect(checkTimestamp(timestamp, "it")).toBe(timestamp);
});

test("T1: -0 is 0", () => {
  expect(Object.is(checkTimestamp(-0, "it"), 0)).toBe(true);
});

test.each([
  [Number.NaN, "NaN"],
  [Infinity, "Infinity"],
  [1.5, "1.5"],
  [2 ** 53, "9007199254740992"],
  ["2024-01-01", '"2024-01-01"'],
  [new Date(5), "a Date (use its getTime())"],
  [null, "null"],
  [5n, "5"],
  [{}, "an object"],
])("T1: %s is refused", (value, shown) => {
  expect(() => checkTimestamp(value, "the timestamp")).toThrow(
    expect.objectContaining({
      code: "TIMESTAMP_INVALID",
      message: `the timestamp is ${shown}: a timestamp is a whole number of milliseconds since the epoch`,
    }),
  );
});

test("a timestamp that is not there says what to do", () => {
  expect(() => checkTimestamp(undefined, "the timestamp")).toThrow(
    "say .timestamps(…) at the source, or use processing time",
  );
});
