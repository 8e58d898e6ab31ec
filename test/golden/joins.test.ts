/** The golden cases of joins: all of them. */
import { describe, expect, test } from "vitest";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { intervalJoinOperator } from "../../framework/operator/interval-join.ts";
import { coGroupOperator, windowJoinOperator, type JoinContext } from "../../framework/operator/window-join.ts";
import type { WindowShape } from "../../framework/operator/window.ts";
import type { Emitted } from "../../framework/testing/operator-harness.ts";
import { sliding, tumbling, type WindowAssigner } from "../../framework/window/assigner.ts";
import { keepLast } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";
import { everyCount } from "../../framework/window/trigger.ts";
import { expectCase, goldenTimestamp, keyOf, modes } from "./replay.ts";
import { goldenAbsent, goldenCases, type GoldenCase, type GoldenOutput, type GoldenRecord } from "./shared.ts";

interface Interval {
  readonly type: "interval";
  readonly lower: number;
  readonly upper: number;
  readonly lowerInclusive?: boolean;
  readonly upperInclusive?: boolean;
  readonly lateOutput?: boolean;
}

interface Windows {
  readonly type: "windowJoin" | "coGroup";
  readonly assigner: { readonly type: string; readonly size: number; readonly slide: number; readonly gap: number };
  readonly trigger?: { readonly type: "count"; readonly n: number };
  readonly evictor?: { readonly type: "count"; readonly n: number };
  readonly allowedLateness?: number;
  readonly lateOutput?: undefined;
}

type Pipeline = Interval | Windows;

const valueOf = ({ value = 0 }: GoldenRecord): number => value;

const assigners: Readonly<Record<string, (a: Windows["assigner"]) => WindowAssigner<never>>> = {
  tumbling: ({ size }) => tumbling(size),
  sliding: ({ size, slide }) => sliding(size, slide),
  session: ({ gap }) => session(gap),
};

function shapeOf({ assigner, trigger, evictor, allowedLateness = 0 }: Windows): WindowShape {
  const assign = assigners[assigner.type];
  if (assign === undefined) throw new Error(`no assigner ${assigner.type}`);
  return {
    assigner: assign(assigner),
    allowedLatenessMs: allowedLateness,
    trigger: trigger === undefined ? undefined : everyCount(trigger.n),
    evictor: evictor === undefined ? undefined : keepLast(evictor.n),
  };
}

function factoryOf(pipeline: Pipeline): OperatorFactory {
  switch (pipeline.type) {
    case "interval": {
      const { lower, upper, lowerInclusive = true, upperInclusive = true } = pipeline;
      const bounds = `${lowerInclusive ? "[" : "("}${upperInclusive ? "]" : ")"}` as const;
      const select = (left: unknown, right: unknown) => pair(left as GoldenRecord, right as GoldenRecord);
      return intervalJoinOperator({ lowerMs: lower, upperMs: upper, bounds, type: "inner", select });
    }
    case "windowJoin":
      return windowJoinOperator(shapeOf(pipeline), "inner", (left: GoldenRecord, right: GoldenRecord) => ({
        key: left.key,
        left: valueOf(left),
        right: valueOf(right),
      }));
    case "coGroup":
      return coGroupOperator(
        shapeOf(pipeline),
        (left: readonly GoldenRecord[], right: readonly GoldenRecord[], { key }: JoinContext<string>) => [
          { key, left: left.map((record) => valueOf(record)), right: right.map((record) => valueOf(record)) },
        ],
      );
  }
}

function pair(left: GoldenRecord, right: GoldenRecord): unknown {
  return { key: left.key, left: valueOf(left), right: valueOf(right), leftTs: left.ts, rightTs: right.ts };
}

/** Lists in an order of their own, where the case says that theirs means nothing. */
function output({ value: emitted, timestamp }: Emitted): GoldenOutput {
  return { ...(emitted as GoldenOutput), ts: goldenTimestamp(timestamp) };
}

function withSortedLists(one: GoldenOutput): GoldenOutput {
  const sorted = Object.entries(one).map(([name, part]) => [
    name,
    Array.isArray(part) ? (part as number[]).toSorted((a, b) => a - b) : part,
  ]);
  return Object.fromEntries(sorted) as GoldenOutput;
}

function inAnyOrder(golden: GoldenCase<Pipeline>): GoldenCase<Pipeline> {
  if (golden.compare.lists !== "any" || !("steps" in golden.expected)) return golden;
  const steps = golden.expected.steps.map((step) => ({ ...step, main: (step.main ?? []).map((one) => withSortedLists(one)) }));
  return { ...golden, expected: { steps } };
}

const cases = goldenCases<Pipeline>("joins");

function expectJoined(golden: GoldenCase<Pipeline>, mode: keyof typeof modes): void {
  const { pipeline, compare } = golden;
  const told = (emitted: Emitted) => (compare.lists === "any" ? withSortedLists(output(emitted)) : output(emitted));
  const replay = { factory: factoryOf(pipeline), output: told, hasLateOutput: pipeline.lateOutput === true, keys: [keyOf, keyOf] };
  expectCase(inAnyOrder(golden), replay, mode);
}

describe.each(Object.keys(modes) as (keyof typeof modes)[])("%s", (mode) => {
  test.for(["interval", "windowJoin", "coGroup"])("%s answers what the golden cases say", (type, { skip }) => {
    if (cases === undefined) return skip(goldenAbsent);
    const own = cases.filter(({ pipeline, expected }) => pipeline.type === type && "steps" in expected);
    for (const golden of own) expectJoined(golden, mode);
    expect(own.length).toBeGreaterThan(10);
  });
});

test("what the golden cases reject is refused", ({ skip }) => {
  if (cases === undefined) return skip(goldenAbsent);
  const rejected = cases.filter(({ expected }) => "error" in expected);
  expect(rejected.map(({ id }) => id)).toEqual(["joins/interval-inverted"]);
  for (const { pipeline } of rejected) expect(() => factoryOf(pipeline)).toThrow("nothing lies in the interval");
  expect(cases).toHaveLength(71);
});
