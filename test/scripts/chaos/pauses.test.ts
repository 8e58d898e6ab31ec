/** How long results stayed away, from when they were stored. */
import { expect, test } from "vitest";
import { pausesOf } from "../../../framework/scripts/chaos/pauses.ts";
import type { StoredResult } from "../../../framework/scripts/chaos/verdict.ts";

const windowMs = 500;
const usualMs = 10;
const calm = { fromMs: 0, toMs: 10_000 };

/** Results of two keys for 30 s; those of `key` between two moments come at the second one. */
function results(key?: number, fromMs = 0, toMs = 0): StoredResult[] {
  const all: StoredResult[] = [];
  for (let startMs = 0; startMs < 30_000; startMs += windowMs) {
    for (const of of [1, 2]) {
      const dueMs = startMs + windowMs + usualMs;
      const storedMs = of === key && dueMs >= fromMs ? Math.max(dueMs, toMs) : dueMs;
      all.push({ key: of, startMs, count: 1, weight: 1, storedMs });
    }
  }
  return all;
}

test("no fault: nothing to recover from, and the gaps of the calm phase are those of the windows", () => {
  const { recoveryMs, othersPauseMs, calmPauseMs } = pausesOf(results(), windowMs, calm, []);
  expect(recoveryMs.size).toBe(0);
  expect(othersPauseMs).toEqual([]);
  expect(calmPauseMs).toEqual([500, 500, 500, 500]);
});

test("P2: the recovery of a key is how late the latest of its results was; P3: the other keys have no more than their usual gap", () => {
  const hit = { kind: "kill", atMs: 15_100, healedMs: 16_000, keys: new Set([1]) };
  const { recoveryMs, aloneMs, othersPauseMs } = pausesOf(results(1, 15_100, 17_300), windowMs, calm, [hit]);
  expect(aloneMs).toEqual(recoveryMs);
  // The window that ended at 15.5 s came at 17.3 s.
  expect(recoveryMs.get("kill")).toEqual([17_300 - 15_500 - usualMs]);
  expect(othersPauseMs).toEqual([500]);
});

test("P2: what was late before the fault came does not count", () => {
  const hit = { kind: "crash", atMs: 16_900, healedMs: 16_900, keys: new Set([1]) };
  const { recoveryMs } = pausesOf(results(1, 15_100, 17_300), windowMs, calm, [hit]);
  expect(recoveryMs.get("crash")?.[0]).toBeLessThanOrEqual(400);
});

test("P3: while a fault holds up every key, nobody counts as one of the others", () => {
  const hits = [
    { kind: "kill", atMs: 15_100, healedMs: 16_000, keys: new Set([1]) },
    { kind: "server", atMs: 15_900, healedMs: 16_200, keys: "all" as const },
  ];
  const { recoveryMs, aloneMs, othersPauseMs } = pausesOf(results(1, 15_100, 17_300), windowMs, calm, hits);
  expect(othersPauseMs).toEqual([]);
  expect(recoveryMs.get("server")).toHaveLength(2);
  expect([...aloneMs]).toEqual([]);
});

test("P3: another key that pauses is seen", () => {
  const hit = { kind: "kill", atMs: 15_100, healedMs: 16_000, keys: new Set([1]) };
  const { othersPauseMs } = pausesOf(results(2, 15_100, 16_300), windowMs, calm, [hit]);
  expect(othersPauseMs).toEqual([16_300 - 15_010]);
});
