import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { average, count, max, min, sum, type Aggregate } from "../../framework/operator/aggregates.ts";
import { windowOperator, type Windowed, type WindowSpec } from "../../framework/operator/window.ts";
import { mapOperator } from "../../framework/operator/map.ts";
import {
  operatorHarness,
  type Emitted,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling, type GridWindows } from "../../framework/window/assigner.ts";

interface Reading {
  readonly key: string;
  readonly value: number;
}

interface Result {
  readonly key: string;
  readonly start: number;
  readonly value: unknown;
}

const keyOf = (value: unknown): string => (value as Reading).key;
const valueOf = ({ value }: Reading): number => value;

/** Keeps the values, sorted, so that neither arrival nor panes show. */
const sorted: Aggregate<Reading, number[], number[]> = {
  create: () => [],
  add(held, { value }) {
    held.push(value);
    return held;
  },
  result: (held) => held.toSorted((a, b) => a - b),
};

const sortedByPanes: Aggregate<Reading, number[], number[]> = {
  ...sorted,
  merge(older, newer) {
    older.push(...newer);
    return older;
  },
};

/** Windows as their definition has them: every value in every window, nothing shared, nothing scheduled. */
class NaiveWindows {
  readonly #assigner: GridWindows;
  readonly #latenessMs: number;
  readonly #windows = new Map<string, { key: string; start: number; values: number[] }>();
  watermark = -Infinity;

  constructor(assigner: GridWindows, latenessMs: number) {
    this.#assigner = assigner;
    this.#latenessMs = latenessMs;
  }

  process({ key, value }: Reading, timestamp: number): { main: Result[]; isLate: boolean } {
    const { sizeMs, slideMs, offsetMs } = this.#assigner;
    const main: Result[] = [];
    let isTaken = false;
    for (let start = timestamp; start > timestamp - sizeMs; start -= 1) {
      const isWindow = (start - offsetMs) % slideMs === 0;
      if (!isWindow || start + sizeMs - 1 + this.#latenessMs <= this.watermark) continue;
      isTaken = true;
      const name = `${key} ${start}`;
      const window = this.#windows.get(name) ?? { key, start, values: [] };
      window.values.push(value);
      this.#windows.set(name, window);
      if (start + sizeMs - 1 <= this.watermark) main.push(resultOf(window));
    }
    return { main, isLate: !isTaken && timestamp + this.#latenessMs <= this.watermark };
  }

  advanceTo(watermark: number): Result[] {
    if (watermark <= this.watermark) return [];
    const { sizeMs } = this.#assigner;
    const due = [...this.#windows].filter(
      ([, { start }]) => start + sizeMs - 1 <= watermark && start + sizeMs - 1 > this.watermark,
    );
    for (const [name, { start }] of this.#windows) {
      if (start + sizeMs - 1 + this.#latenessMs <= watermark) this.#windows.delete(name);
    }
    this.watermark = watermark;
    return due.map(([, window]) => resultOf(window)).toSorted(byKeyAndStart);
  }
}

function resultOf({ key, start, values }: { key: string; start: number; values: number[] }): Result {
  return { key, start, value: values.toSorted((a, b) => a - b) };
}

function byKeyAndStart(a: Result, b: Result): number {
  return a.key === b.key ? a.start - b.start : a.key < b.key ? -1 : 1;
}

type Step = readonly ["record", Reading, number] | readonly ["watermark", number];

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant("record" as const),
      fc.record({ key: fc.constantFrom("a", "b", "c"), value: fc.integer({ min: -9, max: 9 }) }),
      fc.integer({ min: -30, max: 60 }),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("watermark" as const), fc.integer({ min: -35, max: 70 })) },
);
const anyInput = fc.array(anyStep, { maxLength: 40 });
const anyAssigner = fc
  .record({
    size: fc.integer({ min: 1, max: 24 }),
    slide: fc.integer({ min: 1, max: 14 }),
    isTumbling: fc.boolean(),
    offset: fc.integer({ min: -13, max: 13 }),
  })
  .map(({ size, slide, isTumbling, offset }) => {
    const grid = isTumbling ? size : slide;
    return isTumbling ? tumbling(size, { offset: offset % grid }) : sliding(size, slide, { offset: offset % grid });
  });
