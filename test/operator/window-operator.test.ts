import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { count, sum, type Aggregate } from "../../framework/operator/aggregates.ts";
import { mapOperator } from "../../framework/operator/map.ts";
import { windowOperator, type FiredWindow, type Windowed, type WindowSpec } from "../../framework/operator/window.ts";
import {
  operatorHarness,
  type Emitted,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { keepLast, keepWithin } from "../../framework/window/evictor.ts";
import {
  atEnd,
  everyCount,
  everyInterval,
  never,
  onDelta,
  onTime,
  trigger,
  type Trigger,
} from "../../framework/window/trigger.ts";
import { countWindow, globalWindow } from "../../framework/window/unbounded.ts";

interface Reading {
  readonly key: string;
  readonly value: number;
}

const keyOf = (value: unknown): string => (value as Reading).key;
const valueOf = ({ value }: Reading): number => value;

const list: Aggregate<Reading, number[], number[]> = {
  create: () => [],
  add: (held, { value }) => [...held, value],
  result: (held) => held,
};

function harnessOf(spec: WindowSpec, options: HarnessOptions = {}): OperatorHarness {
  return operatorHarness(windowOperator(spec), { key: keyOf, ...options });
}

function valuesOf(main: readonly Emitted[]): unknown[] {
  return main.map(({ value }) => (value as Windowed<string, unknown>).value);
}

function firesOf(main: readonly Emitted[]): unknown[] {
  return main.map(({ value }) => {
    const { value: result, fire } = value as FiredWindow<string, unknown>;
    return [result, fire.cause, fire.pane];
  });
}

const modes: Readonly<Record<string, readonly [number, HarnessOptions]>> = {
  "item by item": [1000, {}],
  "restored after every step, every record once as poison": [40, { restoreEachStep: true, poisonEachRecord: true }],
};

const anyReading = fc.record({ key: fc.constantFrom("a", "b"), value: fc.integer({ min: -9, max: 9 }) });
const anyReadings = fc.array(fc.tuple(anyReading, fc.integer({ min: -30, max: 60 })), { maxLength: 40 });

describe.each(Object.entries(modes))(
  "windows of counts and global ones are the naive ones, %s",
  (_name, [numRuns, options]) => {
    test("count windows: every slide records the last size of the key", () => {
      const anySize = fc.integer({ min: 1, max: 6 });
      fc.assert(
        fc.property(anyReadings, anySize, anySize, fc.boolean(), (input, size, slide, partialAtEnd) => {
          const harness = harnessOf({ assigner: countWindow(size, slide, { partialAtEnd }), aggregate: list }, options);
          const seen: Record<string, number[]> = { a: [], b: [] };
          for (const [reading, at] of input) {
            const own = seen[reading.key] ?? [];
            own.push(reading.value);
            const fired = valuesOf(harness.process(reading, at).take().main);
            expect(fired).toEqual(own.length % slide === 0 ? [own.slice(-size)] : []);
          }
          const rest = Object.values(seen).filter((own) => own.length % slide !== 0);
          // What is left of a tumbling window is what has come since its last one; of a sliding one the last records.
          const partial = rest.map((own) => own.slice(size === slide ? -(own.length % slide) : -size));
          const fired = valuesOf(harness.watermark(Infinity).take().main);
          expect(new Set(fired)).toEqual(new Set(partialAtEnd ? partial : []));
        }),
        { numRuns },
      );
    });

    test("global windows: every n records, all of the key or those since the last firing", () => {
      fc.assert(
        fc.property(anyReadings, fc.integer({ min: 1, max: 5 }), fc.boolean(), (input, n, isPurging) => {
          const counting = everyCount(n);
          const spec = { assigner: globalWindow(), trigger: isPurging ? counting.purging() : counting };
          const harness = harnessOf({ ...spec, aggregate: list }, options);
          const seen: Record<string, number[]> = { a: [], b: [] };
          for (const [reading, at] of input) {
            const own = seen[reading.key] ?? [];
            own.push(reading.value);
            const fired = valuesOf(harness.process(reading, at).take().main);
            expect(fired).toEqual(own.length % n === 0 ? [isPurging ? own.slice(-n) : own] : []);
          }
          expect(harness.watermark(Infinity).take().main).toEqual([]);
        }),
        { numRuns },
      );
    });
  },
);

describe.each(Object.entries(modes))(
  "with another function they are what plain aggregates are, %s",
  (_name, [numRuns, options]) => {
    const anyStep = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(anyReading, fc.integer({ min: -30, max: 60 })) },
      { weight: 1, arbitrary: fc.integer({ min: -35, max: 70 }) },
    );

    test("tumbling and sliding windows, with any lateness", () => {
      const anyGrid = fc.tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 14 }));
      fc.assert(
        fc.property(
          fc.array(anyStep, { maxLength: 30 }),
          anyGrid,
          fc.nat({ max: 20 }),
          (input, [size, slide], lateness) => {
            const spec = { assigner: sliding(size, slide), allowedLatenessMs: lateness };
            const process = {
              process: (readings: readonly Reading[], { key, window }: { key: string; window: object }) => [
                { key, window, value: readings.map(({ value }) => value) },
              ],
            };
            const [plain, general] = [
              harnessOf({ ...spec, aggregate: list }),
              harnessOf({ ...spec, process }, options),
            ];
            for (const step of [...input, Infinity]) {
              const [expected, actual] = [plain, general].map((harness) => {
                if (typeof step === "number") harness.watermark(step);
                else harness.process(...step);
                const { main, late } = harness.take();
                return { main: main.map((one) => JSON.stringify(one)).toSorted(), late };
              });
              expect(actual).toEqual(expected);
            }
          },
        ),
        { numRuns },
      );
    });
  },
);

