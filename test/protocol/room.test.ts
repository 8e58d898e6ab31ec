/**
 * Who may fill which part of an inbox (R13).
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  lookAgainAfterFrames,
  lookAgainAfterMs,
  mayAppendControl,
  patientAllowance,
  sendAllowance,
} from "../../framework/protocol/room.ts";

test("R13: a lane looks again every 64 frames or second", () => {
  expect([lookAgainAfterFrames, lookAgainAfterMs]).toEqual([64, 1_000]);
});

test("R13: a lane may send half of its share of the room", () => {
  expect(sendAllowance(1_000, 0, 1)).toBe(500);
  expect(sendAllowance(1_000, 600, 4)).toBe(50);
  expect(sendAllowance(1_000, 999, 4)).toBe(0);
});

test("R13: a log at or above its data limit takes no data, however far above", () => {
  expect(sendAllowance(1_000, 1_000, 1)).toBe(0);
  expect(sendAllowance(1_000, 5_000, 3)).toBe(0);
});

test("R13: a lane that nobody counts yet counts itself", () => {
  expect(sendAllowance(1_000, 0, 0)).toBe(500);
});

test("R13: lanes that have all looked before the others sent stay within the data limit together, twice over", () => {
  const looks = fc.record({
    limit: fc.nat(1_000_000),
    size: fc.nat(1_000_000),
    lanes: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(looks, ({ limit, size, lanes }) => {
      const together = 2 * lanes * sendAllowance(limit, size, lanes);
      expect(together).toBeLessThanOrEqual(Math.max(0, limit - size));
    }),
  );
});

test("R13: at most 64 watermarks are kept behind the reported position", () => {
  expect([0, 63, 64, 65].map(mayAppendControl)).toEqual([true, true, false, false]);
});

test("R13: a frame larger than its lane's share waits for 200 ms, and then goes if the log has room for it", () => {
  expect([0, 199, 200, 5_000].map((ms) => patientAllowance(1_000, 400, 600, ms))).toEqual([0, 0, 600, 600]);
  expect(patientAllowance(1_000, 401, 600, 60_000)).toBe(0);
});
