import { expect, test } from "vitest";
import { checkOrder, checkProblems, checkUse, wordsFor } from "../../framework/plan/check.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import type { KeyedNode, Program, ProgramNode, SourceNode } from "../../framework/plan/program.ts";
import { codecNamed, expectRefusal, readings, sink } from "./doubles.ts";

const source: SourceNode = { kind: "source", name: "readings", spec: readings() };
const factory: OperatorFactory = {
  kind: "average",
  description: "tumbling 5m",
  keyed: true,
  eventTime: true,
  outputTimestamps: "always",
  create: () => ({ process: () => undefined }),
};
const keyed: KeyedNode = {
  kind: "keyed",
  inputs: [{ input: source, exchange: "keyed", key: String }],
  partitions: undefined,
  factory,
};
const out: ProgramNode = { kind: "sink", input: keyed, spec: sink("out") };

function programOf(...nodes: readonly ProgramNode[]): Program {
  return { name: "plant", options: {}, nodes, problems: [] };
}

test("a program in order, all of it used, is accepted", () => {
  const program = programOf(source, keyed, out);
  checkOrder(program);
  checkUse(program);
});

test("N1: an input that stands behind its node, or nowhere, is refused", () => {
  expectRefusal(() => checkOrder(programOf(keyed, source, out)), "cycle");
  expectRefusal(() => checkOrder(programOf(keyed, out)), "another job");
});

test("the first thing that makes no sense is refused with what it stands behind, and with its cause", () => {
  const [first, second] = [new TypeError("the first"), new TypeError("the second")];
  const problems = [
    { behind: keyed, error: first },
    { behind: source, error: second },
  ];
  const words = 'job "plant", behind operator average (tumbling 5m): the first';
  expectRefusal(() => checkProblems({ ...programOf(source, keyed, out), problems }), words);
  expect(() => checkProblems({ ...programOf(source), problems: [{ behind: source, error: "a text" }] })).toThrow(
    expect.objectContaining({ message: 'job "plant", behind source "readings": a text', cause: "a text" }),
  );
  checkProblems(programOf(source, keyed, out));
});

test("a name that leads nowhere counts as used when what it names is", () => {
  const named: ProgramNode = { kind: "named", input: keyed, name: "a" };
  checkUse(programOf(source, keyed, named, out));
});

test("a codec that leads nowhere is refused: the stream that has it is another one", () => {
  const encoded: ProgramNode = { kind: "encoded", input: keyed, codec: codecNamed("own") };
  const program = programOf(source, keyed, encoded, out);
  expectRefusal(() => checkUse(program), "encoded with own", "leads to no sink");
});

test("the end of a path that leads nowhere is named, not its beginning", () => {
  const other: SourceNode = { ...source, name: "other" };
  const lost: KeyedNode = {
    ...keyed,
    inputs: [{ input: other, exchange: "keyed", key: String }],
    factory: { ...factory, kind: "max", description: "" },
  };
  const program = programOf(source, keyed, out, other, lost);
  expectRefusal(() => checkUse(program), "operator max leads to no sink");
});

test("a side output that nobody reads is no mistake, one that is read and leads nowhere is", () => {
  const side: ProgramNode = { kind: "side", input: keyed, name: "slow" };
  checkUse(programOf(source, keyed, out, side));
  const lost: ProgramNode = { kind: "union", inputs: [side] };
  expectRefusal(() => checkUse(programOf(source, keyed, out, side, lost)), "a union leads to no sink");
});

test("errors speak of nodes as the user wrote them", () => {
  const nodes: readonly ProgramNode[] = [
    source,
    keyed,
    { kind: "late", input: keyed, port: 0 },
    { kind: "side", input: keyed, name: "slow" },
    { kind: "union", inputs: [source] },
    { kind: "named", input: source, name: "a" },
    out,
  ];
  expect(nodes.map((node) => wordsFor(node))).toEqual([
    'source "readings"',
    "operator average (tumbling 5m)",
    "the late stream of operator average (tumbling 5m)",
    'side output "slow" of operator average (tumbling 5m)',
    "a union",
    '"a"',
    'sink "out"',
  ]);
});
