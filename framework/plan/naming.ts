/**
 * Names of sources, operators and sinks, and with them of stages.
 *
 * Owns who is called what. Sources and operators share one set of names, sinks another; a sink that is a stage of its own is in both.
 *
 * A1. What the user named keeps that name; two of one name are refused.
 * A2. Every other operator is called after its kind, then `-2`, `-3` … in program order; then every other sink, after its label.
 * A3. Copies that a union makes come last: naming one thing never renames another.
 */
import { StreamError } from "../errors.ts";
import { checkName, namePattern } from "../log/names.ts";
import { wordsFor } from "./check.ts";
import { type NamedThing, type Program, type ProgramNode, subjectOf, type ToNode } from "./program.ts";

/** Names that edges into the job's own streams end in. */
const reserved: readonly string[] = ["dead", "late"];
const lengthMax = 32;

/** Makes a legal name of any label: `average CPU` becomes `average-cpu`, `flatMap` becomes `flat-map`. */
export function legalName(label: string): string {
  const name = label
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, lengthMax)
    .replaceAll(/^-+|-+$/g, "");
  return namePattern.test(name) ? name : "unnamed";
}

/** A set of names: what is in it, and who has each. */
type Space = Map<string, string>;

/** Every name of one plan while it is made. */
export class Naming {
  readonly #operators: Space = new Map();
  readonly #sinks: Space = new Map();
  readonly #names = new Map<ProgramNode, string>();
  readonly #chosen = new Map<ProgramNode, string>();

  /** Names everything in `program` (A1, A2). @throws PLAN_INVALID */
  constructor(program: Program) {
    for (const node of program.nodes) {
      if (node.kind === "source" || node.kind === "feedback") this.#choose(node, node.name, node.kind);
      else if (node.kind === "named") this.#choose(nameable(node.input, node.name), node.name, "name");
    }
    const unnamed = program.nodes.filter((node) => isNamedThing(node)).filter((node) => !this.#names.has(node));
    for (const node of unnamed.filter(({ kind }) => kind !== "sink")) this.#names.set(node, this.another(node));
    for (const node of unnamed.filter(({ kind }) => kind === "sink")) this.#names.set(node, this.another(node));
  }

  /** The name of a source, an operator or a sink; of one that the plan itself adds, a free one. */
  of(node: NamedThing): string {
    return this.#names.get(node) ?? this.another(node);
  }

  /** What the user calls a sink: its chosen name, else the label it was made with. */
  labelOf(sink: ToNode): string {
    return this.#chosen.get(sink) ?? sink.spec.name;
  }

  /** A free name for the stage that the plan gives to a sink. */
  stageOf(sink: ToNode): string {
    return this.#free(this.of(sink), sink, [this.#operators]);
  }

  /** Another name for a copy of `node` (A3). */
  another(node: NamedThing): string {
    return this.#claimFree(this.#names.get(node) ?? defaultName(node), node);
  }

  #choose(node: NamedThing, name: string, what: string): void {
    checkName(name, what);
    if (reserved.includes(name)) {
      throw new StreamError("PLAN_INVALID", `${what} "${name}" is taken by the job's own stream; choose another`);
    }
    const before = this.#names.get(node);
    if (before !== undefined) {
      throw new StreamError("PLAN_INVALID", `name "${name}": ${wordsFor(node)} is named "${before}" already`);
    }
    const owner = this.#spacesOf(node)
      .map((space) => space.get(name))
      .find((taken) => taken !== undefined);
    if (owner !== undefined) {
      throw new StreamError("PLAN_INVALID", `${what} "${name}" is taken by ${owner}; choose another`);
    }
    for (const space of this.#spacesOf(node)) space.set(name, wordsFor(node));
    this.#names.set(node, name);
    this.#chosen.set(node, name);
  }

  #claimFree(wanted: string, node: NamedThing): string {
    return this.#free(wanted, node, this.#spacesOf(node));
  }

  #free(wanted: string, node: NamedThing, spaces: readonly Space[]): string {
    for (let n = 1; ; n++) {
      const suffix = n === 1 ? "" : `-${n}`;
      const name = wanted.slice(0, lengthMax - suffix.length) + suffix;
      if (reserved.includes(name) || spaces.some((space) => space.has(name))) continue;
      for (const space of spaces) space.set(name, wordsFor(node));
      return name;
    }
  }

  /** A sink with a stage of its own has a name among the stages too. */
  #spacesOf(node: NamedThing): readonly Space[] {
    if (node.kind !== "sink") return [this.#operators];
    return node.spec.placement === "global" ? [this.#operators, this.#sinks] : [this.#sinks];
  }
}

function isNamedThing(node: ProgramNode): node is NamedThing {
  return ["source", "feedback", "chained", "timestamps", "keyed", "sink"].includes(node.kind);
}

/** What `.named` speaks about. @throws PLAN_INVALID when that has no name of its own */
function nameable(node: ProgramNode, name: string): NamedThing {
  const subject = subjectOf(node);
  const hasName = subject.kind === "source" || subject.kind === "feedback";
  if (isNamedThing(subject) && !hasName) return subject;
  const why = hasName ? `${wordsFor(subject)} has its name already` : `${wordsFor(subject)} is no operator`;
  throw new StreamError("PLAN_INVALID", `name "${name}": ${why}; name an operator or a sink`);
}

function defaultName(node: NamedThing): string {
  if (node.kind === "source" || node.kind === "feedback") return node.name;
  return legalName(node.kind === "sink" ? node.spec.name : node.factory.kind);
}
