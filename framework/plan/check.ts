/**
 * Checks of a program as a whole, before it is cut.
 *
 * Owns what can be said without stages: order, belonging, use. What depends on where an operator comes to stand is checked by the cut.
 */
import { messageOf, StreamError } from "../errors.ts";
import { inputsOf, type Program, type ProgramNode, subjectOf } from "./program.ts";

/**
 * Checks that every node's inputs are nodes of this program and stand before it (N1).
 *
 * @throws PLAN_INVALID when a stream of another job is mixed in, or the program has a cycle
 */
export function checkOrder(program: Program): void {
  const place = `job "${program.name}"`;
  const all = new Set(program.nodes);
  const seen = new Set<ProgramNode>();
  for (const node of program.nodes) {
    for (const input of node.kind === "sentBack" ? [node.input, node.to] : inputsOf(node)) {
      if (!all.has(input)) {
        throw new StreamError(
          "PLAN_INVALID",
          `${place}: ${wordsFor(node)} takes a stream of another job; a job reads its own sources`,
        );
      }
      if (!seen.has(input)) {
        throw new StreamError(
          "PLAN_INVALID",
          `${place}: ${wordsFor(node)} is on its own path: a cycle would wait for itself. Keep what goes round in keyed state, or send it back to a feedback stream (job.feedback)`,
        );
      }
    }
    seen.add(node);
  }
}

/** Checks that the builders could take everything that was said. @throws PLAN_INVALID with the place */
export function checkProblems(program: Program): void {
  const [first] = program.problems;
  if (first === undefined) return;
  const place = `job "${program.name}", behind ${wordsFor(first.behind)}`;
  throw new StreamError("PLAN_INVALID", `${place}: ${messageOf(first.error)}`, { cause: first.error });
}

/**
 * Checks that something can be seen of everything: there is a sink, and every stream leads to one; something is sent back to every feedback stream.
 *
 * @throws PLAN_INVALID with the stream that leads nowhere, or the feedback stream that nothing is sent to
 */
export function checkUse(program: Program): void {
  const place = `job "${program.name}"`;
  if (!program.nodes.some(({ kind }) => kind === "sink")) {
    throw new StreamError(
      "PLAN_INVALID",
      `${place} has no sink, so nothing would be seen of it: end a stream with .to(…)`,
    );
  }
  for (const node of program.nodes) {
    if (node.kind !== "feedback" || program.nodes.some((other) => other.kind === "sentBack" && other.to === node))
      continue;
    throw new StreamError(
      "PLAN_INVALID",
      `${place}: nothing is sent back to ${wordsFor(node)}: give it a stream with .to(…), or remove it`,
    );
  }
  const used = nodesWithSinks(program);
  const inputs = new Set(program.nodes.flatMap((node) => inputsOf(node)));
  const read = new Set(program.nodes.filter((node) => node.kind !== "named").flatMap((node) => inputsOf(node)));
  const unused = program.nodes.filter(
    (node) =>
      !used.has(node) &&
      !(node.kind === "named" && used.has(subjectOf(node))) &&
      !(node.kind === "side" && !read.has(node)),
  );
  const end = unused.find((node) => !inputs.has(node)) ?? unused[0];
  if (end === undefined) return;
  throw new StreamError(
    "PLAN_INVALID",
    `${place}: ${wordsFor(end)} leads to no sink: end it with .to(…), or remove it`,
  );
}

function nodesWithSinks(program: Program): ReadonlySet<ProgramNode> {
  const used = new Set<ProgramNode>();
  for (const node of program.nodes.toReversed()) {
    if (node.kind === "sink" || node.kind === "sentBack") used.add(node);
    if (used.has(node)) for (const input of inputsOf(node)) used.add(input);
  }
  return used;
}

/** How an error speaks of a node: by the name or kind that the user wrote. */
export function wordsFor(node: ProgramNode): string {
  switch (node.kind) {
    case "source":
      return `source "${node.name}"`;
    case "feedback":
      return `feedback stream "${node.name}"`;
    case "sentBack":
      return `what is sent back to ${wordsFor(node.to)}`;
    case "chained":
    case "timestamps":
    case "keyed":
      return `operator ${node.factory.kind}${node.factory.description === "" ? "" : ` (${node.factory.description})`}`;
    case "sink":
      return `sink "${node.spec.name}"`;
    case "union":
      return "a union";
    case "late":
      return `the late stream of ${wordsFor(node.input)}`;
    case "side":
      return `side output "${node.name}" of ${wordsFor(node.input)}`;
    case "named":
      return `"${node.name}"`;
    case "encoded":
      return `the stream encoded with ${node.codec.name}`;
  }
}
