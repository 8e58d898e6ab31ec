/**
 * What a job is to the runtime: stages, cut at every exchange, and the edges between them. Made by `compile`, never changed.
 *
 * P1. A stage is a tree of operators without an exchange inside; outputs of its operators go to operators of the same stage, to edges, or to sinks.
 * P2. Indexes (stage, edge, sink, operator) are positions in these arrays and stable for one plan; names are stable across plans.
 * P3. Edges form no cycle but through a feedback stage, over edges that carry no event time (`loops.ts`).
 */
import type { SinkSpec } from "../log/sink.ts";
import type { SourceSpec } from "../log/source.ts";
import type { KeySelector, OperatorFactory } from "../operator/contract.ts";
import type { ValueCodec } from "../record/codec.ts";
import type { ResolvedJobOptions } from "./options.ts";

/** How records of an edge find their partition. */
export type Exchange = "keyed" | "rebalance" | "broadcast" | "global" | "forward";

/** Where an operator's outputs go: into an operator of the same stage, over an edge, or into a chained sink. */
export type Target =
  | { readonly kind: "operator"; readonly operator: number }
  | { readonly kind: "edge"; readonly edge: number }
  | { readonly kind: "sink"; readonly sink: number };

/** One operator in a stage. */
export interface OperatorNode {
  /** Unique within the job. */
  readonly name: string;
  readonly factory: OperatorFactory;
  /** Where its outputs go, in program order. */
  readonly outputs: readonly Target[];
  /** Where its late records go, by the port they came over, when something reads them; else they go over the stage's `lateEdge`. */
  readonly late: readonly (readonly Target[])[];
  /** Where its side outputs go, by their names, those that something reads. */
  readonly sides: Readonly<Record<string, readonly Target[]>>;
}

/** A sink chained to a stage. */
export interface SinkNode {
  /** Unique among the sinks of the job. */
  readonly name: string;
  /** What the program calls it: the user's `.named`, else the label it was made with (`average CPU`); not always unique. */
  readonly label: string;
  readonly spec: SinkSpec;
}

/** A chain of operators with no exchange inside; one instance per partition (of a source stage: per split). */
export interface Stage {
  readonly index: number;
  /** Unique within the job; the identity of its state across versions. */
  readonly name: string;
  /** Present: a source stage. Its instances are its splits, enumerated when the job starts. */
  readonly source: SourceSpec | undefined;
  /** Whether the source is read through an ingress log. */
  readonly isIngress: boolean;
  /** Number of instances; 0 for a source stage (splits). */
  readonly partitions: number;
  /** Threads that its instances share in each worker process; undefined: they live with all others. No part of the plan's identity. */
  readonly threads?: number | undefined;
  /** Data limit of its inboxes; present: a feedback stage, where what is sent back comes in, and the cycle begins that it is on. */
  readonly feedbackBytes?: number | undefined;
  /** Number of the loop that the stage is part of; undefined: of none. */
  readonly loop?: number | undefined;
  /** Indexes of the edges that come in; none for a source stage. */
  readonly inputs: readonly number[];
  /** Where an incoming record goes first. */
  readonly entry: readonly Target[];
  readonly operators: readonly OperatorNode[];
  readonly sinks: readonly SinkNode[];
  /** How long a split must be caught up and empty before it counts as idle, ms; Infinity: never. Source stages only. */
  readonly idleTimeoutMs: number;
  /** How far a split may be ahead of the slowest other one, ms; undefined: as far as it likes. Source stages only. */
  readonly maxDriftMs?: number | undefined;
  /** Name of the group whose splits wait for each other; undefined: those of the stage alone. Source stages only. */
  readonly driftGroup?: string | undefined;
  /** Implicit edge into the job's dead letters. */
  readonly deadEdge: number;
  /** Implicit edge into the job's late records. */
  readonly lateEdge: number;
}

/** One exchange between two stages, or from a stage into the job's dead-letter or late stream. */
export interface Edge {
  readonly index: number;
  /** `from.to`, `.2` for a second one; `from.dead`, `from.late`. */
  readonly name: string;
  readonly from: number;
  /** Stage it goes into, or one of the job's own streams. */
  readonly to: number | "dead" | "late";
  readonly exchange: Exchange;
  /** Which input of the stage's first operator its records are; 0 where there is one. */
  readonly port: number;
  /**
   * What it says of event time: everything; only its end (`endOnly`: before it stands nothing but what is sent back); or that only as found by the leader
   * (`fedBack`: it closes a cycle).
   * @default everything
   */
  readonly eventTime?: "endOnly" | "fedBack" | undefined;
  /** Takes the key of a record: evaluated by the sender to find the partition, and by the receiver again. Keyed edges only. */
  readonly key: KeySelector | undefined;
  /** How values travel; undefined: the default codec, by columns. */
  readonly codec: ValueCodec | undefined;
}

/** A job, ready to run. */
export interface Plan {
  readonly job: string;
  readonly version: string;
  readonly options: ResolvedJobOptions;
  readonly stages: readonly Stage[];
  readonly edges: readonly Edge[];
}
