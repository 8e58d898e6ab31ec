/** Operators with several inputs, late records by port, and side outputs, from the program's nodes to what is told of the plan. */
import { expect, test } from "vitest";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { job } from "../../framework/api/job.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describe as describePlan, describeText } from "../../framework/plan/describe.ts";
import { describeMermaid } from "../../framework/plan/mermaid.ts";
import { edgesIn, planText } from "../../framework/plan/plan-text.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import type { ChainedNode, KeyedNode, Program, ProgramNode, SourceNode } from "../../framework/plan/program.ts";
import { codecNamed, expectRefusal, outline, readings, sink } from "./doubles.ts";

function operator(kind: string, sides: readonly string[] = []): OperatorFactory {
  const create = () => ({ process: () => undefined });
  return { kind, description: "", keyed: kind === "meet", eventTime: false, outputTimestamps: "same", sides, create };
}

const source = (name: string): SourceNode => ({ kind: "source", name, spec: readings() });
const to = (input: ProgramNode, label: string): ProgramNode => ({ kind: "sink", input, spec: sink(label) });
const [orders, payments, rules] = [source("orders"), source("payments"), source("rules")];
const encoded: ProgramNode = { kind: "encoded", input: payments, codec: codecNamed("own") };
const meet: KeyedNode = {
  kind: "keyed",
  inputs: [
    { input: orders, exchange: "keyed", key: String },
    { input: encoded, exchange: "keyed", key: Number },
    { input: rules, exchange: "broadcast", key: undefined },
  ],
  partitions: 4,
  factory: operator("meet", ["alarms", "unread"]),
};
const lateRight: ProgramNode = { kind: "late", input: meet, port: 1 };
const alarms: ProgramNode = { kind: "side", input: meet, name: "alarms" };
const unread: ProgramNode = { kind: "side", input: meet, name: "unread" };

function plan(...behind: readonly ProgramNode[]): Plan {
  const nodes = [orders, payments, encoded, rules, meet, to(meet, "out"), ...behind];
  const program: Program = { name: "plant", options: {}, nodes, problems: [] };
  return compile(program);
}

test("each input is a port: its edges say which, and how records find their partition", () => {
  const { stages, edges } = plan();
  expect(edges.slice(0, 3).map(({ name, exchange, port, key }) => [name, exchange, port, key])).toEqual([
    ["orders.meet", "keyed", 0, String],
    ["payments.meet", "keyed", 1, Number],
    ["rules.meet", "broadcast", 2, undefined],
  ]);
  expect(stages.find(({ name }) => name === "meet")).toMatchObject({ partitions: 4, inputs: [0, 1, 2] });
});

test("C3: a union before a port leads over two edges into that port", () => {
  const both: ProgramNode = { kind: "union", inputs: [orders, encoded] };
  const node: KeyedNode = {
    ...meet,
    inputs: [
      { input: rules, exchange: "broadcast", key: undefined },
      { input: both, exchange: "keyed", key: String },
    ],
  };
  const nodes = [orders, payments, encoded, rules, both, node, to(node, "out")];
  const { edges } = compile({ name: "plant", options: {}, nodes, problems: [] });
  expect(edges.slice(0, 3).map(({ name, port }) => [name, port])).toEqual([
    ["rules.meet", 0],
    ["orders.meet", 1],
    ["payments.meet", 1],
  ]);
});

test("late records of one port have its codec, and go where that port's are read", () => {
  const again: KeyedNode = {
    kind: "keyed",
    inputs: [{ input: lateRight, exchange: "keyed", key: String }],
    partitions: undefined,
    factory: operator("again"),
  };
  const told = plan(lateRight, again, to(again, "late"));
  expect(outline(told)).toContain("  meet > (out) late > meet.again");
  expect(told.edges[3]).toMatchObject({ name: "meet.again", codec: { name: "own" } });
  expect(planText(told)).toContain('  operator meet: meet, to "out", late records of input 2 to again\n');
  expect(describePlan(told).stages[3]?.operators[0]?.lateGoesTo).toEqual([[], [{ kind: "stage", name: "again" }]]);
});

test("side outputs go where they are read; one that nobody reads leads nowhere", () => {
  const told = plan(alarms, to(alarms, "alarms"), unread);
  expect(outline(told)).toContain("  meet > (out) alarms > (alarms) unread > ");
  expect(planText(told)).toContain('  operator meet: meet, to "out", side alarms to "alarms"\n');
  expect(describeText(told)).toMatch(/meet +"out"; side alarms: "alarms"\n/);
  expect(describeMermaid(told)).toContain("  s3o0 -->|alarms| s3k1\n");
});

test("C1: a chained operator with sides that a union copies has them in each copy", () => {
  const both: ProgramNode = { kind: "union", inputs: [orders, payments] };
  const split: ChainedNode = { kind: "chained", input: both, factory: operator("split", ["slow"]), keepsValues: true };
  const slow: ProgramNode = { kind: "side", input: split, name: "slow" };
  const nodes = [orders, payments, both, split, slow, to(slow, "out")];
  const { edges, stages } = compile({ name: "plant", options: {}, nodes, problems: [] });
  expect(edges.slice(0, 2).map(({ name }) => name)).toEqual(["orders.out", "payments.out"]);
  expect(stages[0]?.operators[0]?.sides).toEqual({ slow: [{ kind: "edge", edge: 0 }] });
});

test("the plan tells ports: in its text, which is compared, and to people", () => {
  const text = planText(plan());
  expect(text).toContain("edge orders.meet keyed, codec default\nedge payments.meet keyed:1, codec own\n");
  expect(edgesIn(text).slice(0, 3)).toEqual([
    { index: 0, name: "orders.meet", from: "orders", to: { stage: "meet" }, codec: "default" },
    { index: 1, name: "payments.meet", from: "payments", to: { stage: "meet" }, codec: "own" },
    { index: 2, name: "rules.meet", from: "rules", to: { stage: "meet" }, codec: "default" },
  ]);
  expect(describePlan(plan()).edges.map(({ port }) => port)).toEqual([0, 1, 2]);
  expect(describeText(plan())).toMatch(/rules\.meet +broadcast, input 3 +default\n/);
});

test("splits of a driftGroup have one maxDrift", () => {
  const plant = job("plant");
  for (const [name, maxDrift] of [
    ["a", "1m"],
    ["b", "2m"],
  ] as const)
    plant
      .source(name, readings())
      .timestamps((r) => r.at, { maxDrift, driftGroup: "both" })
      .to(sink(name));
  expectRefusal(() => compile(plant), 'in "both", source "a" says 60000 ms, source "b" 120000 ms');
});
