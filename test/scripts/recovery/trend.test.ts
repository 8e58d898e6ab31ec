/** Whether a quantity grows. */
import { expect, test } from "vitest";
import { trendOf } from "../../../framework/scripts/recovery/trend.ts";

const seconds = Array.from({ length: 60 }, (_, index) => index);
const over = (of: (second: number) => number) => seconds.map((second) => [second, of(second)] as const);

test("what stays, and what goes up and down, is flat", () => {
  expect(trendOf(over(() => 7))).toMatchObject({
    first: 7,
    last: 7,
    slopePerSecond: 0,
    drift: 0,
    noise: 0,
    isFlat: true,
  });
  expect(trendOf(over((second) => 100 + (second % 10) * 20)).isFlat).toBe(true);
});

test("what grows steadily is not, and the slope is told per second", () => {
  expect(trendOf(over((second) => 100 + 2 * second))).toMatchObject({ slopePerSecond: 2, drift: 118, isFlat: false });
  expect(trendOf(over((second) => 100 + 2 * second + (second % 2))).isFlat).toBe(false);
});

test("a drift of less than a tenth of the whole is none", () => {
  expect(trendOf(over((second) => 1_000 + second / 2)).isFlat).toBe(true);
});
