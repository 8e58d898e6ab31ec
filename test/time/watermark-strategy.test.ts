import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundedDisorder } from "../../framework/time/watermark-strategy.ts";

test("before the first record there is no watermark", () => {
  expect(new BoundedDisorder(5).watermark).toBe(-Infinity);
});

test("W1: no record that is at most the bound out of order is at or behind the watermark, which never goes back", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 })), fc.nat({ max: 20 }), (timestamps, bound) => {
      const disorder = new BoundedDisorder(bound);
      let largest = -Infinity;
      let last = -Infinity;
      for (const timestamp of timestamps) {
        const isInOrder = timestamp >= largest - bound;
        expect(isInOrder && timestamp <= disorder.watermark).toBe(false);
        largest = Math.max(largest, timestamp);
        disorder.observe(timestamp);
        expect(disorder.watermark).toBeGreaterThanOrEqual(last);
        last = disorder.watermark;
      }
    }),
  );
});

test("W2: the watermark is the largest timestamp less the bound less one; equal timestamps are in order", () => {
  const disorder = new BoundedDisorder(10);
  disorder.observe(100);
  disorder.observe(95);
  expect(disorder.watermark).toBe(89);
  const monotonic = new BoundedDisorder(0);
  monotonic.observe(100);
  expect(monotonic.watermark).toBe(99);
});

test("a restored strategy goes on where it was", () => {
  const disorder = new BoundedDisorder(3);
  disorder.restore(50);
  expect(disorder.largest).toBe(50);
  expect(disorder.watermark).toBe(46);
});