const anyLateness = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }));

function results(main: readonly Emitted[], { sizeMs }: GridWindows): Result[] {
  return main.map(({ value, timestamp }) => {
    const { key, window, value: result } = value as Windowed<string, unknown>;
    expect(window.end).toBe(window.start + sizeMs);
    expect(timestamp).toBe(window.end - 1);
    return { key, start: window.start, value: result };
  });
}

/** Runs the input and compares every step with the naive windows. */
function expectNaive(
  assigner: GridWindows,
  latenessMs: number,
  computing: Pick<WindowSpec, "aggregate">,
  input: readonly Step[],
  options: HarnessOptions,
): void {
  const factory = windowOperator({ assigner, allowedLatenessMs: latenessMs, ...computing });
  const harness = operatorHarness(factory, { key: keyOf, ...options });
  const naive = new NaiveWindows(assigner, latenessMs);
  for (const step of [...input, ["watermark", Infinity] as const]) {
    expect(actualStep(harness, assigner, step)).toEqual(naiveStep(naive, step));
  }
}

function actualStep(harness: OperatorHarness, assigner: GridWindows, step: Step): object {
  runStep(harness, step);
  const { main, late } = harness.take();
  const fired = results(main, assigner);
  if (step[0] === "record") return { main: fired, late };
  const isInOrder = fired.every(({ start }, at) => at === 0 || start >= (fired[at - 1]?.start ?? 0));
  return { main: fired.toSorted(byKeyAndStart), late, isInOrder };
}

function naiveStep(naive: NaiveWindows, step: Step): object {
  if (step[0] === "watermark") return { main: naive.advanceTo(step[1]), late: [], isInOrder: true };
  const [, value, timestamp] = step;
  const { main, isLate } = naive.process(value, timestamp);
  return { main, late: isLate ? [{ value, timestamp }] : [] };
}

function runStep(harness: OperatorHarness, step: Step): void {
  if (step[0] === "record") harness.process(step[1], step[2]);
  else harness.watermark(step[1]);
}

const modes: Readonly<Record<string, HarnessOptions>> = {
  "item by item": {},
  "restored after every step": { restoreEachStep: true },
  "every record once as poison": { poisonEachRecord: true },
  both: { restoreEachStep: true, poisonEachRecord: true },
};

describe.each(Object.entries(modes))("W1, W2: windows are the naive ones, %s", (name, options) => {
  const numRuns = name === "item by item" ? 1000 : 80;

  test("a record in each of its windows", () => {
    fc.assert(
      fc.property(anyAssigner, anyLateness, anyInput, (assigner, latenessMs, input) => {
        expectNaive(assigner, latenessMs, { aggregate: sorted }, input, options);
      }),
      { numRuns },
    );
  });

  test("W3: panes shared by windows", () => {
    fc.assert(
      fc.property(anyAssigner, anyLateness, anyInput, (assigner, latenessMs, input) => {
        expectNaive(assigner, latenessMs, { aggregate: sortedByPanes }, input, options);
      }),
      { numRuns },
    );
  });
});

test("O2, O1: restores and undone records leave the same bytes as if they had not been", () => {
  fc.assert(
    fc.property(
      anyAssigner,
      anyLateness,
      anyInput,
      fc.constantFrom(sorted, sortedByPanes),
      (assigner, latenessMs, input, aggregate) => {
        const [plain, ...others] = Object.values(modes).map((options) => {
          const harness = operatorHarness(windowOperator({ assigner, allowedLatenessMs: latenessMs, aggregate }), {
            key: keyOf,
            ...options,
          });
          for (const step of input) runStep(harness, step);
          return harness.state;
        });
        for (const other of others) expect(other).toEqual(plain);
      },
    ),
    { numRuns: 100 },
  );
});

