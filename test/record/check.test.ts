/**
 * The rolling check of a channel.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { rollCheck } from "../../framework/record/check.ts";

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const timestamp = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(undefined, Infinity, -Infinity, 0, 2 ** 53 - 1, -(2 ** 53 - 1)),
);

test("C1: the check is a uint32 and the same every time", () => {
  fc.assert(
    fc.property(uint32, uint32, timestamp, (check, keyHash, at) => {
      const rolled = rollCheck(check, keyHash, at);
      expect(rolled).toBe(rollCheck(check, keyHash, at));
      expect(rolled >>> 0).toBe(rolled);
    }),
    { numRuns: 1000 },
  );
});

test("C1: it never changes between versions", () => {
  expect([
    rollCheck(0, 0, undefined),
    rollCheck(1, 2, 3),
    rollCheck(7, 0xffffffff, Infinity),
    rollCheck(7, 9, 1760000000000),
  ]).toMatchInlineSnapshot(`
    [
      4077607833,
      1670642298,
      641339469,
      2386165913,
    ]
  `);
});

test("R11: another key, timestamp or order gives another check", () => {
  const timestamps = [undefined, 0, 1, -1, Infinity, -Infinity, 2 ** 32, -(2 ** 32), 2 ** 52];
  expect(new Set(timestamps.map((at) => rollCheck(0, 0, at))).size).toBe(timestamps.length);
  expect(rollCheck(0, 1, 5)).not.toBe(rollCheck(0, 2, 5));
  const forth = rollCheck(rollCheck(0, 1, 5), 2, 6);
  const back = rollCheck(rollCheck(0, 2, 6), 1, 5);
  expect(forth).not.toBe(back);
});

test("R11: a difference in one record is still there after many equal ones", () => {
  let some = rollCheck(0, 1, 1);
  let other = rollCheck(0, 1, 2);
  for (let at = 0; at < 10_000; at++) {
    some = rollCheck(some, at, at);
    other = rollCheck(other, at, at);
  }
  expect(some).not.toBe(other);
});