describe("firings", () => {
  test("have their cause and number: early, on time, late", () => {
    const spec = { assigner: tumbling(10), allowedLatenessMs: 10, aggregate: count(), fire: true };
    const harness = harnessOf({ ...spec, trigger: onTime().withEarly({ count: 2 }) });
    for (const at of [0, 1, 2]) harness.process({ key: "a", value: 1 }, at);
    harness.watermark(9).process({ key: "a", value: 1 }, 3).watermark(Infinity);
    expect(firesOf(harness.take().main)).toEqual([
      [2, "early", 1],
      [3, "onTime", 2],
      [4, "late", 3],
    ]);
  });

  test("a result without fire has none", () => {
    const harness = harnessOf({ assigner: tumbling(10), trigger: onTime(), aggregate: count() });
    const { main } = harness.process({ key: "a", value: 1 }, 0).watermark(9).take();
    expect(main).toEqual([{ value: { key: "a", window: { start: 0, end: 10 }, value: 1 }, timestamp: 9 }]);
  });

  test("U2: of windows without an end have the largest timestamp that the window has seen", () => {
    const harness = harnessOf({ assigner: globalWindow(), trigger: everyCount(2).or(atEnd()), aggregate: list });
    for (const at of [7, 3, 5]) harness.process({ key: "a", value: at }, at);
    const { main } = harness.watermark(Infinity).take();
    expect(main.map(({ timestamp, value }) => [timestamp, (value as Windowed<string, unknown>).window])).toEqual([
      [7, { start: -Infinity, end: Infinity }],
      [7, { start: -Infinity, end: Infinity }],
    ]);
  });

  test("are bounded: each is a step", () => {
    const harness = harnessOf(
      { assigner: tumbling(10), trigger: everyInterval(1), aggregate: count() },
      { restoreEachStep: true },
    );
    harness.process({ key: "a", value: 1 }, 0).watermark(Infinity);
    expect(valuesOf(harness.take().main)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1]);
  });
});

