/** Loops in a plan: where a cycle is closed, what carries event time, and what is refused. */
import { describe, expect, test } from "vitest";
import { job, type Job } from "../../framework/api/job.ts";
import { count } from "../../framework/operator/aggregates.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describeText } from "../../framework/plan/describe.ts";
import { describeMermaid } from "../../framework/plan/mermaid.ts";
import { reservation } from "../../framework/plan/reserve.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { expectRefusal, outline, readings, sink, type Reading } from "./doubles.ts";

/** A source, a stage by key behind it and what came back, and a sink behind that. */
function retrying(bytes?: number): Job {
  const plant = job("plant", { partitions: 2 });
  const again = plant.feedback<Reading>("again", { bytes });
  const tried = plant
    .source("readings", readings())
    .timestamps((r) => r.at)
    .union(again)
    .keyBy((r) => r.device)
    .reduce((_before, r) => r)
    .named("try");
  tried.filter((r) => !r.ok).to(again);
  tried
    .keyBy((r) => r.device)
    .window(tumbling("1m"))
    .aggregate(count())
    .named("count")
    .to(sink("out"));
  return plant;
}

const edgesOf = ({ edges }: Plan) =>
  edges.filter(({ to }) => typeof to === "number").map(({ name, exchange, eventTime }) => [name, exchange, eventTime]);

describe("P3: the cycle", () => {
  test("C6: a feedback stream is a stage of its own, behind a forward exchange", () => {
    const plan = compile(retrying());
    expect(outline(plan)).toContain("again > again");
    expect(edgesOf(plan)).toEqual([
      ["readings.try", "keyed", undefined],
      ["again.try", "keyed", "endOnly"],
      ["try.again", "forward", "fedBack"],
      ["try.count", "keyed", undefined],
    ]);
  });

  test("G1: stages on the cycle are one loop, what is before and behind them of none", () => {
    const { stages } = compile(retrying());
    const loops = Object.fromEntries(stages.map(({ name, loop }) => [name, loop]));
    expect(loops).toEqual({ again: 0, readings: undefined, try: 0, count: undefined });
  });

  test("G1: two loops that share a stage are one; two that do not are two", () => {
    const plant = job("plant");
    const [inner, outer, later] = ["inner", "outer", "later"].map((name) => plant.feedback<Reading>(name));
    const one = plant
      .source("readings", readings())
      .union(inner!, outer!)
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .named("one");
    one.to(inner!);
    one.to(outer!);
    const two = one
      .union(later!)
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .named("two");
    two.to(later!);
    two.to(sink("out"));
    const loops = Object.fromEntries(compile(plant).stages.map(({ name, loop }) => [name, loop]));
    expect(loops).toEqual({ inner: 0, outer: 0, later: 1, readings: undefined, one: 0, two: 1 });
  });

  test("G3: a stage that only feedback comes to is timeless, and so is what it says", () => {
    const plant = job("plant", { partitions: 2 });
    const again = plant.feedback<Reading>("again");
    const back = again
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .named("back");
    const tried = plant
      .source("readings", readings())
      .union(back)
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .named("try");
    tried.to(again);
    tried.to(sink("out"));
    expect(edgesOf(compile(plant))).toEqual([
      ["again.back", "keyed", "endOnly"],
      ["readings.try", "keyed", undefined],
      ["back.try", "keyed", "endOnly"],
      ["try.again", "forward", "fedBack"],
    ]);
  });

  test("G2: a stage that sends to itself; what comes from its source carries event time", () => {
    const plant = job("plant");
    const again = plant.feedback<Reading>("again");
    const tried = plant
      .source("readings", readings())
      .union(again)
      .filter((r) => !r.ok);
    tried.to(again);
    tried.to(sink("out"));
    expect(edgesOf(compile(plant))).toEqual(
      expect.arrayContaining([
        ["readings.again", "forward", undefined],
        ["again.again", "forward", "fedBack"],
      ]),
    );
  });
});

describe("what is refused", () => {
  test("a feedback stream that nothing is sent to", () => {
    const plant = job("plant");
    plant.feedback<Reading>("again").to(sink("out"));
    expectRefusal(() => compile(plant), 'nothing is sent back to feedback stream "again"');
  });

  test("one that is on no cycle", () => {
    const plant = job("plant");
    const again = plant.feedback<Reading>("again");
    plant.source("readings", readings()).to(again);
    again.to(sink("out"));
    expectRefusal(() => compile(plant), 'feedback stream "again"', "union(…)");
  });

  test("one that leads nowhere", () => {
    const plant = job("plant");
    const again = plant.feedback<Reading>("again");
    const seen = plant.source("readings", readings());
    seen.to(sink("out"));
    seen.to(again);
    expectRefusal(() => compile(plant), 'feedback stream "again" leads to no sink');
  });

  test("event time where only what was sent back comes to", () => {
    const plant = job("plant");
    const again = plant.feedback<Reading>("again");
    const counted = again
      .keyBy((r) => r.device)
      .window(tumbling("1m"))
      .aggregate(count())
      .named("count");
    counted.to(sink("out"));
    plant
      .source("readings", readings())
      .union(counted.map(({ key }) => ({ device: key, celsius: 0, ok: true, at: 0 })))
      .keyBy((r) => r.device)
      .reduce((a) => a)
      .to(again);
    expectRefusal(() => compile(plant), 'operator "count" works in event time', "only what was sent back comes to it");
  });

  test("one of another job, and a stream that is no feedback", () => {
    const plant = job("plant");
    const other = job("other").feedback<Reading>("again");
    plant.source("readings", readings()).to(other);
    expectRefusal(() => compile(plant), "a stream of another job");
    const confused = job("confused");
    const source = confused.source("readings", readings());
    source.to(source.filter((r) => r.ok) as never);
    expectRefusal(() => compile(confused), "made by job.feedback");
  });

  test("a bound below that of an inbox, two of one name, and a name that it has already", () => {
    expectRefusal(() => compile(retrying(1_000)), 'feedback stream "again": bytes is 1000');
    const plant = job("plant");
    plant.feedback("again");
    plant.feedback("again");
    expectRefusal(() => compile(plant), '"again" is taken by feedback stream "again"');
    const named = job("named");
    named.feedback("again").named("other");
    expectRefusal(() => compile(named), 'feedback stream "again" has its name already');
  });
});

test("R13: what goes round has room of its own, which the plan reserves and tells", () => {
  const mebibyte = 1024 * 1024;
  const plan = compile(retrying(200 * mebibyte));
  expect(reservation(plan).feedback).toEqual([{ stage: "again", bytesPerInbox: 72 * mebibyte }]);
  expect(reservation(plan).totalBytes).toBe((6 * 130 + 2 * 72 + 192) * mebibyte);
  expect(describeText(plan)).toContain("in each of again besides, what goes round 72 MiB");
  expect(describeText(plan)).toMatch(/try\.again +back, forward/);
  expect(describeMermaid(plan)).toContain("-.->|forward|");
});
