/**
 * What the user said, as nodes: the input of `compile`.
 *
 * Owns the types only. The builders of `api/` append nodes, nobody changes one.
 *
 * N1. A node's inputs stand before it in `Program.nodes`, and the position of a node is its program order; so a program has no cycle, but for what is sent
 *     back to a feedback stream that stands before it.
 * N2. `named` and `encoded` are no operators: they say something about the node they refer to and pass its records on.
 */
import type { SinkSpec } from "../log/sink.ts";
import type { SourceSpec } from "../log/source.ts";
import type { KeySelector, OperatorFactory } from "../operator/contract.ts";
import type { ValueCodec } from "../record/codec.ts";
import type { JobOptions } from "./options.ts";

/** `job.source(…)`: records come in. */
export interface SourceNode {
  readonly kind: "source";
  readonly name: string;
  readonly spec: SourceSpec;
}

/** `job.feedback(…)`: records that come back from further down. */
export interface FeedbackNode {
  readonly kind: "feedback";
  readonly name: string;
  /** What may wait to go round again, per partition; undefined: the default. */
  readonly bytes: number | undefined;
}

/** `to(feedback)`: records go back. */
export interface SentBackNode {
  readonly kind: "sentBack";
  readonly input: ProgramNode;
  /** Where to; stands before this node. */
  readonly to: FeedbackNode;
}

/** `map`, `filter`, `flatMap`: an operator without state, chained to what is before it. */
export interface ChainedNode {
  readonly kind: "chained";
  readonly input: ProgramNode;
  readonly factory: OperatorFactory;
  /** Whether it hands on the values it takes (`filter`): then a codec that was given for them still holds. */
  readonly keepsValues: boolean;
}

/** `timestamps`: takes event timestamps from values and makes watermarks. Only in the chain of a source. */
export interface TimestampsNode {
  readonly kind: "timestamps";
  readonly input: ProgramNode;
  readonly factory: OperatorFactory;
  readonly idleTimeoutMs: number;
  readonly maxDriftMs: number | undefined;
  /** Whose splits wait for each other. @default those of the source alone */
  readonly driftGroup?: string | undefined;
  /** Timestamps are the times at which the source's store took the records: it has to know them. */
  readonly needsStoredTimes: boolean;
}

/** One input of an operator behind an exchange; its position among the operator's inputs is its *port*. */
export interface KeyedInput {
  readonly input: ProgramNode;
  /** `keyed`: to the partition of its key; `broadcast`: to every partition; `global`: to the only one. */
  readonly exchange: "keyed" | "broadcast" | "global";
  /** Of a keyed input. */
  readonly key: KeySelector | undefined;
}

/** An operator behind `keyBy`, or behind several streams that have been brought together: begins a stage of its own. */
export interface KeyedNode {
  readonly kind: "keyed";
  /** By port; at least one. */
  readonly inputs: readonly KeyedInput[];
  /** Partitions of its stage; undefined: as many as the job says. */
  readonly partitions: number | undefined;
  /** Threads that its instances share in each worker process. @default none */
  readonly threads?: number | undefined;
  readonly factory: OperatorFactory;
}

/** `union`: the records of all inputs; no operator. */
export interface UnionNode {
  readonly kind: "union";
  readonly inputs: readonly ProgramNode[];
}

/** `late()`: the late records of a keyed operator, of those that came over one port. */
export interface LateNode {
  readonly kind: "late";
  readonly input: KeyedNode;
  readonly port: number;
}

/** A side output of an operator, by name. One that nobody reads is no mistake. */
export interface SideNode {
  readonly kind: "side";
  readonly input: KeyedNode | ChainedNode;
  readonly name: string;
}

/** `named`: the user's name for the operator or sink before it. */
export interface NamedNode {
  readonly kind: "named";
  readonly input: ProgramNode;
  readonly name: string;
}

/** `encodedWith`: how the values before it travel between stages. */
export interface EncodedNode {
  readonly kind: "encoded";
  readonly input: ProgramNode;
  readonly codec: ValueCodec;
}

/** `to`: records go out. */
export interface ToNode {
  readonly kind: "sink";
  readonly input: ProgramNode;
  readonly spec: SinkSpec;
}

/** One thing the user said. */
export type ProgramNode =
  | SourceNode
  | FeedbackNode
  | SentBackNode
  | ChainedNode
  | TimestampsNode
  | KeyedNode
  | UnionNode
  | LateNode
  | SideNode
  | NamedNode
  | EncodedNode
  | ToNode;

/** Nodes that become operators or sinks, and so have names. */
export type NamedThing = SourceNode | FeedbackNode | ChainedNode | TimestampsNode | KeyedNode | ToNode;

/** Something that makes no sense where the program says it: refused by `compile`, with the place. */
export interface ProgramProblem {
  /** The node that it was said of: what it was to read. */
  readonly behind: ProgramNode;
  readonly error: unknown;
}

/** A job as the user wrote it: what `job(…)` makes and `compile` reads. */
export interface Program {
  readonly name: string;
  readonly options: JobOptions;
  /** In program order (N1). */
  readonly nodes: readonly ProgramNode[];
  /** What the builders could not take, in program order. */
  readonly problems: readonly ProgramProblem[];
}

/** The nodes whose records `node` takes; what is sent back to a feedback stream is not among them (N1). */
export function inputsOf(node: ProgramNode): readonly ProgramNode[] {
  switch (node.kind) {
    case "source":
    case "feedback":
      return [];
    case "union":
      return node.inputs;
    case "keyed":
      return node.inputs.map(({ input }) => input);
    default:
      return [node.input];
  }
}

/** The node that `named` and `encoded` speak about; any other node is itself (N2). */
export function subjectOf(node: ProgramNode): ProgramNode {
  return node.kind === "named" || node.kind === "encoded" ? subjectOf(node.input) : node;
}
