import { expect, test } from "vitest";
import { mapOperator } from "../../framework/operator/map.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

test("each value becomes what the function answers, at the same time", () => {
  const harness = operatorHarness(
    mapOperator((n) => (n as number) * 2),
    { poisonEachRecord: true, restoreEachStep: true },
  );
  harness.processAll([
    [1, 10],
    [2, undefined],
  ]);
  expect(harness.take()).toEqual({
    main: [
      { value: 2, timestamp: 10 },
      { value: 4, timestamp: undefined },
    ],
    late: [],
    deadLetters: [],
  });
});

test("undefined is a value like any other", () => {
  expect(
    operatorHarness(mapOperator(() => undefined))
      .process(1, 1)
      .take().main,
  ).toEqual([{ value: undefined, timestamp: 1 }]);
});
