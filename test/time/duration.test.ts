import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration, type Duration } from "../../framework/time/duration.ts";

test.each<[Duration, number]>([
  [0, 0],
  [250, 250],
  ["200ms", 200],
  ["5s", 5_000],
  ["1m", 60_000],
  ["1m30s", 90_000],
  ["2h", 7_200_000],
  ["1h30m", 5_400_000],
  ["1d", 86_400_000],
  ["1.5s", 1_500],
  ["0s", 0],
])("D1: %s is %i ms", (duration, ms) => {
  expect(parseDuration(duration, "it")).toBe(ms);
});

test.each([
  "",
  "5",
  "s",
  "5 s",
  "5s ",
  "1s1m",
  "5x",
  "1e3s",
  "0.1ms",
  "1.0001s",
  "--5s",
  "-",
  "5sms",
  "Infinityms",
  "9007199254740993ms",
])("D1: %j is refused", (duration) => {
  expect(() => parseDuration(duration as Duration, "it")).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(JSON.stringify(duration)) }),
  );
});

test.each([Number.NaN, Infinity, 1.5, null, undefined, {}, 5n])("D1: %s is refused", (duration) => {
  expect(() => parseDuration(duration as never, "it")).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

test("what is below its least value is refused", () => {
  expect(() => parseDuration("-5s", "the size")).toThrow('the size is "-5s", and must be at least 0ms');
  expect(() => parseDuration(0, "the size", { minMs: 1 })).toThrow("the size is 0, and must be at least 1ms");
  expect(parseDuration("-8h", "the offset", { minMs: -Infinity })).toBe(-28_800_000);
});

test("D2: what is formatted is read again", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (ms) => {
      expect(parseDuration(formatDuration(ms) as Duration, "it", { minMs: -Infinity })).toBe(ms);
    }),
    { numRuns: 1000 },
  );
  expect([90_000, 250, 0, 3_600_000, 86_461_001].map(formatDuration)).toEqual([
    "1m30s",
    "250ms",
    "0ms",
    "1h",
    "1d1m1s1ms",
  ]);
});
