import fc from "fast-check";
import { expect, test } from "vitest";
import { Row, Segment } from "../../framework/state/row.ts";
import { Timer, TimerQueue } from "../../framework/state/timer-queue.ts";

const row = new Row("k", "k", 0, new Segment(0), []);

const times = fc.constantFrom(0, 1, 2, 61, -61, Infinity);

test("Q1: timers come out in order of time, then number, whatever was taken out and put back in between", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(times, fc.constantFrom("stay", "take", "put back"), fc.nat())), (commands) => {
      const queue = new TimerQueue();
      const live = new Set<Timer>();
      for (const [number, [time, then, chosen]] of commands.entries()) {
        const timer = new Timer(time, number, row);
        queue.add(timer);
        live.add(timer);
        const victim = [...live][chosen % live.size];
        if (then === "stay" || victim === undefined) continue;
        queue.remove(victim);
        if (then === "put back") queue.add(victim);
        else live.delete(victim);
      }
      expect(queue.size).toBe(live.size);
      for (const timer of [...live].toSorted(inOrder)) {
        expect(queue.next).toBe(timer);
        queue.remove(timer);
      }
      expect(queue.next).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
});

function inOrder(a: Timer, b: Timer): number {
  return a.time === b.time ? a.number - b.number : a.time - b.time;
}

test("Q2: a timer is in one queue, once", () => {
  const queue = new TimerQueue();
  const timer = new Timer(1, 1, row);
  queue.add(timer);
  expect(() => queue.add(timer)).toThrow("timer 1 is queued already");
  queue.remove(timer);
  expect(() => queue.remove(timer)).toThrow("timer 1 is not in this queue");
});
