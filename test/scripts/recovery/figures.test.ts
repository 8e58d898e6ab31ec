/** Numbers that describe many numbers. */
import { expect, test } from "vitest";
import { slopeOf, spreadOf } from "../../../framework/scripts/recovery/figures.ts";

test("the middle, the far end and the farthest", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(spreadOf(values)).toEqual({ samples: 100, p50: 50, p99: 99, max: 100 });
  expect(spreadOf([-3.26])).toEqual({ samples: 1, p50: -3.3, p99: -3.3, max: -3.3 });
  expect(spreadOf([])).toEqual({ samples: 0, p50: 0, p99: 0, max: 0 });
});

test("a slope by least squares; 0 where there is no telling", () => {
  expect(
    slopeOf([
      [0, 5],
      [1, 7],
      [2, 9],
    ]),
  ).toBe(2);
  expect(
    slopeOf([
      [0, 5],
      [1, 7],
      [2, 5],
    ]),
  ).toBe(0);
  expect(slopeOf([[3, 5]])).toBe(0);
  expect(slopeOf([])).toBe(0);
});
