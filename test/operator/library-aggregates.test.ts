import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  aggregatesOf,
  collect,
  distinct,
  first,
  last,
  maxBy,
  minBy,
  topN,
  variance,
} from "../../framework/operator/library-aggregates.ts";
import type { AggregateSpec, AggregatesOf } from "../../framework/operator/aggregates.ts";
import { windowOperator, type Windowed, type WindowShape } from "../../framework/operator/window.ts";
import { operatorHarness, type HarnessOptions } from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { keepLast } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";

interface Reading {
  readonly device: string;
  readonly celsius: number;
}

const celsius = (r: Reading): number => r.celsius;
const device = (r: Reading): string => r.device;

/** Everything at once, under names. */
const everything = (of: AggregatesOf<Reading>) => ({
  n: of.count(),
  coldest: of.minBy(celsius),
  hottest: of.maxBy(celsius),
  first: of.first(),
  last: of.last(),
  spread: of.variance(celsius),
  top: of.topN(3, celsius),
  all: of.collect(celsius),
  devices: of.distinct(device),
});

/** The same, of the records in their order. */
function naive(readings: readonly Reading[]): object {
  const mean = readings.reduce((sum, r) => sum + r.celsius, 0) / readings.length;
  const ascending = readings.toSorted((a, b) => a.celsius - b.celsius);
  const descending = readings.toSorted((a, b) => b.celsius - a.celsius);
  return {
    n: readings.length,
    coldest: ascending[0],
    hottest: descending[0],
    first: readings[0],
    last: readings.at(-1),
    spread: readings.reduce((sum, r) => sum + (r.celsius - mean) ** 2, 0) / readings.length,
    top: descending.slice(0, 3),
    all: readings.map((r) => r.celsius),
    devices: [...new Set(readings.map((r) => r.device))],
  };
}

const anyReading = fc.record({ device: fc.constantFrom("a", "b", "c", "1"), celsius: fc.integer({ min: -5, max: 5 }) });
/** In order of time, so that order of arrival, of panes and of sessions are one. */
const anyReadings = fc
  .array(fc.tuple(anyReading, fc.integer({ min: 0, max: 12 })), { minLength: 1, maxLength: 30 })
  .map((walk) => {
    let at = 0;
    return walk.map(([reading, step]) => [reading, (at += step)] as const);
  });

const shapes: readonly (readonly [string, WindowShape])[] = [
  ["tumbling", { assigner: tumbling(20) }],
  ["sliding, by panes", { assigner: sliding(30, 10) }],
  ["sessions", { assigner: session(6) }],
  ["with an evictor", { assigner: tumbling(20), evictor: keepLast(1000) }],
];
const modes: readonly (readonly [string, number, HarnessOptions])[] = [
  ["item by item", 1000, {}],
  ["restored after every step, every record once as poison", 30, { restoreEachStep: true, poisonEachRecord: true }],
];

describe.each(shapes)("%s", (_shape, shape) => {
  test.each(modes)("all of them agree with computing over the records, %s", (_mode, numRuns, options) => {
    fc.assert(
      fc.property(anyReadings, (readings) => {
        const harness = operatorHarness(windowOperator({ ...shape, aggregate: everything }), {
          key: () => "k",
          ...options,
        });
        const { main, deadLetters } = harness.processAll(readings).watermark(Infinity).take();
        expect(deadLetters).toEqual([]);
        expect(main.length).toBeGreaterThan(0);
        for (const { value } of main) {
          const { window, value: result } = value as Windowed<string, { spread: number }>;
          const inside = readings.filter(([, at]) => window.start <= at && at < window.end).map(([reading]) => reading);
          const expected = naive(inside) as { spread: number };
          expect({ ...result, spread: 0 }).toEqual({ ...expected, spread: 0 });
          expect(result.spread).toBeCloseTo(expected.spread, 9);
        }
      }),
      { numRuns },
    );
  });
});

function resultOf(aggregate: AggregateSpec, readings: readonly Reading[]): unknown {
  const harness = operatorHarness(windowOperator({ assigner: tumbling(10), aggregate }), { key: () => "k" });
  for (const reading of readings) harness.process(reading, 0);
  const [only] = harness.watermark(9).take().main;
  return (only?.value as Windowed<string, unknown> | undefined)?.value;
}

const two = [
  { device: "a", celsius: 1 },
  { device: "b", celsius: 3 },
];

test.each<[string, AggregateSpec, unknown]>([
  ["minBy", minBy(celsius), two[0]],
  ["maxBy", maxBy(celsius), two[1]],
  ["first", first(), two[0]],
  ["last", last(), two[1]],
  ["variance", variance(celsius), 1],
  ["variance of a sample", variance(celsius, { sample: true }), 2],
  ["topN", topN(1, celsius), [two[1]]],
  ["collect", collect(), two],
  ["collect of something", collect(device), ["a", "b"]],
  ["distinct", distinct(device), ["a", "b"]],
])("%s stands alone, too", (_name, aggregate, expected) => {
  expect(resultOf(aggregate, two)).toEqual(expected);
});

test("their kind is the operator's name", () => {
  const kinds = Object.values({ ...everything(aggregatesOf as AggregatesOf<Reading>) }).map(
    (aggregate) => aggregate.kind,
  );
  expect(kinds).toEqual(["count", "minBy", "maxBy", "first", "last", "variance", "topN", "collect", "distinct"]);
});

test.each<[string, AggregateSpec]>([
  ["minBy", minBy(celsius)],
  ["variance", variance(celsius)],
  ["topN", topN(2, celsius)],
  ["distinct", distinct(celsius)],
])("L3: %s makes a record without a number a dead letter", (_name, aggregate) => {
  const harness = operatorHarness(windowOperator({ assigner: tumbling(10), aggregate }), { key: () => "k" });
  harness.process({ device: "a", celsius: NaN }, 0);
  expect(harness.take().deadLetters).toHaveLength(1);
});

test("L2: what is done with a result does not reach the window", () => {
  const spec = { assigner: tumbling(10), allowedLatenessMs: 10, aggregate: collect() };
  const results: Reading[][] = [];
  const harness = operatorHarness(windowOperator(spec), {
    key: () => "k",
    behind: [
      {
        kind: "spoil",
        description: "",
        keyed: false,
        eventTime: false,
        outputTimestamps: "same",
        create: () => ({
          process(value) {
            const { value: list } = value as Windowed<string, Reading[]>;
            results.push([...list]);
            list.length = 0;
          },
        }),
      },
    ],
  });
  harness.process(two[0], 0).watermark(9).process(two[1], 0);
  expect(results).toEqual([[two[0]], two]);
});

test.each([0, -1, 1.5, NaN])("topN of %s is refused", (count) => {
  const aggregate = topN(count, celsius);
  expect(() => windowOperator({ assigner: tumbling(10), aggregate })).toThrow("the count of topN");
});

test("an option that does not exist is refused", () => {
  const aggregate = variance(celsius, { samples: true } as never);
  expect(() => windowOperator({ assigner: session(10), aggregate })).toThrow("samples");
});

test("an aggregate that is none is refused", () => {
  expect(() => windowOperator({ assigner: tumbling(10), aggregate: {} as never })).toThrow("an aggregate has create");
});
