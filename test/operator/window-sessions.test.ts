import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sum, type Aggregate } from "../../framework/operator/aggregates.ts";
import { windowOperator, type Windowed, type WindowSpec } from "../../framework/operator/window.ts";
import {
  operatorHarness,
  type Emitted,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";
import { session } from "../../framework/window/session.ts";
import { trigger } from "../../framework/window/trigger.ts";

interface Click {
  readonly key: string;
  readonly value: number;
  readonly gap: number;
}

interface Result {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly values: readonly number[];
}

type Step = readonly ["record", Click, number] | readonly ["watermark", number];

const keyOf = (value: unknown): string => (value as Click).key;

/** The values of a session, in no order, by merging. */
const merging: Aggregate<Click, number[], number[]> = {
  create: () => [],
  add: (held, { value }) => [...held, value],
  merge: (older, newer) => [...older, ...newer],
  result: (held) => held,
};

/** The same by keeping the records: it cannot merge. */
const keeping: Aggregate<Click, number[], number[]> = {
  create: () => [],
  add: (held, { value }) => [...held, value],
  result: (held) => held,
};

const computations: readonly Pick<WindowSpec, "aggregate" | "process">[] = [
  { aggregate: merging },
  { aggregate: keeping },
  {
    process: {
      process: (clicks: readonly Click[], { key, window }) => [
        { key, window, value: clicks.map(({ value }) => value) },
      ],
    },
  },
];

/** Sessions as their definition has them: found anew among all records that are kept, each time. */
class NaiveSessions {
  readonly #latenessMs: number;
  #records: { readonly click: Click; readonly start: number; readonly end: number }[] = [];
  watermark = -Infinity;

  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  process(click: Click, timestamp: number): { main: Result[]; isLate: boolean } {
    const record = { click, start: timestamp, end: timestamp + click.gap };
    const records = [...this.#records, record];
    const own = sessionsOf(records, click.key).find(({ start, end }) => start <= timestamp && timestamp < end);
    if (own === undefined) throw new Error("a record is in no session");
    if (own.end - 1 + this.#latenessMs <= this.watermark) return { main: [], isLate: true };
    this.#records = records;
    return { main: own.end - 1 <= this.watermark ? [own] : [], isLate: false };
  }

  advanceTo(watermark: number): Result[] {
    if (watermark <= this.watermark) return [];
    const all = ["a", "b"].flatMap((key) => sessionsOf(this.#records, key));
    const due = all.filter(({ end }) => end - 1 > this.watermark && end - 1 <= watermark);
    const gone = all.filter(({ end }) => end - 1 + this.#latenessMs <= watermark);
    this.#records = this.#records.filter(
      ({ click, start }) => !gone.some((each) => each.key === click.key && each.start <= start && start < each.end),
    );
    this.watermark = watermark;
    return due;
  }
}

function sessionsOf(records: readonly { click: Click; start: number; end: number }[], key: string): Result[] {
  const sessions: { key: string; start: number; end: number; values: number[] }[] = [];
  const sorted = records.filter(({ click }) => click.key === key).toSorted((a, b) => a.start - b.start);
  for (const { click, start, end } of sorted) {
    const last = sessions.at(-1);
    if (last === undefined || last.end < start) sessions.push({ key, start, end, values: [click.value] });
    else {
      last.end = Math.max(last.end, end);
      last.values.push(click.value);
    }
  }
  return sessions;
}

const anyClick = fc.record({
  key: fc.constantFrom("a", "b"),
  value: fc.integer({ min: 0, max: 99 }),
  gap: fc.integer({ min: 1, max: 12 }),
});
const anyInput = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant("record" as const), anyClick, fc.integer({ min: -30, max: 60 })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("watermark" as const), fc.integer({ min: -35, max: 70 })) },
  ),
  { maxLength: 40 },
);
const anyLateness = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }));

function resultsOf(main: readonly Emitted[]): Result[] {
  return main.map(({ value, timestamp }) => {
    const { key, window, value: values } = value as Windowed<string, number[]>;
    expect(timestamp).toBe(window.end - 1);
    return { key, ...window, values };
  });
}

function comparable(results: readonly Result[]): unknown[] {
  return results
    .map((result) => ({ ...result, values: result.values.toSorted((a, b) => a - b) }))
    .toSorted((a, b) => (a.key === b.key ? a.start - b.start : a.key < b.key ? -1 : 1));
}