test("the built-in aggregates agree with computing over the list, by windows and by panes", () => {
  const all = { n: count(), total: sum(valueOf), mean: average(valueOf), least: min(valueOf), most: max(valueOf) };
  fc.assert(
    fc.property(anyAssigner, anyLateness, anyInput, (assigner, latenessMs, input) => {
      const run = (computing: Pick<WindowSpec, "aggregate">): Emitted[] => {
        const harness = operatorHarness(windowOperator({ assigner, allowedLatenessMs: latenessMs, ...computing }), {
          key: keyOf,
        });
        for (const step of input) runStep(harness, step);
        return harness
          .watermark(Infinity)
          .take()
          .main.toSorted((a, b) => (keyOf(a.value) < keyOf(b.value) ? -1 : 1));
      };
      const lists = run({ aggregate: sorted }).map(({ value, timestamp }) => ({
        value: { ...(value as object), value: summary((value as Windowed<string, number[]>).value) },
        timestamp,
      }));
      expect(run({ aggregate: () => all })).toEqual(lists);
    }),
    { numRuns: 100 },
  );
});

function summary(values: readonly number[]): object {
  const total = values.reduce((a, b) => a + b, 0);
  return {
    n: values.length,
    total,
    mean: total / values.length,
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

test("a window reduces its records in the order in which they come, also when windows overlap", () => {
  const digits = windowOperator({
    assigner: sliding(10, 5),
    reduce: (held: Reading, { value }: Reading) => ({ ...held, value: held.value * 10 + value }),
  });
  const harness = operatorHarness(digits, { key: keyOf });
  harness.processAll([
    [{ key: "a", value: 1 }, 5],
    [{ key: "a", value: 2 }, 9],
    [{ key: "a", value: 3 }, 6],
  ]);
  const values = harness
    .watermark(Infinity)
    .take()
    .main.map(({ value }) => (value as Windowed<string, Reading>).value.value);
  expect(values).toEqual([123, 123]);
});

describe("processing time (W5)", () => {
  test("windows fire on a tick and not on the last watermark, and results have the timestamp end - 1", () => {
    const harness = operatorHarness(
      windowOperator({ assigner: tumbling(10, { time: "processing" }), aggregate: count() }),
      { key: keyOf },
    );
    harness.clock(3).process({ key: "a", value: 1 }, undefined);
    expect(harness.nextTickAt).toBe(9);
    expect(harness.watermark(1000).take().main).toEqual([]);
    expect(harness.clock(8).take().main).toEqual([]);
    expect(harness.clock(9).take().main).toEqual([
      { value: { key: "a", window: { start: 0, end: 10 }, value: 1 }, timestamp: 9 },
    ]);
    expect(harness.nextTickAt).toBeUndefined();
    harness.process({ key: "a", value: 1 }, undefined);
    expect(harness.watermark(Infinity).take().main).toEqual([]);
  });

  test.each(Object.entries(modes))(
    "sliding windows take every record size / slide times, whatever the clock does, %s",
    (_name, options) => {
      const anyWalk = fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.nat({ max: 3 })), { maxLength: 30 });
      fc.assert(
        fc.property(anyWalk, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), (walk, slide, ratio) => {
          const harness = operatorHarness(
            windowOperator({ assigner: sliding(slide * ratio, slide, { time: "processing" }), aggregate: count() }),
            { key: keyOf, ...options },
          );
          let now = 0;
          let records = 0;
          for (const [pause, burst] of walk) {
            now += pause;
            harness.clock(now);
            for (let at = 0; at < burst; at++) harness.process({ key: "a", value: 1 }, undefined);
            records += burst;
          }
          const counted = harness
            .clock(now + 100)
            .take()
            .main.map(({ value }) => value as Windowed<string, number>);
          expect(counted.reduce((total, { value }) => total + value, 0)).toBe(records * ratio);
          const fired = new Set(counted.map(({ window }) => window.start)).size;
          expect(ratio > 1 && fired < counted.length).toBe(false);
        }),
        { numRuns: 100 },
      );
    },
  );
});

