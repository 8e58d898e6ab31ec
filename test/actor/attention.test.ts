/** Time as a worker that may stand still can judge others by. */
import { beforeEach, expect, test } from "vitest";
import { Attention } from "../../framework/actor/attention.ts";
import { WorkerRegistry } from "../../framework/actor/worker-registry.ts";
import type { Clock } from "../../framework/platform/platform.ts";

let nowMs: number;
let attention: Attention;
const clock: Clock = { now: () => 1_000_000 + nowMs, monotonicMs: () => nowMs, schedule: () => () => undefined };

beforeEach(() => {
  nowMs = 5_000;
  attention = new Attention(clock);
});

/** Time passes, and a look comes after each of these. */
function looks(...gapsMs: readonly number[]): void {
  for (const gapMs of gapsMs) {
    nowMs += gapMs;
    attention.look();
  }
}

test("T2: while looks come in time, it is the clock's time", () => {
  looks(250, 250, 260);
  nowMs += 100;
  expect(attention.monotonicMs()).toBe(860);
  expect(attention.now()).toBe(clock.now());
});

test("T1: a stop of ten seconds counts half a second, before the next look and after it", () => {
  looks(250);
  nowMs += 10_000;
  expect(attention.monotonicMs()).toBe(750);
  attention.look();
  expect(attention.monotonicMs()).toBe(750);
  looks(250);
  expect(attention.monotonicMs()).toBe(1_000);
});

test("it never goes back", () => {
  const seen = [0, 10, 600, 0, 499, 501, 20_000].map((gapMs) => {
    nowMs += gapMs;
    const before = attention.monotonicMs();
    attention.look();
    return [before, attention.monotonicMs()];
  });
  const flat = seen.flat();
  expect(flat).toEqual(flat.toSorted((a, b) => a - b));
});

test("a worker that has been stopped does not take the others for dead: what they said is still to be read", () => {
  const registry = new WorkerRegistry(attention, "self");
  registry.heard("a");
  looks(250, 250);
  nowMs += 60_000;
  expect(registry.isAlive("a")).toBe(true);
  looks(0, 250, 250, 250, 250, 250);
  expect(registry.isAlive("a")).toBe(false);
});