describe("triggers", () => {
  function fired(how: Trigger<never>, spec: Partial<WindowSpec> = {}): OperatorHarness {
    return harnessOf(
      { assigner: tumbling(100), allowedLatenessMs: 100, trigger: how, aggregate: list, ...spec },
      { restoreEachStep: true },
    );
  }

  test("withEarly: every so often of processing time, while records come", () => {
    const harness = fired(onTime().withEarly(10)).clock(3).process({ key: "a", value: 1 }, 0);
    expect(harness.nextTickAt).toBe(10);
    expect(valuesOf(harness.clock(25).take().main)).toEqual([[1]]);
    expect(harness.nextTickAt).toBeUndefined();
    harness.process({ key: "a", value: 2 }, 1).watermark(99);
    expect(valuesOf(harness.take().main)).toEqual([[1, 2]]);
    expect(valuesOf(harness.clock(40).take().main)).toEqual([]);
  });

  test("withLate: late records fire every so many, in place of at once", () => {
    const harness = fired(onTime().withLate({ count: 2 }))
      .process({ key: "a", value: 1 }, 0)
      .watermark(99);
    harness.take();
    expect(valuesOf(harness.process({ key: "a", value: 2 }, 0).take().main)).toEqual([]);
    expect(valuesOf(harness.process({ key: "a", value: 3 }, 0).take().main)).toEqual([[1, 2, 3]]);
  });

  test("withLate: so long behind a late record", () => {
    const harness = fired(onTime().withLate(10)).process({ key: "a", value: 1 }, 0).watermark(99);
    harness.take();
    harness.clock(4).process({ key: "a", value: 2 }, 0);
    expect(valuesOf(harness.take().main)).toEqual([]);
    expect(valuesOf(harness.clock(10).take().main)).toEqual([[1, 2]]);
  });

  test("orEvery: a count and an interval besides", () => {
    const harness = fired(onTime().orEvery({ count: 3, interval: 40 }));
    for (const at of [0, 1, 2, 3]) harness.process({ key: "a", value: at }, at);
    expect(valuesOf(harness.take().main)).toEqual([[0, 1, 2]]);
    expect(valuesOf(harness.watermark(50).take().main)).toEqual([[0, 1, 2, 3]]);
    expect(valuesOf(harness.watermark(99).take().main)).toHaveLength(2);
  });

  test("and: when both have fired", () => {
    const harness = fired(onTime().and(everyCount(2)));
    harness.process({ key: "a", value: 1 }, 0).watermark(99);
    expect(harness.take().main).toEqual([]);
    expect(valuesOf(harness.process({ key: "a", value: 2 }, 0).take().main)).toEqual([[1, 2]]);
  });

  test("purging: each result has what has come since the last one", () => {
    const harness = fired(onTime().orEvery({ count: 2 }).purging());
    for (const at of [0, 1, 2]) harness.process({ key: "a", value: at }, at);
    expect(valuesOf(harness.watermark(99).take().main)).toEqual([[0, 1], [2]]);
  });

  test("onDelta: against the record of the last firing", () => {
    const harness = fired(onDelta(4, (last: Reading, now: Reading) => now.value - last.value));
    for (const value of [0, 4, 5, 9, 10]) harness.process({ key: "a", value }, 0);
    expect(valuesOf(harness.take().main)).toEqual([
      [0, 4, 5],
      [0, 4, 5, 9, 10],
    ]);
  });

  test("a delta that is no number makes its record a dead letter", () => {
    const harness = fired(onDelta(4, () => NaN))
      .process({ key: "a", value: 1 }, 0)
      .process({ key: "a", value: 2 }, 0);
    expect(harness.take().deadLetters).toMatchObject([{ value: { value: 2 } }]);
  });

  test("atEnd: what processing time has not finished is a result when the input ends", () => {
    const assigner = tumbling(100, { time: "processing" });
    const harness = fired(onTime().or(atEnd()), { assigner, allowedLatenessMs: 0 }).process({ key: "a", value: 1 });
    expect(valuesOf(harness.watermark(1000).take().main)).toEqual([]);
    expect(valuesOf(harness.watermark(Infinity).take().main)).toEqual([[1]]);
  });

  test("never: nothing, and nothing is left when the window is gone", () => {
    const harness = fired(never()).process({ key: "a", value: 1 }, 0).watermark(199);
    expect(harness.take().main).toEqual([]);
    expect(harness.state.segments).toEqual({});
  });

  test("of the user's own: with state, timers of both clocks, and its verdict", () => {
    const own = trigger<Reading, { sum: number }>({
      create: () => ({ sum: 0 }),
      onRecord({ value }, { state, timers, timestamp = 0, now }) {
        state.sum += value;
        timers.onEventTime(timestamp + 5);
        timers.onProcessingTime(now() + 50);
        return state.sum > 10 ? "fireAndPurge" : "continue";
      },
      onTime: (_at, { domain }) => (domain === "event" ? "fire" : "purge"),
    });
    const harness = fired(own);
    harness.process({ key: "a", value: 4 }, 0).process({ key: "a", value: 7 }, 1);
    expect(valuesOf(harness.take().main)).toEqual([[4, 7]]);
    harness.process({ key: "a", value: -9 }, 2).watermark(7);
    expect(valuesOf(harness.take().main)).toEqual([[-9], [-9], [-9]]);
    expect(valuesOf(harness.clock(50).watermark(99).take().main)).toEqual([]);
  });

  test("of the user's own: an answer that is no verdict makes the record a dead letter, and leaves nothing", () => {
    const own = trigger<Reading, number>({
      create: () => 0,
      onRecord(_value, context) {
        context.state += 1;
        return "stop" as never;
      },
    });
    const harness = fired(own).process({ key: "a", value: 4 }, 0);
    expect(harness.take().deadLetters).toMatchObject([{ code: "USER_FUNCTION" }]);
    expect(harness.state.segments).toEqual({});
  });
});