describe("failures", () => {
  const counting = windowOperator({ assigner: tumbling(10), aggregate: count() });

  test("W4: a firing that throws becomes a dead letter with its result, and the window is gone", () => {
    const broken = mapOperator((value) => {
      if ((value as Windowed<string, number>).key === "a") throw new Error("no a");
      return value;
    });
    const harness = operatorHarness(counting, { key: keyOf, behind: [broken] });
    harness.process({ key: "a", value: 1 }, 1).process({ key: "b", value: 1 }, 2);
    const { main, deadLetters } = harness.watermark(9).take();
    expect(main.map(({ value }) => (value as Windowed<string, number>).key)).toEqual(["b"]);
    expect(deadLetters).toMatchObject([
      {
        operator: "behind-1",
        code: "USER_FUNCTION",
        message: "no a",
        key: '"a"',
        timestamp: 9,
        value: { key: "a", window: { start: 0, end: 10 }, value: 1 },
      },
    ]);
    expect(harness.watermark(Infinity).take()).toEqual({ main: [], late: [], deadLetters: [] });
    expect(harness.state.segments).toEqual({});
    expect(harness.counts).toMatchObject({ deadLetters: 1, windowsOut: 1, recordsOut: 1 });
  });

  test("W4: one pane that cannot be merged costs its windows, and each only once", () => {
    const harness = operatorHarness(
      windowOperator({
        assigner: sliding(4, 2),
        aggregate: { ...sortedByPanes, result: (held: number[]) => (held.includes(13) ? explode() : held) },
      }),
      { key: keyOf },
    );
    harness.processAll([
      [{ key: "a", value: 1 }, 1],
      [{ key: "a", value: 13 }, 3],
      [{ key: "a", value: 2 }, 5],
    ]);
    const { main, deadLetters } = harness.watermark(Infinity).take();
    expect(main.map(({ value }) => (value as Windowed<string, number>).window.start)).toEqual([-2, 4]);
    expect(deadLetters.map(({ value }) => value)).toEqual([
      { key: "a", window: { start: 0, end: 4 } },
      { key: "a", window: { start: 2, end: 6 } },
    ]);
  });

  test("a late firing that throws undoes its record: the window is as it was", () => {
    const harness = operatorHarness(
      windowOperator({ assigner: tumbling(10), aggregate: count(), allowedLatenessMs: 10 }),
      {
        key: keyOf,
        refuses: (value) => (value as Windowed<string, number>).value === 2,
      },
    );
    harness.process({ key: "a", value: 1 }, 1).watermark(9);
    const before = harness.state;
    harness.process({ key: "a", value: 7 }, 2);
    expect(harness.state).toEqual(before);
    expect(harness.take().deadLetters).toMatchObject([
      { operator: "tested", code: "VALUE_NOT_ENCODABLE", value: { key: "a", value: 7 }, timestamp: 2 },
    ]);
  });

  test("a record without a timestamp is a dead letter", () => {
    const { deadLetters } = operatorHarness(counting, { key: keyOf }).process({ key: "a", value: 1 }, undefined).take();
    expect(deadLetters).toMatchObject([{ code: "TIMESTAMP_INVALID", operator: "tested", key: '"a"' }]);
  });

  test("a timestamp whose windows leave the safe integers is a dead letter", () => {
    const harness = operatorHarness(counting, { key: keyOf });
    for (const timestamp of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
      harness.process({ key: "a", value: 1 }, timestamp);
    expect(harness.take().deadLetters.map(({ code }) => code)).toEqual(["TIMESTAMP_INVALID", "TIMESTAMP_INVALID"]);
    expect(harness.state.segments).toEqual({});
  });

  test("W6: what is refused does not depend on the record before it", () => {
    const timeMax = Number.MAX_SAFE_INTEGER - 20;
    for (const [good, bad] of [
      [timeMax, timeMax + 1],
      [-timeMax, -timeMax - 1],
      [5, 5.5],
      [5, Number.NaN],
    ] as const) {
      const harness = operatorHarness(counting, { key: keyOf });
      for (const timestamp of [good, bad, good, bad]) harness.process({ key: "a", value: 1 }, timestamp);
      expect(harness.take().deadLetters.map(({ timestamp }) => timestamp)).toEqual([bad, bad]);
    }
  });

  test("a lateness beyond the safe integers keeps windows to the end of the input, and no longer", () => {
    const harness = operatorHarness(
      windowOperator({ assigner: tumbling(10), aggregate: count(), allowedLatenessMs: Number.MAX_SAFE_INTEGER }),
      { key: keyOf },
    );
    harness.process({ key: "a", value: 1 }, 1).watermark(1e15).take();
    expect(harness.process({ key: "a", value: 1 }, 2).take().main).toHaveLength(1);
    expect(harness.watermark(Infinity).take().main).toEqual([]);
    expect(harness.state.segments).toEqual({});
  });
});

test("C2: what user code does to a result changes no window that is still kept", () => {
  const spoiling = mapOperator((value) => {
    const { value: values } = value as Windowed<string, number[]>;
    values.push(99);
    return values;
  });
  for (const aggregate of [
    { ...sorted, result: (held: number[]) => held },
    { ...sortedByPanes, result: (held: number[]) => held },
  ]) {
    const harness = operatorHarness(windowOperator({ assigner: sliding(10, 5), aggregate, allowedLatenessMs: 50 }), {
      key: keyOf,
      behind: [spoiling],
    });
    harness.process({ key: "a", value: 1 }, 7).watermark(20);
    const { main } = harness.process({ key: "a", value: 2 }, 8).take();
    expect(main.map(({ value }) => value)).toEqual([
      [1, 99],
      [1, 99],
      [1, 2, 99],
      [1, 2, 99],
    ]);
  }
});

test("a record costs one addition where panes are shared, however many windows it is in", () => {
  let additions = 0;
  const counted = {
    ...sortedByPanes,
    add: (held: number[], reading: Reading) => (additions++, sortedByPanes.add(held, reading)),
  };
  const harness = operatorHarness(windowOperator({ assigner: sliding(6000, 7), aggregate: counted }), { key: keyOf });
  for (let at = 0; at < 50; at++) harness.process({ key: "a", value: at }, at);
  expect(additions).toBe(50);
});

test("windows count what they say", () => {
  const harness = operatorHarness(windowOperator({ assigner: tumbling(10), aggregate: count() }), { key: keyOf });
  harness.process({ key: "a", value: 1 }, 1).watermark(9).process({ key: "a", value: 1 }, 2);
  expect(harness.counts).toEqual({ recordsIn: 2, recordsOut: 1, late: 1, deadLetters: 0, windowsOut: 1 });
});

test("tuples are keys of windows like any other", () => {
  const harness = operatorHarness(windowOperator({ assigner: tumbling(10), aggregate: count() }), {
    key: (value) => ["x", (value as Reading).value],
  });
  harness.process({ key: "", value: 1 }, 1).process({ key: "", value: 2 }, 1).process({ key: "", value: 1 }, 2);
  const keys = harness
    .watermark(9)
    .take()
    .main.map(({ value }) => [(value as Windowed<string, number>).key, (value as Windowed<string, number>).value]);
  expect(keys).toEqual([
    [["x", 1], 2],
    [["x", 2], 1],
  ]);
});

function explode(): never {
  throw new Error("exploded");
}
