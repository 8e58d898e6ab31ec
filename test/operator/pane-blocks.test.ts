import fc from "fast-check";
import { expect, test } from "vitest";
import { sum } from "../../framework/operator/aggregates.ts";
import { collect } from "../../framework/operator/library-aggregates.ts";
import { PaneBlocks } from "../../framework/operator/pane-blocks.ts";
import { windowOperator, type WindowSpec, type Windowed } from "../../framework/operator/window.ts";
import { operatorHarness, type Emitted, type HarnessOptions } from "../../framework/testing/operator-harness.ts";
import { sliding } from "../../framework/window/assigner.ts";

type Step = readonly [value: number, at: number] | number;

/** Records that are mostly ahead of the watermark and sometimes far behind it, and watermarks that go in small and large steps. */
const anyInput: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          ahead: fc.integer({ min: -250, max: 20 }),
          value: fc.double({ noNaN: true, min: -1, max: 1 }),
        }),
      },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 190 }) },
    ),
    { maxLength: 60 },
  )
  .map((walk) => {
    let watermark = 0;
    return walk.map((step) => {
      if (typeof step === "object") return [step.value, watermark + step.ahead] as const;
      watermark += step;
      return watermark;
    });
  });

const modes: readonly HarnessOptions[] = [{}, { restoreEachStep: true }, { poisonEachRecord: true }];

function run(spec: WindowSpec, input: readonly Step[], options: HarnessOptions): readonly Emitted[] {
  const harness = operatorHarness(windowOperator(spec), { key: () => "k", ...options });
  for (const step of input) {
    if (typeof step === "number") harness.watermark(step);
    else harness.process(step[0], step[1]);
  }
  return harness.watermark(Infinity).take().main;
}

const anyLateness = fc.constantFrom(0, 30, 200);

test("windows of many panes hold what their records are, also when records come behind their firings", () => {
  const assigner = sliding(200, 1);
  expect(PaneBlocks.areUseful(assigner)).toBe(true);
  const aggregate = {
    create: (): number[] => [],
    add: (held: number[], value: number) => [...held, value],
    result: (held: number[]) => held,
  };
  fc.assert(
    fc.property(anyInput, anyLateness, (input, allowedLatenessMs) => {
      const [byPanes, byWindows] = [collect(), aggregate].map((each) =>
        run({ assigner, allowedLatenessMs, aggregate: each }, input, {}).map(({ value }) => {
          const { window, value: list } = value as Windowed<string, number[]>;
          return [window.start, list.toSorted((a, b) => a - b)];
        }),
      );
      expect(byPanes).toEqual(byWindows);
    }),
    { numRuns: 150 },
  );
});

test("B1: sums are the same to the last bit in all modes, restored or not", () => {
  const spec = { assigner: sliding(200, 1), aggregate: sum((value: number) => value) };
  fc.assert(
    fc.property(anyInput, anyLateness, (input, allowedLatenessMs) => {
      const [plain, ...others] = modes.map((options) => run({ ...spec, allowedLatenessMs }, input, options));
      for (const other of others) expect(other).toEqual(plain);
    }),
    { numRuns: 10 },
  );
});

test("windows of few slides have no use for them", () => {
  expect(PaneBlocks.areUseful(sliding(190, 1))).toBe(false);
});
