/** When what is hurt: from a seed alone. */
import { expect, test } from "vitest";
import { drawSchedule } from "../../../framework/scripts/chaos/schedule.ts";

const kinds = [
  { name: "rare", weight: 1, lastsMs: [100, 200] },
  { name: "often", weight: 9, lastsMs: [0, 5_000] },
] as const;
const tenMinutesMs = 600_000;

test("S1: the same seed gives the same faults, another one others", () => {
  expect(drawSchedule("a", tenMinutesMs, kinds)).toEqual(drawSchedule("a", tenMinutesMs, kinds));
  expect(drawSchedule("a", tenMinutesMs, kinds)).not.toEqual(drawSchedule("b", tenMinutesMs, kinds));
});

test("S2: a volley every 5 to 20 s, of one to three faults that begin within 2.5 s", () => {
  for (const seed of ["a", "b", "c", "d"]) {
    const times = drawSchedule(seed, tenMinutesMs, kinds).map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const begins = times.filter((atMs, index) => index === 0 || atMs - (times[index - 1] ?? 0) > 2_500);
    expect(times.length).toBeGreaterThan(60);
    expect(times.length).toBeLessThanOrEqual(3 * begins.length);
    const gaps = begins.slice(1).map((atMs, index) => atMs - (begins[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(2_500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(20_000);
  }
});

test("kinds come by their weight, and last as long as theirs do", () => {
  const faults = drawSchedule("a", 10 * tenMinutesMs, kinds);
  const rare = faults.filter(({ kind }) => kind.name === "rare");
  expect(rare.length / faults.length).toBeGreaterThan(0.05);
  expect(rare.length / faults.length).toBeLessThan(0.2);
  expect(rare.every(({ lastsMs }) => lastsMs >= 100 && lastsMs < 200)).toBe(true);
});