describe("evictors", () => {
  test("E1: an aggregate is computed of what is left, the plan says that records are kept", () => {
    const factory = windowOperator({ assigner: tumbling(10), evictor: keepLast(2), aggregate: sum(valueOf) });
    expect(factory.description).toBe("tumbling 10ms, keep last 2, keeps all records");
    const harness = operatorHarness(factory, { key: keyOf });
    for (const value of [1, 2, 4]) harness.process({ key: "a", value }, 0);
    expect(valuesOf(harness.watermark(9).take().main)).toEqual([6]);
  });

  test("in processing time a record is as old as its coming", () => {
    const harness = harnessOf({
      assigner: tumbling(100, { time: "processing" }),
      evictor: keepWithin(10),
      aggregate: list,
    });
    for (const [now, value] of [
      [0, 1],
      [20, 2],
      [25, 3],
    ] as const)
      harness.clock(now).process({ key: "a", value }, 1000 - now);
    expect(valuesOf(harness.clock(99).take().main)).toEqual([[2, 3]]);
  });
});

describe("failures (W4)", () => {
  test("a firing that throws is a dead letter with its result, and the window goes on", () => {
    const broken = mapOperator((value) => {
      if ((value as Windowed<string, number[]>).value.length === 1) throw new Error("too few");
      return value;
    });
    const factory = windowOperator({ assigner: globalWindow(), trigger: everyInterval(10), aggregate: list });
    const harness = operatorHarness(factory, { key: keyOf, behind: [broken] });
    harness.process({ key: "a", value: 1 }, 0).watermark(10);
    expect(harness.take()).toMatchObject({ main: [], deadLetters: [{ value: { value: [1] }, timestamp: 10 }] });
    harness.process({ key: "a", value: 2 }, 11).watermark(20);
    expect(valuesOf(harness.take().main)).toEqual([[1, 2]]);
  });

  test("a firing by a record that throws is the record's: neither is there", () => {
    const process = {
      process(readings: readonly Reading[]) {
        (readings as Reading[]).pop();
        throw new Error("no");
      },
    };
    const harness = harnessOf({ assigner: globalWindow(), trigger: everyCount(2), process });
    harness.process({ key: "a", value: 1 }, 0);
    const before = harness.state;
    harness.process({ key: "a", value: 2 }, 0);
    expect(harness.take().deadLetters).toMatchObject([{ value: { value: 2 } }]);
    expect(harness.state).toEqual(before);
  });
});

test("a window holds copies: what a function does with its values is lost", () => {
  const process = {
    process: (readings: readonly { value: number }[], { key }: { key: string }) => {
      for (const reading of readings) reading.value += 1;
      return [{ key, value: readings.map(({ value }) => value) }];
    },
  };
  const harness = harnessOf({ assigner: tumbling(10), allowedLatenessMs: 10, process });
  harness.process({ key: "a", value: 1 }, 0).watermark(9).process({ key: "a", value: 5 }, 0);
  expect(valuesOf(harness.take().main)).toEqual([[2], [2, 6]]);
});

test("W2: a count window leaves nothing behind when it has fired", () => {
  const harness = harnessOf({ assigner: countWindow(2, { partialAtEnd: true }), aggregate: count(), fire: true });
  harness.process({ key: "a", value: 1 }, 0).process({ key: "a", value: 1 }, 0);
  expect(firesOf(harness.take().main)).toEqual([[2, "onTime", 1]]);
  expect(harness.state.segments).toEqual({});
});

describe("what is refused", () => {
  test.each<[string, WindowSpec, string]>([
    ["a global window without a trigger", { assigner: globalWindow(), aggregate: list }, "needs a trigger"],
    ["a count of 0", { assigner: countWindow(0), aggregate: list }, "the size of a count window is 0"],
    [
      "a slide of half a record",
      { assigner: countWindow(2, 0.5), aggregate: list },
      "the slide of a count window is 0.5",
    ],
    ["lateness of counts", { assigner: countWindow(2), allowedLatenessMs: 5, aggregate: list }, "no late records"],
    [
      "another trigger of counts",
      { assigner: countWindow(2), trigger: never(), aggregate: list },
      "fire by their count",
    ],
    [
      "an evictor of sliding counts",
      { assigner: countWindow(4, 2), evictor: keepLast(1), aggregate: list },
      "keep their last",
    ],
    [
      "a negative count of an evictor",
      { assigner: tumbling(5), evictor: keepLast(-1), aggregate: list },
      "keepLast is -1",
    ],
    ["a trigger without a count", { assigner: tumbling(5), trigger: everyCount(0), aggregate: list }, "the count is 0"],
    [
      "an interval of nothing",
      { assigner: tumbling(5), trigger: everyInterval(0), aggregate: list },
      "the interval is 0",
    ],
    [
      "an empty every",
      { assigner: tumbling(5), trigger: onTime().orEvery({}), aggregate: list },
      "orEvery needs a count",
    ],
    ["neither function nor aggregate", { assigner: tumbling(5), trigger: onTime() }, "a window needs"],
  ])("%s", (_what, spec, reason) => {
    expect(() => windowOperator(spec)).toThrow(reason);
  });
});
