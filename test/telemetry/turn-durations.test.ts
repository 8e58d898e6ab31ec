/** The specification of percentiles of turns: how exact they are, and of which time they speak. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { TurnDurations } from "../../framework/telemetry/turn-durations.ts";

function percentile(durationsMs: readonly number[], share: number): number {
  const durations = new TurnDurations();
  for (const durationMs of durationsMs) durations.record(durationMs, 0);
  return durations.percentileMs(share, 0);
}

test("D1: a percentile is never below the true one, and at most an eighth or a microsecond above it", () => {
  const durationMs = fc.double({ min: 0, max: 2_000_000, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(durationMs, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (all, share) => {
        const sorted = all.toSorted((a, b) => a - b);
        const wanted = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
        const found = percentile(all, share);
        expect(found).toBeGreaterThanOrEqual(wanted);
        expect(found).toBeLessThanOrEqual(wanted * 1.125 + 0.002);
      },
    ),
  );
});

test("one slow turn in a hundred is not the p99, two in a hundred are", () => {
  const fast = Array.from({ length: 99 }, () => 1);
  expect(percentile([...fast, 500], 0.99)).toBeLessThan(1.2);
  expect(percentile([...fast.slice(1), 500, 500], 0.99)).toBeGreaterThanOrEqual(500);
});

test("no turns: 0", () => {
  expect(new TurnDurations().percentileMs(0.99, 5)).toBe(0);
});

test("a clock that went back within a turn counts as no time at all", () => {
  expect(percentile([-3], 1)).toBe(0.001);
});

test("longer than the last bucket ends in it", () => {
  expect(percentile([1e12], 1)).toBe(2 ** 31 / 1_000);
});

test("D2: a turn counts for 10 s at least, and is forgotten after 20", () => {
  const durations = new TurnDurations();
  durations.record(40, 0);
  expect(durations.percentileMs(1, 9_999)).toBeGreaterThanOrEqual(40);
  durations.record(1, 10_000);
  expect(durations.percentileMs(1, 19_999)).toBeGreaterThanOrEqual(40);
  expect(durations.percentileMs(1, 20_000)).toBeLessThan(2);
  expect(durations.percentileMs(1, 30_000)).toBe(0);
});

test("D2: what was measured before a long pause is forgotten at once", () => {
  const durations = new TurnDurations();
  durations.record(40, 0);
  durations.record(1, 25_000);
  expect(durations.percentileMs(1, 25_000)).toBeLessThan(2);
});
