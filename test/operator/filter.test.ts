import { expect, test } from "vitest";
import { filterOperator } from "../../framework/operator/filter.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

test("values go through unchanged where the function answers something truthy", () => {
  const harness = operatorHarness(
    filterOperator((n) => (n as number) % 2 === 0),
    { poisonEachRecord: true },
  );
  harness.processAll([
    [1, 1],
    [2, 2],
    [4, 3],
  ]);
  expect(harness.take().main).toEqual([
    { value: 2, timestamp: 2 },
    { value: 4, timestamp: 3 },
  ]);
  expect(
    operatorHarness(filterOperator(() => "yes"))
      .process(1)
      .take().main,
  ).toHaveLength(1);
  expect(
    operatorHarness(filterOperator(() => undefined))
      .process(1)
      .take().main,
  ).toHaveLength(0);
});
