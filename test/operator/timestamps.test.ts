import { expect, test } from "vitest";
import { mapOperator } from "../../framework/operator/map.ts";
import { timestampsOperator } from "../../framework/operator/timestamps.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

const itself = timestampsOperator({ of: (value: number) => value, outOfOrdernessMs: 5 });

test.each([{}, { restoreEachStep: true }, { poisonEachRecord: true }])(
  "records get their timestamp, and the watermark follows the largest, %o",
  (options) => {
    const harness = operatorHarness(itself, options);
    expect(harness.eventTime).toBe(-Infinity);
    const watermarks = [100, 90, 110, 110].map((timestamp) => harness.process(timestamp, 1).eventTime);
    expect(watermarks).toEqual([94, 94, 104, 104]);
    expect(harness.take().main.map(({ timestamp }) => timestamp)).toEqual([100, 90, 110, 110]);
    expect(harness.watermark(Infinity).eventTime).toBe(Infinity);
  },
);

test("T2: what is no timestamp makes a dead letter and moves nothing", () => {
  const harness = operatorHarness(timestampsOperator({ of: (value) => value as number, outOfOrdernessMs: 0 }));
  for (const value of [Number.NaN, Infinity, 1.5, "5", undefined, null]) harness.process(value, 1);
  const { main, deadLetters } = harness.take();
  expect(main).toEqual([]);
  expect(deadLetters.map(({ code }) => code)).toEqual(Array.from({ length: 6 }).fill("TIMESTAMP_INVALID"));
  expect(harness.eventTime).toBe(-Infinity);
});

test("T2: a timestamp too far in the future is a dead letter, once processing time is known", () => {
  const harness = operatorHarness(itself, { farFutureMs: 100 });
  harness
    .process(1e12)
    .clock(1e12)
    .process(1e12 + 100)
    .process(1e12 + 101);
  expect(harness.take().deadLetters).toMatchObject([{ code: "TIMESTAMP_INVALID", value: 1e12 + 101 }]);
  expect(harness.eventTime).toBe(1e12 + 94);
});

test("T1: a record that fails behind the operator does not move the watermark", () => {
  const failing = mapOperator((value) => {
    if (value === 100) throw new Error("no");
    return value;
  });
  expect(
    operatorHarness(itself, { behind: [failing] })
      .process(50)
      .process(100).eventTime,
  ).toBe(44);
});

test("the last of several on a path makes the watermark", () => {
  const later = timestampsOperator({ of: (value: number) => value + 1000, outOfOrdernessMs: 0 });
  const harness = operatorHarness(itself, { behind: [later] });
  expect(harness.process(100).eventTime).toBe(1099);
  expect(harness.take().main).toEqual([{ value: 100, timestamp: 1100 }]);
});

test("where watermarks are manual, only they count", () => {
  const harness = operatorHarness(itself, { manualWatermarks: true });
  expect(harness.process(100).eventTime).toBe(-Infinity);
  expect(harness.watermark(7).eventTime).toBe(7);
});

test.each([-1, 1.5, Number.NaN, Infinity])("a disorder of %s is refused", (outOfOrdernessMs) => {
  expect(() => timestampsOperator({ of: (value) => value as number, outOfOrdernessMs })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});
