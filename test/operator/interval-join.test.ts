import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  intervalJoinOperator,
  type IntervalBounds,
  type IntervalJoinSpec,
} from "../../framework/operator/interval-join.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import type { JoinType } from "../../framework/operator/join-type.ts";
import {
  operatorHarness,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";
import { anyMode, anyType, input, naivePairs, sorted, type Said, type Sent } from "./join-model.ts";

const keyOf = (record: unknown): string => (record as Sent).key;
const select = (left: unknown, right: unknown) => [(left as Sent | undefined)?.id, (right as Sent | undefined)?.id];

function begin(spec: Partial<IntervalJoinSpec>, options: HarnessOptions = {}): OperatorHarness {
  const factory = intervalJoinOperator({ lowerMs: 0, upperMs: 10, bounds: "[]", type: "inner", select, ...spec });
  return operatorHarness(factory, { key: [keyOf, keyOf], ...options });
}

const left = (id: number, time: number): Sent => ({ port: 0, key: "k", id, time });
const right = (id: number, time: number): Sent => ({ port: 1, key: "k", id, time });

function feed(harness: OperatorHarness, records: readonly Sent[]): OperatorHarness {
  for (const record of records) harness.process(record, record.time, record.port);
  return harness;
}

function said(harness: OperatorHarness): readonly Said[] {
  return harness.take().main.map(({ value, timestamp }) => [...(value as [number, number]), timestamp ?? NaN]);
}

const within =
  (bounds: IntervalBounds, lower: number, upper: number) =>
  (a: Sent, b: Sent): boolean => {
    const apart = b.time - a.time;
    const isAbove = bounds.startsWith("[") ? apart >= lower : apart > lower;
    return isAbove && (bounds.endsWith("]") ? apart <= upper : apart < upper);
  };

const anyBounds = fc.constantFrom<IntervalBounds[]>("[]", "[)", "(]", "()");
const interval = fc
  .tuple(fc.integer({ min: -12, max: 12 }), fc.integer({ min: 2, max: 15 }))
  .map(([lower, span]) => [lower, lower + span] as const);

/** The same join over plain lists. */
class Lists {
  readonly #stays: readonly [left: number, right: number];
  readonly #says: readonly [left: boolean, right: boolean];
  readonly #meet: (left: Sent, right: Sent) => boolean;
  #waiting: { readonly record: Sent; isMatched: boolean }[] = [];
  #watermark = -Infinity;
  #said: Said[] = [];

  constructor(lowerMs: number, upperMs: number, type: JoinType) {
    this.#stays = [Math.max(upperMs, 0), Math.max(-lowerMs, 0)];
    this.#says = [type === "left" || type === "full", type === "right" || type === "full"];
    this.#meet = within("[]", lowerMs, upperMs);
  }

  advanceTo(watermark: number): void {
    if (watermark <= this.#watermark) return;
    this.#watermark = watermark;
    const isGone = ({ time, port }: Sent) => time + this.#stays[port] <= watermark;
    for (const { record, isMatched } of this.#waiting) {
      const { id, port, time } = record;
      if (!isGone(record) || isMatched || !this.#says[port]) continue;
      this.#said.push(port === 0 ? [id, undefined, time] : [undefined, id, time]);
    }
    this.#waiting = this.#waiting.filter(({ record }) => !isGone(record));
  }

  process(record: Sent): void {
    if (record.time < this.#watermark) return;
    const own = { record, isMatched: false };
    for (const other of this.#waiting) {
      const [a, b] = record.port === 0 ? [record, other.record] : [other.record, record];
      if (other.record.port === record.port || a.key !== b.key || !this.#meet(a, b)) continue;
      own.isMatched = true;
      other.isMatched = true;
      this.#said.push([a.id, b.id, Math.max(a.time, b.time)]);
    }
    this.#waiting.push(own);
  }

  take(): readonly Said[] {
    return this.#said.splice(0);
  }
}

describe("J1: every pair within the interval is said once, whatever order the records come in", () => {
  test("as by brute force, also restored after each step and with every record as poison", () => {
    const property = fc.property(
      input,
      anyType,
      anyBounds,
      interval,
      anyMode,
      (records, type, bounds, [lowerMs, upperMs], mode) => {
        const harness = feed(begin({ type, bounds, lowerMs, upperMs }, mode), records).watermark(Infinity);
        expect(sorted(said(harness))).toEqual(sorted(naivePairs(records, type, within(bounds, lowerMs, upperMs))));
        expect(harness.state.segments).toEqual({});
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  test("J2, J3: and with a watermark that moves on in between, as lists that are searched through would", () => {
    const steps = fc.array(fc.nat({ max: 3 }), { minLength: 30, maxLength: 30 });
    const property = fc.property(
      input,
      steps,
      anyType,
      interval,
      anyMode,
      (records, moves, type, [lowerMs, upperMs], mode) => {
        const harness = begin({ type, lowerMs, upperMs }, mode);
        const model = new Lists(lowerMs, upperMs, type);
        let watermark = -25;
        for (const [at, record] of records.entries()) {
          watermark += moves[at] ?? 0;
          harness.watermark(watermark);
          model.advanceTo(watermark);
          feed(harness, [record]);
          model.process(record);
          expect(sorted(said(harness))).toEqual(sorted(model.take()));
        }
        harness.watermark(Infinity);
        model.advanceTo(Infinity);
        expect(sorted(said(harness))).toEqual(sorted(model.take()));
        expect(harness.state.segments).toEqual({});
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });
});

test("J2: who is behind the watermark is late, who is at it is not", () => {
  const harness = feed(begin({}).watermark(100), [left(1, 99), left(2, 100), right(3, 99), right(4, 100)]);
  const { main, late } = harness.take();
  expect(main.map(({ value }) => value)).toEqual([[2, 4]]);
  expect(late).toEqual([
    { value: left(1, 99), timestamp: 99 },
    { value: right(3, 99), timestamp: 99 },
  ]);
});

describe("J3: a record waits as long as a partner could be in time, and no longer", () => {
  test("then it is gone from the state", () => {
    const harness = feed(begin({ lowerMs: -5, upperMs: 10 }), [left(1, 100), right(2, 300)]);
    expect(Object.keys(harness.watermark(109).state.segments)).toHaveLength(1);
    expect(said(feed(harness, [right(3, 110)]))).toEqual([[1, 3, 110]]);
    harness.watermark(110);
    expect(said(feed(harness, [right(4, 110)]))).toEqual([]);
    expect(harness.watermark(305).state.segments).toEqual({});
  });

  test("in an outer join it is said at that moment, with its own time, when it has had no partner", () => {
    const harness = feed(begin({ type: "full", lowerMs: -5, upperMs: 10 }), [
      left(1, 100),
      left(2, 150),
      right(3, 155),
    ]);
    expect(said(harness.watermark(109))).toEqual([[2, 3, 155]]);
    expect(said(harness.watermark(110))).toEqual([[1, undefined, 100]]);
    expect(said(harness.watermark(Infinity))).toEqual([]);
    const other = feed(begin({ type: "right", lowerMs: -5, upperMs: 10 }), [right(1, 100)]);
    expect(said(other.watermark(104))).toEqual([]);
    expect(said(other.watermark(105))).toEqual([[undefined, 1, 100]]);
  });

  test("records without a partner of all keys go in bounded slices, in order of the time that they waited for", () => {
    const factory = intervalJoinOperator({ lowerMs: 0, upperMs: 10, bounds: "[]", type: "left", select });
    let slices = 0;
    const counted: OperatorFactory = {
      ...factory,
      create(context) {
        slices += 1;
        return factory.create(context);
      },
    };
    const harness = operatorHarness(counted, { key: [keyOf, keyOf], restoreEachStep: true });
    for (const [id, key] of ["a", "b", "a", "c", "b"].entries()) {
      const time = 50 - id;
      harness.process({ port: 0, key, id, time }, time, 0);
    }
    slices = 0;
    expect(said(harness.watermark(Infinity)).map(([id]) => id)).toEqual([4, 3, 2, 1, 0]);
    expect(slices).toBe(5);
  });
});

test("J4: one whose saying fails is a dead letter, and gone", () => {
  const throwing = (a: unknown, b: unknown) => {
    if (b === undefined) throw new Error(`alone: ${(a as Sent).id}`);
    return [a, b];
  };
  const harness = feed(begin({ type: "left", select: throwing }), [left(1, 100), left(2, 100)]);
  const { main, deadLetters } = harness.watermark(Infinity).take();
  expect(main).toEqual([]);
  expect(deadLetters).toMatchObject([
    { message: "alone: 1", value: left(1, 100), timestamp: 100, key: '"k"', origin: "step" },
    { message: "alone: 2", value: left(2, 100) },
  ]);
  expect(harness.state.segments).toEqual({});
});

test("J5: what the function does to the records changes nothing that waits", () => {
  const spoiling = (a: unknown, b: unknown) => {
    const ids = select(a, b);
    Object.assign(a as object, { id: -1 });
    Object.assign(b as object, { id: -1 });
    return ids;
  };
  const harness = feed(begin({ select: spoiling }), [left(1, 100), right(2, 100), right(3, 105), left(4, 100)]);
  expect(said(harness)).toEqual([
    [1, 2, 100],
    [1, 3, 105],
    [4, 2, 100],
    [4, 3, 105],
  ]);
});

test("a record that no codec can store is a dead letter at once, and waits for nobody", () => {
  const harness = begin({});
  harness.process({ ...left(1, 100), odd: () => 0 }, 100, 0);
  expect(harness.take().deadLetters).toMatchObject([{ code: "VALUE_NOT_ENCODABLE" }]);
  expect(harness.state.segments).toEqual({});
});

test("a record without a timestamp is a dead letter", () => {
  const harness = begin({});
  harness.process(left(1, 100), undefined, 0);
  expect(harness.take().deadLetters).toMatchObject([{ code: "TIMESTAMP_INVALID" }]);
});

test("what the plan says of it; intervals in which nothing lies, and words that are none, are refused", () => {
  const told = (spec: Partial<IntervalJoinSpec>): string =>
    intervalJoinOperator({ lowerMs: -300_000, upperMs: 3_600_000, bounds: "[]", type: "inner", select, ...spec })
      .description;
  expect(told({})).toBe("[-5m, 1h]");
  expect(told({ type: "full", bounds: "(]" })).toBe("full (-5m, 1h]");
  expect(told({ lowerMs: 0, upperMs: 0 })).toBe("[0ms, 0ms]");
  expect(() => told({ lowerMs: 1, upperMs: 0 })).toThrow("nothing lies in the interval [1ms, 0ms]");
  expect(() => told({ lowerMs: 0, upperMs: 0, bounds: "[)" })).toThrow("nothing lies in the interval [0ms, 0ms)");
  expect(() => told({ lowerMs: 0, upperMs: 1, bounds: "()" })).toThrow("nothing lies in");
  expect(() => told({ type: "outer" as never })).toThrow('type is "outer"; it takes one of "inner"');
  expect(() => told({ bounds: "][" as never })).toThrow('bounds is "]["; it takes one of "[]"');
});
