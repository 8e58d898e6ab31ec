import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { compile } from "../../framework/plan/compile.ts";
import { legalName } from "../../framework/plan/naming.ts";
import type { Plan } from "../../framework/plan/plan.ts";
import { expectRefusal, type Reading, readings, sink } from "./doubles.ts";

function operatorsOf(plan: Plan): readonly string[] {
  return plan.stages.flatMap((stage) => stage.operators.map(({ name }) => name));
}

function sinksOf(plan: Plan): readonly (readonly [string, string])[] {
  return plan.stages.flatMap((stage) => stage.sinks.map(({ name, label }) => [name, label] as const));
}

const same = (r: Reading): Reading => r;

test.for([
  ["average", "average"],
  ["average CPU", "average-cpu"],
  ["flatMap", "flat-map"],
  ["out/late.jsonl", "out-late-jsonl"],
  ["  Größe! ", "gr-e"],
  ["平均", "unnamed"],
  ["", "unnamed"],
  ["a label that is much longer than names may be", "a-label-that-is-much-longer-than"],
] as const)("the label %o makes the name %s", ([label, name]) => {
  expect(legalName(label)).toBe(name);
});

test("A2: operators are called after their kind, then -2, -3 in program order", () => {
  const plant = job("plant");
  const source = plant.source("readings", readings());
  source.map(same).filter(Boolean).map(same).map(same).to(sink("out"));
  expect(operatorsOf(compile(plant))).toEqual(["map", "filter", "map-2", "map-3"]);
});

test("A1: a name that the user gave is kept, and the others step aside", () => {
  const plant = job("plant");
  const source = plant.source("readings", readings());
  source.map(same).map(same).named("map").map(same).map(same).named("map-3").to(sink("out"));
  expect(operatorsOf(compile(plant))).toEqual(["map-2", "map", "map-4", "map-3"]);
});

test("A2: sinks are named after their label, keep it beside their name, and do not disturb the names of operators", () => {
  const plant = job("plant");
  const source = plant.source("readings", readings());
  source.to(sink("map"));
  source.map(same).to(sink("average CPU"));
  source.map(same).to(sink("average CPU"));
  const plan = compile(plant);
  expect(operatorsOf(plan)).toEqual(["map", "map-2"]);
  expect(sinksOf(plan)).toEqual([
    ["map", "map"],
    ["average-cpu", "average CPU"],
    ["average-cpu-2", "average CPU"],
  ]);
});

test("A1: a name given to a sink is its label too", () => {
  const plant = job("plant");
  plant.source("readings", readings()).to(sink("average CPU")).named("cpu");
  expect(sinksOf(compile(plant))).toEqual([["cpu", "cpu"]]);
});

test("a sink with a stage of its own steps aside for the stages of operators", () => {
  const plant = job("plant");
  plant.source("readings", readings()).to(sink("readings", "global"));
  const plan = compile(plant);
  expect(plan.stages.map(({ name }) => name)).toEqual(["readings", "readings-2"]);
  expect(sinksOf(plan)).toEqual([["readings-2", "readings"]]);
});

test("a long name gives way to its number", () => {
  const plant = job("plant");
  const source = plant.source("readings", readings());
  const label = "a-label-as-long-as-names-may-be-";
  source.to(sink(label));
  source.to(sink(label));
  const names = sinksOf(compile(plant)).map(([name]) => name);
  expect(names).toEqual(["a-label-as-long-as-names-may-be", "a-label-as-long-as-names-may-b-2"]);
});

test("A3: copies that a union makes are named last", () => {
  const plant = job("plant");
  const [north, south] = [plant.source("north", readings()), plant.source("south", readings())];
  north.union(south).map(same).named("clean").map(same).to(sink("out"));
  south.map(same).to(sink("raw"));
  expect(operatorsOf(compile(plant))).toEqual(["clean", "map", "clean-2", "map-3", "map-2"]);
});

test("a name speaks of the operator, through what is said about its stream", () => {
  const plant = job("plant");
  const mapped = plant.source("readings", readings()).map(same);
  mapped.named("clean");
  mapped.to(sink("out"));
  expect(operatorsOf(compile(plant))).toEqual(["clean"]);
});

test.for(["Readings", "", "my readings", "a_b", "x".repeat(33), "a.b"])("the source name %o is refused", (name) => {
  const plant = job("plant");
  plant.source(name, readings()).to(sink("out"));
  expectRefusal(() => compile(plant), "source", JSON.stringify(name), "a-z");
});

test("an operator's, a sink's and a job's illegal name are refused", () => {
  const [a, b, c] = [job("plant"), job("plant"), job("The Plant")];
  a.source("readings", readings()).map(same).named("Clean").to(sink("out"));
  b.source("readings", readings()).to(sink("out")).named("Out");
  c.source("readings", readings()).to(sink("out"));
  expectRefusal(() => compile(a), '"Clean"');
  expectRefusal(() => compile(b), '"Out"');
  expectRefusal(() => compile(c), 'job "The Plant"');
});

test("two sources of one name are refused", () => {
  const plant = job("plant");
  plant.source("readings", readings()).union(plant.source("readings", readings())).to(sink("out"));
  expectRefusal(() => compile(plant), 'source "readings" is taken', 'source "readings"');
});

test("two operators of one name are refused, and an operator with a source's", () => {
  const [a, b] = [job("plant"), job("plant")];
  a.source("readings", readings()).map(same).named("clean").map(same).named("clean").to(sink("out"));
  b.source("readings", readings()).map(same).named("readings").to(sink("out"));
  expectRefusal(() => compile(a), 'name "clean" is taken by operator map');
  expectRefusal(() => compile(b), 'name "readings" is taken by source');
});

test("two sinks of one name are refused", () => {
  const plant = job("plant");
  const source = plant.source("readings", readings());
  source.to(sink("a")).named("out");
  source.to(sink("b")).named("out");
  expectRefusal(() => compile(plant), 'name "out" is taken by sink "a"');
});

test("a second name for the same thing is refused", () => {
  const plant = job("plant");
  plant.source("readings", readings()).map(same).named("clean").named("cleaner").to(sink("out"));
  expectRefusal(() => compile(plant), '"cleaner"', 'named "clean" already');
});

test("a name for what is no operator is refused", () => {
  const [a, b] = [job("plant"), job("plant")];
  const source = a.source("readings", readings());
  source.named("all").to(sink("out"));
  b.source("north", readings()).union(b.source("south", readings())).named("all").to(sink("out"));
  expectRefusal(() => compile(a), '"all"', 'source "readings" has its name already');
  expectRefusal(() => compile(b), '"all"', "a union is no operator");
});

test.for(["dead", "late"])("the name %s belongs to the job's own stream", (name) => {
  const plant = job("plant");
  plant.source("readings", readings()).map(same).named(name).to(sink(name, "global"));
  expectRefusal(() => compile(plant), `"${name}" is taken by the job's own stream`);
});

test("a sink labelled like one of the job's own streams steps aside", () => {
  const plant = job("plant");
  plant.source("readings", readings()).to(sink("late", "global"));
  expect(sinksOf(compile(plant))).toEqual([["late-2", "late"]]);
});
