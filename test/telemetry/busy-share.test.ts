/** Which share of its time something was busy. */
import { expect, test } from "vitest";
import { BusyShare } from "../../framework/telemetry/busy-share.ts";

/** Samples every second, from second `from` on, with `busyMs` of work in each. */
function work(share: BusyShare, from: number, seconds: number, busyMs: number, before = 0): number | undefined {
  let last: number | undefined;
  for (let at = 0; at <= seconds; at += 1) last = share.sample(before + at * busyMs, (from + at) * 1_000);
  return last;
}

test("B1: the first seconds say nothing", () => {
  const share = new BusyShare();
  expect(work(share, 0, 3, 900)).toBeUndefined();
  expect(share.sample(3 * 900 + 100, 4_000)).toBeCloseTo(0.1);
});

test("it follows what changes, in some seconds", () => {
  const share = new BusyShare();
  expect(work(share, 0, 10, 200)).toBeCloseTo(0.2);
  expect(work(share, 10, 2, 800, 2_000)).toBeLessThan(0.3);
  expect(work(share, 12, 90, 800, 3_600)).toBeGreaterThan(0.75);
});

test("asked again at once it says the same", () => {
  const share = new BusyShare();
  const before = work(share, 0, 10, 200);
  expect(share.sample(9_999, 10_001)).toBe(before);
});
