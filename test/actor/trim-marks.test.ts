/** R14: where an inbox whose reader keeps what it has read may be trimmed all the same. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TrimMarks } from "../../framework/actor/trim-marks.ts";

const kibibyte = 1024;

test("M1: what is trimmed frees no more than is asked for, and never lies behind the limit", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 200 * kibibyte }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.nat(4_000 * kibibyte), fc.integer({ min: 1, max: 60 }), (messages, bytes, limit) => {
      const marks = new TrimMarks();
      for (const [index, size] of messages.entries()) marks.read(index + 1, size);
      const target = marks.within(bytes, limit);
      if (target === undefined) return;
      expect(target).toBeLessThanOrEqual(limit);
      expect(messages.slice(0, target).reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(bytes);
    }),
  );
});

test("what has been trimmed counts no more", () => {
  const marks = new TrimMarks();
  for (let sequence = 1; sequence <= 10; sequence += 1) marks.read(sequence, 100 * kibibyte);
  expect(marks.within(250 * kibibyte, 10)).toBe(2);
  marks.trimmed(2);
  expect(marks.within(250 * kibibyte, 10)).toBe(4);
  expect(marks.within(50 * kibibyte, 10)).toBeUndefined();
  expect(marks.within(10_000 * kibibyte, 7)).toBe(7);
});

test("a restored instance takes what lies before its snapshot as a share of the log", () => {
  const marks = new TrimMarks();
  marks.begin({ first: 11, last: 30, bytes: 2_000 * kibibyte }, 20);
  expect(marks.within(999 * kibibyte, 20)).toBeUndefined();
  expect(marks.within(1_000 * kibibyte, 20)).toBe(20);
});
