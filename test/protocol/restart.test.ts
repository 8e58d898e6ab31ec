/** The specification of restarts: budget and back-off. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideRestart, defaultRestartBudget } from "../../framework/protocol/restart.ts";

const nowMs = 1_000_000;

function crashes(agesMs: readonly number[], hasProgressed = false): { storedAtMs: number; hasProgressed: boolean }[] {
  return agesMs.map((ageMs) => ({ storedAtMs: nowMs - ageMs, hasProgressed }));
}

function decide(past: ReturnType<typeof crashes>, chance = 0): ReturnType<typeof decideRestart> {
  return decideRestart({ crashes: past, nowMs, budget: defaultRestartBudget, chance });
}

test("B2: the first restart is at once", () => {
  expect(decide([], 0.99)).toEqual({ kind: "restart", delayMs: 0 });
});

test("B2: after that the delay doubles from 50 ms, with jitter", () => {
  const delays = [1, 2, 3, 4].map((count) => [
    decide(crashes(Array(count).fill(10))),
    decide(crashes(Array(count).fill(10)), 1 - 1e-9),
  ]);
  expect(delays).toEqual(
    [50, 100, 200, 400].map((least) => [
      { kind: "restart", delayMs: least },
      { kind: "restart", delayMs: 2 * least },
    ]),
  );
});

test("B2: the delay lies between 50 ms and 5 s, however many crashes", () => {
  const budget = { restartsMax: Infinity, withinMs: 60_000 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (count, chance) => {
        const decision = decideRestart({ crashes: crashes(Array(count).fill(10)), nowMs, budget, chance });
        if (decision.kind !== "restart") throw new Error("a budget without end is never used up");
        expect(decision.delayMs).toBeGreaterThanOrEqual(50);
        expect(decision.delayMs).toBeLessThanOrEqual(5000);
      },
    ),
  );
});

describe("B1: what counts", () => {
  test("B1: the sixth crash within 60 s without progress exhausts the default budget", () => {
    expect(decide(crashes([50_000, 40_000, 30_000, 20_000]))).toMatchObject({ kind: "restart" });
    expect(decide(crashes([50_000, 40_000, 30_000, 20_000, 10_000]))).toEqual({
      kind: "exhausted",
      message: "crashed 6 times within 60 s without progress; 5 restarts are allowed",
    });
  });

  test("B1: a crash after which the pointer moved does not count", () => {
    expect(decide([...crashes(Array(20).fill(10), true)])).toEqual({ kind: "restart", delayMs: 0 });
  });

  test("B1: a crash of longer ago does not count", () => {
    expect(decide(crashes(Array(20).fill(60_000)))).toEqual({ kind: "restart", delayMs: 0 });
    expect(decide(crashes(Array(20).fill(59_999)))).toMatchObject({ kind: "exhausted" });
  });

  test("B3: a budget of none fails at the first crash", () => {
    const budget = { restartsMax: 0, withinMs: 60_000 };
    expect(decideRestart({ crashes: [], nowMs, budget, chance: 0 })).toMatchObject({ kind: "exhausted" });
  });
});
