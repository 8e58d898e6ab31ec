import fc from "fast-check";
import { expect, test } from "vitest";
import { Row, Segment } from "../../framework/state/row.ts";
import { Timer, TimerQueue } from "../../framework/state/timer-queue.ts";

const row = new Row("k", "k", 0, new Segment(0), []);

test("Q1: timers come out in order of time, then number, whatever was taken out in between", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean())), (commands) => {
      const queue = new TimerQueue();
      const live = new Set<Timer>();
      for (const [number, [time, isRemoved]] of commands.entries()) {
        const timer = new Timer(time, number, row);
        queue.add(timer);
        live.add(timer);
        const victim = [...live][time % live.size];
        if (isRemoved && victim !== undefined) {
          queue.remove(victim);
          live.delete(victim);
        }
      }
      expect(queue.size).toBe(live.size);
      for (const timer of [...live].toSorted((a, b) => a.time - b.time || a.number - b.number)) {
        expect(queue.next).toBe(timer);
        queue.remove(timer);
      }
      expect(queue.next).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test("Q2: a timer is in one queue, once", () => {
  const queue = new TimerQueue();
  const timer = new Timer(1, 1, row);
  queue.add(timer);
  expect(() => queue.add(timer)).toThrow("timer 1 is queued already");
  queue.remove(timer);
  expect(() => queue.remove(timer)).toThrow("timer 1 is not in this queue");
});
