import { expect, test } from "vitest";
import { splitOperator } from "../../framework/operator/split.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

const even = (n: unknown): boolean => (n as number) % 2 === 0;
const large = (n: unknown): boolean => (n as number) > 10;

test("a value is in every branch whose function answers true, with its timestamp, and nowhere else", () => {
  const harness = operatorHarness(splitOperator({ even, large }));
  for (const n of [1, 2, 11, 12]) harness.process(n, n * 100);
  const emitted = (...values: readonly number[]) => values.map((n) => ({ value: n, timestamp: n * 100 }));
  expect(harness.take().main).toEqual([]);
  expect(harness.takeSide("even")).toEqual(emitted(2, 12));
  expect(harness.takeSide("large")).toEqual(emitted(11, 12));
});

test("a branch that throws makes the value a dead letter: it is in no branch", () => {
  const fails = () => {
    throw new Error("no");
  };
  const harness = operatorHarness(splitOperator({ even, fails }));
  harness.process(2, 1);
  expect(harness.takeSide("even")).toEqual([]);
  expect(harness.take().deadLetters).toHaveLength(1);
});

test("no branches, branches that are no functions, and names that no plan can show are refused", () => {
  expect(() => splitOperator({})).toThrow("at least one branch");
  expect(() => splitOperator({ even: 1 as never })).toThrow("branch even is no function");
  expect(() => splitOperator({ "a b": even })).toThrow('side output "a b"');
});
