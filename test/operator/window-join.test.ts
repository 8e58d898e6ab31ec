import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import type { JoinType } from "../../framework/operator/join-type.ts";
import { coGroupOperator, windowJoinOperator, type JoinContext } from "../../framework/operator/window-join.ts";
import type { WindowShape } from "../../framework/operator/window.ts";
import {
  operatorHarness,
  type HarnessOptions,
  type OperatorHarness,
} from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { session } from "../../framework/window/session.ts";
import { everyCount } from "../../framework/window/trigger.ts";
import { countWindow, globalWindow } from "../../framework/window/unbounded.ts";
import { anyMode, anyType, input, naivePairs, sorted, type Said, type Sent } from "./join-model.ts";

const keyOf = (record: unknown): string => (record as Sent).key;
const select = (left: Sent | undefined, right: Sent | undefined) => [left?.id, right?.id];

function harnessOf(factory: OperatorFactory, options: HarnessOptions = {}): OperatorHarness {
  return operatorHarness(factory, { key: [keyOf, keyOf], ...options });
}

function joining(shape: WindowShape, type: JoinType, options: HarnessOptions = {}): OperatorHarness {
  return harnessOf(windowJoinOperator(shape, type, select), options);
}

function feed(harness: OperatorHarness, records: readonly Sent[]): OperatorHarness {
  for (const record of records) harness.process(record, record.time, record.port);
  return harness;
}

const valuesOf = (harness: OperatorHarness): readonly unknown[] => harness.take().main.map(({ value }) => value);

/** Windows of one key, with the records in them. */
type Windows = (records: readonly Sent[]) => readonly (readonly Sent[])[];

const inGrid =
  (size: number, slide: number): Windows =>
  (records) => {
    const starts = Array.from({ length: 40 }, (_, at) => (at - 20) * slide);
    return starts.map((start) => records.filter(({ time }) => time >= start && time < start + size));
  };

const inSessions =
  (gap: number): Windows =>
  (records) => {
    const sessions: Sent[][] = [];
    for (const record of records.toSorted((a, b) => a.time - b.time)) {
      const last = sessions.at(-1)?.at(-1);
      if (last !== undefined && record.time <= last.time + gap) sessions.at(-1)?.push(record);
      else sessions.push([record]);
    }
    return sessions;
  };

const shapes: readonly (readonly [name: string, shape: WindowShape, windows: Windows])[] = [
  ["tumbling", { assigner: tumbling(7) }, inGrid(7, 7)],
  ["sliding", { assigner: sliding(8, 4) }, inGrid(8, 4)],
  ["session", { assigner: session(5) }, inSessions(5)],
];

function windowsIn(records: readonly Sent[], windows: Windows): readonly (readonly Sent[])[] {
  return [...new Set(records.map(keyOf))].flatMap((key) => windows(records.filter((record) => record.key === key)));
}

describe.each(shapes)("W1: %s windows", (_name, shape, windows) => {
  test("join as by brute force, also restored after each step and with every record as poison", () => {
    const property = fc.property(input, anyType, anyMode, (records, type, mode) => {
      const harness = feed(joining(shape, type, mode), records).watermark(Infinity);
      const pairs = (own: readonly Sent[]): readonly Said[] => naivePairs(own, type, () => true);
      const expected = windowsIn(records, windows).flatMap((own) => pairs(own).map(([a, b]) => [a, b]));
      expect(sorted(valuesOf(harness))).toEqual(sorted(expected));
      expect(harness.state.segments).toEqual({});
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test("group both sides as by brute force", () => {
    const group = (left: readonly Sent[], right: readonly Sent[], { key }: JoinContext<string>) => [
      [key, sorted(left.map(({ id }) => id)), sorted(right.map(({ id }) => id))],
    ];
    const property = fc.property(input, (records) => {
      const harness = feed(harnessOf(coGroupOperator(shape, group)), records).watermark(Infinity);
      const expected = windowsIn(records, windows).flatMap((own) => {
        const [first] = own;
        if (first === undefined) return [];
        const ids = (port: number) => sorted(own.filter((record) => record.port === port).map(({ id }) => id));
        return [[first.key, ids(0), ids(1)]];
      });
      expect(sorted(valuesOf(harness))).toEqual(sorted(expected));
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

const sent = (port: 0 | 1, id: number, time: number): Sent => ({ port, key: "k", id, time });

test("results have the time of the window's last millisecond; the function sees key, window and firing", () => {
  const contexts: unknown[] = [];
  const make = (left: Sent, right: Sent, context: JoinContext<string>) => {
    contexts.push(context);
    return [left.id, right.id];
  };
  const harness = harnessOf(windowJoinOperator({ assigner: tumbling(10) }, "inner", make));
  feed(harness, [sent(0, 1, 3), sent(1, 2, 4)]).watermark(9);
  expect(harness.take().main).toEqual([{ value: [1, 2], timestamp: 9 }]);
  expect(contexts).toEqual([{ key: "k", window: { start: 0, end: 10 }, fire: { cause: "onTime", pane: 1 } }]);
  expect(harness.counts.windowsOut).toBe(1);
});

test("W2: a window that fires again says everything again: who was alone may not be any more", () => {
  const harness = joining({ assigner: tumbling(10), allowedLatenessMs: 5 }, "left");
  feed(harness, [sent(0, 1, 3)]).watermark(9);
  expect(valuesOf(harness)).toEqual([[1, undefined]]);
  feed(harness, [sent(1, 2, 4)]);
  expect(valuesOf(harness)).toEqual([[1, 2]]);
  feed(harness.watermark(14), [sent(1, 3, 4)]);
  expect(harness.take().late).toEqual([{ value: sent(1, 3, 4), timestamp: 4 }]);
});

test("a trigger counts records of both sides; global and count windows join, too", () => {
  const two = joining({ assigner: globalWindow(), trigger: everyCount(2) }, "full");
  feed(two, [sent(0, 1, 0), sent(0, 2, 0), sent(1, 3, 0), sent(0, 4, 0)]);
  expect(valuesOf(two)).toEqual([
    [1, undefined],
    [2, undefined],
    [1, 3],
    [2, 3],
    [4, 3],
  ]);
  const three = joining({ assigner: countWindow(3) }, "inner");
  feed(three, [sent(0, 1, 0), sent(1, 2, 0), sent(1, 3, 0), sent(0, 4, 0)]);
  expect(valuesOf(three)).toEqual([
    [1, 2],
    [1, 3],
  ]);
});

test("a function that throws makes a dead letter of the firing, which does not come again", () => {
  const make = () => {
    throw new Error("no");
  };
  const harness = harnessOf(windowJoinOperator({ assigner: tumbling(10) }, "inner", make));
  feed(harness, [sent(0, 1, 3), sent(1, 2, 4)]).watermark(9);
  expect(harness.take().deadLetters).toMatchObject([{ message: "no", key: '"k"' }]);
  expect(harness.watermark(Infinity).take()).toEqual({ main: [], late: [], deadLetters: [] });
});

test("what the plan says of it, and a type that is none is refused", () => {
  expect(windowJoinOperator({ assigner: tumbling("5m") }, "inner", select).description).toBe("tumbling 5m");
  expect(windowJoinOperator({ assigner: tumbling("5m") }, "left", select).description).toBe("left, tumbling 5m");
  expect(coGroupOperator({ assigner: session("5m") }, () => []).kind).toBe("co-group");
  expect(() => windowJoinOperator({ assigner: tumbling(1) }, "outer" as never, select)).toThrow(
    'join: type is "outer"',
  );
});
