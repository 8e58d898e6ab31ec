import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { timestampsOperator } from "../../framework/operator/timestamps.ts";
import {
  ingestionTime,
  monotonic,
  punctuated,
  watermarks,
  type WatermarkStrategy,
} from "../../framework/operator/watermarks.ts";
import { operatorHarness, type HarnessOptions } from "../../framework/testing/operator-harness.ts";

interface Order {
  readonly at: number;
  readonly until?: number | undefined;
}

function of(strategy: WatermarkStrategy<Order>): ReturnType<typeof timestampsOperator> {
  return timestampsOperator({ of: (order: Order) => order.at, outOfOrdernessMs: 0, watermarks: strategy });
}

const byMark = punctuated((order: Order) => order.until);
const byWorst = watermarks({
  create: () => ({ largest: -Infinity, worst: 0 }),
  onRecord(held, _order: Order, at) {
    held.worst = Math.max(held.worst, held.largest - at);
    held.largest = Math.max(held.largest, at);
    return held;
  },
  watermark: ({ largest, worst }) => (largest === -Infinity ? undefined : largest - worst - 1),
});

const modes: readonly HarnessOptions[] = [{}, { restoreEachStep: true }, { poisonEachRecord: true }];

describe.each(modes)("in mode %o", (mode) => {
  const anyOrders = fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 99 }),
      until: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
    }),
    { maxLength: 20 },
  );

  test("W1: punctuated watermarks are the largest said so far", () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        const harness = operatorHarness(of(byMark), mode);
        let largest = -Infinity;
        for (const order of orders) {
          largest = Math.max(largest, order.until ?? -Infinity);
          expect(harness.process(order).eventTime).toBe(largest);
        }
        expect(harness.take().main.map(({ timestamp }) => timestamp)).toEqual(orders.map(({ at }) => at));
      }),
      { numRuns: 1000 },
    );
  });

  test("W1: a generator's watermark is the largest that its state has stood for", () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        const harness = operatorHarness(of(byWorst), mode);
        const held = { largest: -Infinity, worst: 0, watermark: -Infinity };
        for (const order of orders) {
          held.worst = Math.max(held.worst, held.largest - order.at);
          held.largest = Math.max(held.largest, order.at);
          held.watermark = Math.max(held.watermark, held.largest - held.worst - 1);
          expect(harness.process(order).eventTime).toBe(held.watermark);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("monotonic: one less than the largest timestamp", () => {
    const harness = operatorHarness(of(monotonic()), mode);
    expect([5, 5, 3, 8].map((at) => harness.process({ at }).eventTime)).toEqual([4, 4, 4, 7]);
  });

  test("ingestion time is the time that the store gave, and never goes back", () => {
    const harness = operatorHarness(timestampsOperator({ of: ingestionTime(), outOfOrdernessMs: 0 }), mode);
    const reached = [100, 100, 90, 120].map((ms) => harness.clock(ms).process({ at: 7 }).eventTime);
    expect(harness.take().main.map(({ timestamp }) => timestamp)).toEqual([100, 100, 100, 120]);
    expect(reached).toEqual([99, 99, 99, 119]);
  });
});

test.each<readonly [string, WatermarkStrategy<Order>]>([
  ["punctuated", byMark],
  [
    "generated",
    watermarks({ create: () => 0, onRecord: (_held, { until = 0 }: Order) => until, watermark: (held) => held }),
  ],
])(
  "W2: a %s watermark that is no timestamp, or too far in the future, makes a dead letter and moves nothing",
  (_kind, strategy) => {
    const harness = operatorHarness(of(strategy), { farFutureMs: 100 });
    harness.clock(1000);
    for (const until of [NaN, 1.5, 1101]) harness.process({ at: 1000, until });
    const { main, deadLetters } = harness.take();
    expect(main).toEqual([]);
    expect(deadLetters.map(({ code }) => code)).toEqual(Array.from({ length: 3 }).fill("TIMESTAMP_INVALID"));
    expect(harness.eventTime).toBe(-Infinity);
    expect(harness.process({ at: 1000, until: 1100 }).eventTime).toBe(1100);
  },
);

test.each([
  ["punctuated()", { kind: "punctuated" }, "of is no function"],
  ["watermarks({})", { kind: "generated", generator: { create: () => 0 } }, "onRecord is no function"],
  ["something else", { kind: "periodic" }, "kind is no function"],
])("%s is refused", (_what, strategy, message) => {
  expect(() => of(strategy as never)).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(message) }),
  );
});