function run(harness: OperatorHarness, step: Step): void {
  if (step[0] === "record") harness.process(step[1], step[2]);
  else harness.watermark(step[1]);
}

function expectNaive(spec: WindowSpec, input: readonly Step[], options: HarnessOptions): void {
  const harness = operatorHarness(windowOperator(spec), { key: keyOf, ...options });
  const naive = new NaiveSessions(spec.allowedLatenessMs ?? 0);
  for (const step of [...input, ["watermark", Infinity] as const]) {
    run(harness, step);
    const { main, late, deadLetters } = harness.take();
    expect({ main: comparable(resultsOf(main)), late, deadLetters }).toEqual(naiveStep(naive, step));
  }
}

function naiveStep(naive: NaiveSessions, step: Step): object {
  if (step[0] === "watermark") return { main: comparable(naive.advanceTo(step[1])), late: [], deadLetters: [] };
  const [, value, timestamp] = step;
  const { main, isLate } = naive.process(value, timestamp);
  return { main: comparable(main), late: isLate ? [{ value, timestamp }] : [], deadLetters: [] };
}

const modes: Readonly<Record<string, readonly [number, HarnessOptions]>> = {
  "item by item": [1000, {}],
  "restored after every step, every record once as poison": [60, { restoreEachStep: true, poisonEachRecord: true }],
};

describe.each(Object.entries(modes))("sessions are the naive ones, %s", (_name, [numRuns, options]) => {
  test.each([
    ["one gap for all", session<never>(7)],
    ["a gap per record", session((click: Click) => click.gap)],
  ])("%s", (name, assigner) => {
    const same = name === "one gap for all";
    fc.assert(
      fc.property(anyInput, anyLateness, fc.constantFrom(...computations), (input, allowedLatenessMs, computing) => {
        const steps = input.map((step) =>
          step[0] === "record" && same ? ([step[0], { ...step[1], gap: 7 }, step[2]] as const) : step,
        );
        expectNaive({ assigner, allowedLatenessMs, ...computing }, steps, options);
      }),
      { numRuns },
    );
  });
});

const anyClicks = fc.array(fc.tuple(anyClick, fc.integer({ min: -40, max: 40 })), { minLength: 1, maxLength: 25 });

function sessionsAtEnd(clicks: readonly (readonly [Click, number])[]): Result[] {
  const assigner = session((click: Click) => click.gap);
  const harness = operatorHarness(windowOperator({ assigner, aggregate: merging }), { key: keyOf });
  return resultsOf(harness.processAll(clicks).watermark(Infinity).take().main);
}

describe("laws of merging", () => {
  test("S2: the order in which records come does not matter", () => {
    const shuffled = anyClicks.chain((clicks) =>
      fc.tuple(fc.constant(clicks), fc.shuffledSubarray(clicks, { minLength: clicks.length })),
    );
    fc.assert(
      fc.property(shuffled, ([clicks, others]) => {
        expect(comparable(sessionsAtEnd(others))).toEqual(comparable(sessionsAtEnd(clicks)));
      }),
      { numRuns: 1000 },
    );
  });

  test("S1: sessions of a key neither overlap nor touch, and each record is in exactly one", () => {
    fc.assert(
      fc.property(anyClicks, (clicks) => {
        const sessions = sessionsAtEnd(clicks);
        for (const [click, at] of clicks) {
          const holding = sessions.filter(
            ({ key, start, end }) => key === click.key && start <= at && at + click.gap <= end,
          );
          expect(holding).toHaveLength(1);
        }
        for (const [index, one] of sessions.entries()) {
          for (const other of sessions.slice(index + 1).filter(({ key }) => key === one.key))
            expect(one.end < other.start || other.end < one.start).toBe(true);
        }
        expect(sessions.reduce((n, { values }) => n + values.length, 0)).toBe(clicks.length);
      }),
      { numRuns: 1000 },
    );
  });

  test("a record that is inside a session changes nothing but the contents", () => {
    const harness = operatorHarness(
      windowOperator({ assigner: session(10), aggregate: sum(({ value }: Click) => value) }),
      { key: keyOf },
    );
    for (const at of [0, 8, 5]) harness.process({ key: "a", value: 1, gap: 0 }, at);
    expect(harness.watermark(Infinity).take().main).toEqual([
      { value: { key: "a", window: { start: 0, end: 18 }, value: 3 }, timestamp: 17 },
    ]);
  });
});

