import { expect, test } from "vitest";
import { average, count, max, min, sum } from "../../framework/operator/aggregates.ts";
import { aggregatesOf } from "../../framework/operator/library-aggregates.ts";
import { windowOperator, type Windowed, type WindowSpec } from "../../framework/operator/window.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";
import { tumbling } from "../../framework/window/assigner.ts";

function resultOf(
  aggregate: WindowSpec["aggregate"],
  values: readonly unknown[],
): { value: unknown; failures: readonly string[] } {
  const harness = operatorHarness(windowOperator({ assigner: tumbling(10), aggregate }), { key: () => 1 });
  for (const value of values) harness.process(value, 1);
  const { main, deadLetters } = harness.watermark(9).take();
  return {
    value: (main[0]?.value as Windowed<number, unknown> | undefined)?.value,
    failures: deadLetters.map(({ message }) => message),
  };
}

const itself = (value: number): number => value;

test("each aggregate computes what it says", () => {
  const values = [4, -2, 7];
  expect(
    [count(), sum(itself), average(itself), min(itself), max(itself)].map(
      (aggregate) => resultOf(aggregate, values).value,
    ),
  ).toEqual([3, 9, 3, -2, 7]);
});

test("several at once, under their names", () => {
  const { value } = resultOf(
    (of) => ({
      mean: of.average(itself),
      n: of.count(),
      least: of.min(itself),
      most: of.max(itself),
      total: of.sum(itself),
    }),
    [1, 2],
  );
  expect(value).toEqual({ mean: 1.5, n: 2, least: 1, most: 2, total: 3 });
});

test.each([Number.NaN, undefined, null, "5", 5n, {}])("A1: %s is refused, and the window goes on without it", (odd) => {
  for (const aggregate of [sum(itself), average(itself), min(itself), max(itself)]) {
    const { value, failures } = resultOf(aggregate, [5, odd, 5]);
    expect(value).toBe(aggregate.kind === "sum" ? 10 : 5);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatch(new RegExp(`^${aggregate.kind} was given .*, which is no number$`));
  }
});

test("N1: one input that is refused leaves the other aggregates as they were", () => {
  const { value, failures } = resultOf(
    (of) => ({
      n: of.count(),
      total: of.sum((r: number[]) => r[0] ?? 0),
      odd: of.min((r: number[]) => r[1] as number),
    }),
    [[1, 2], [5], [3, 4]],
  );
  expect(value).toEqual({ n: 2, total: 4, odd: 2 });
  expect(failures).toEqual(['min "odd" was given undefined, which is no number']);
});

test("A1: infinities are numbers", () => {
  expect(resultOf(max(itself), [1, Infinity]).value).toBe(Infinity);
  expect(resultOf(min(itself), [Infinity]).value).toBe(Infinity);
});

test("aggregates are named after what they compute", () => {
  expect(
    [count(), average(itself)].map((aggregate) => windowOperator({ assigner: tumbling("5m"), aggregate })),
  ).toMatchObject([
    { kind: "count", description: "tumbling 5m", keyed: true, eventTime: true, outputTimestamps: "always" },
    { kind: "average" },
  ]);
  expect(
    windowOperator({ assigner: tumbling("5m"), aggregate: () => ({ n: count() }), allowedLatenessMs: 30_000 }),
  ).toMatchObject({ kind: "aggregate", description: "tumbling 5m, lateness 30s" });
  expect(Object.keys(aggregatesOf).slice(0, 5)).toEqual(["count", "sum", "average", "min", "max"]);
});

test.each([
  ["no aggregate", {}],
  ["no fields", { aggregate: () => ({}) }],
  ["a field that is none", { aggregate: () => ({ n: 5 as never }) }],
  ["a kind that is none", { aggregate: { kind: "median", of: itself } as never }],
  ["a negative lateness", { aggregate: count(), allowedLatenessMs: -1 }],
])("%s is refused when the operator is described", (_what, spec) => {
  expect(() => windowOperator({ assigner: tumbling(10), ...spec })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});
