import { describe, expect, test } from "vitest";
import { mapOperator } from "../../framework/operator/map.ts";
import { reduceOperator } from "../../framework/operator/reduce.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

interface Total {
  readonly key: string;
  n: number;
}

const key = (value: unknown): string => (value as Total).key;

/** Changes what it holds, as user code may. */
const adding = reduceOperator((held, value) => {
  (held as Total).n += (value as Total).n;
  return held;
});

describe.each([{}, { restoreEachStep: true }, { poisonEachRecord: true }])("%o", (options) => {
  test("R1: each record's result is what its key's records come to so far", () => {
    const harness = operatorHarness(adding, { key, ...options });
    harness.processAll([
      [{ key: "a", n: 1 }, 1],
      [{ key: "b", n: 10 }, 2],
      [{ key: "a", n: 2 }, 3],
    ]);
    expect(harness.take().main).toEqual([
      { value: { key: "a", n: 1 }, timestamp: 1 },
      { value: { key: "b", n: 10 }, timestamp: 2 },
      { value: { key: "a", n: 3 }, timestamp: 3 },
    ]);
  });

  test("R2: what is done to a result does not change the state", () => {
    const spoiling = mapOperator((total) => Object.assign(total as Total, { n: -(total as Total).n }));
    const harness = operatorHarness(adding, { key, behind: [spoiling], ...options });
    for (const n of [1, 2, 3]) harness.process({ key: "a", n });
    expect(harness.take().main.map(({ value }) => (value as Total).n)).toEqual([-1, -3, -6]);
  });
});

test("numbers need no copies", () => {
  const harness = operatorHarness(
    reduceOperator((held, value) => (held as number) + (value as number)),
    { key: () => 1 },
  );
  for (const n of [1, 2, 3]) harness.process(n);
  expect(harness.take().main.map(({ value }) => value)).toEqual([1, 3, 6]);
});

test("a function that answers undefined makes a dead letter, and the state stays", () => {
  const harness = operatorHarness(
    reduceOperator((held, value) => (value === 0 ? undefined : held)),
    { key: () => 1 },
  );
  harness.process(5).process(0).process(7);
  const { main, deadLetters } = harness.take();
  expect(main.map(({ value }) => value)).toEqual([5, 5]);
  expect(deadLetters).toMatchObject([{ message: "the function of reduce answered undefined", value: 0 }]);
});