describe("bad gaps", () => {
  test.each([NaN, -1, 0, 1.5, Infinity, "soon", undefined])("a gap of %s makes its record a dead letter", (gap) => {
    const assigner = session((click: Click) => click.gap);
    const harness = operatorHarness(windowOperator({ assigner, aggregate: merging }), { key: keyOf });
    harness.process({ key: "a", value: 1, gap: 5 }, 0).process({ key: "a", value: 2, gap }, 3);
    const { main, deadLetters } = harness.watermark(Infinity).take();
    expect(deadLetters).toMatchObject([{ code: "USER_FUNCTION", value: { value: 2 } }]);
    expect(deadLetters[0]?.message).toContain("the gap of a session");
    expect(resultsOf(main)).toEqual([{ key: "a", start: 0, end: 5, values: [1] }]);
  });
});

describe("what sessions refuse", () => {
  test("state per window: it cannot be merged", () => {
    const process = { windowState: {}, process: () => [] };
    expect(() => windowOperator({ assigner: session(10), process })).toThrow("sessions have no windowState");
  });

  test("a trigger of the user's own that cannot merge", () => {
    const own = trigger({ onRecord: () => "fire" });
    expect(() => windowOperator({ assigner: session(10), trigger: own, aggregate: merging })).toThrow("no onMerge");
  });
});

test("a trigger of the user's own merges what it remembers", () => {
  const everyThree = trigger<Click, number>({
    create: () => 0,
    onRecord(_click, context) {
      context.state += 1;
      return context.state % 3 === 0 ? "fire" : "continue";
    },
    onMerge(merged, context) {
      context.state = merged.reduce((a, b) => a + b, 0);
    },
  });
  const harness = operatorHarness(
    windowOperator({ assigner: session(10), trigger: everyThree, aggregate: merging, fire: true }),
    { key: keyOf, restoreEachStep: true },
  );
  for (const [value, at] of [
    [1, 0],
    [2, 15],
    [3, 7],
  ] as const)
    harness.process({ key: "a", value, gap: 0 }, at);
  expect(harness.take().main).toEqual([
    {
      value: { key: "a", window: { start: 0, end: 25 }, value: [1, 2, 3], fire: { cause: "early", pane: 1 } },
      timestamp: 24,
    },
  ]);
});

test("processing time: a session ends when nothing has come for its gap", () => {
  const harness = operatorHarness(
    windowOperator({ assigner: session(10, { time: "processing" }), aggregate: merging }),
    { key: keyOf },
  );
  harness.clock(5).process({ key: "a", value: 1, gap: 0 }).clock(12).process({ key: "a", value: 2, gap: 0 });
  expect(harness.nextTickAt).toBe(21);
  expect(harness.clock(20).take().main).toEqual([]);
  expect(resultsOf(harness.clock(21).take().main)).toEqual([{ key: "a", start: 5, end: 22, values: [1, 2] }]);
  expect(harness.state.segments).toEqual({});
});

test("processing time: sessions are what the clock separates, whatever the timestamps are", () => {
  const anyWalk = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: -50, max: 50 })), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(anyWalk, fc.integer({ min: 1, max: 6 }), (walk, gap) => {
      const harness = operatorHarness(
        windowOperator({ assigner: session(gap, { time: "processing" }), aggregate: merging }),
        { key: keyOf },
      );
      const expected: { start: number; end: number; values: number[] }[] = [];
      let now = 0;
      for (const [index, [pause, timestamp]] of walk.entries()) {
        now += pause;
        harness.clock(now).process({ key: "a", value: index, gap: 0 }, timestamp);
        const last = expected.at(-1);
        // It is over when the clock comes to its last millisecond.
        if (last === undefined || now >= last.end - 1) expected.push({ start: now, end: now + gap, values: [index] });
        else {
          last.end = now + gap;
          last.values.push(index);
        }
      }
      const fired = resultsOf(harness.clock(now + gap).take().main);
      expect(fired).toEqual(expected.map((one) => ({ key: "a", ...one })));
    }),
    { numRuns: 1000 },
  );
});
