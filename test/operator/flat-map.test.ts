import { expect, test } from "vitest";
import { flatMapOperator } from "../../framework/operator/flat-map.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

test("E1: the elements of any iterable come out in order, at the record's time; nothing where the function answers nothing", () => {
  const answers: unknown[] = [[1, 2], new Set([3]), undefined, [], elements()];
  const harness = operatorHarness(flatMapOperator((at) => answers[at as number]));
  for (const at of answers.keys()) harness.process(at, at * 10);
  expect(harness.take().main.map(({ value, timestamp }) => [value, timestamp])).toEqual([
    [1, 0],
    [2, 0],
    [3, 10],
    [4, 40],
    [5, 40],
  ]);
});

test("E1: outputs before a throw are undone with it", () => {
  const harness = operatorHarness(flatMapOperator(elements), { refuses: (value) => value === 5 });
  const { main, deadLetters } = harness.process("x", 1).take();
  expect(main).toEqual([]);
  expect(deadLetters).toMatchObject([{ code: "VALUE_NOT_ENCODABLE", operator: "tested", value: "x", timestamp: 1 }]);
});

test.each(["text", Promise.resolve(), 5, {}, null])("E2: %s is no list of outputs", (answer) => {
  expect(
    operatorHarness(flatMapOperator(() => answer))
      .process(1)
      .take().deadLetters,
  ).toMatchObject([{ code: "USER_FUNCTION" }]);
});

function* elements(): Generator<number> {
  yield 4;
  yield 5;
}
