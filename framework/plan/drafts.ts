/**
 * Stages and edges while a plan is cut.
 *
 * Owns indexes and the names of edges (P1, P2). Knows nothing of programs: what stands where is decided by `cut`.
 */
import type { SourceSpec } from "../log/source.ts";
import type { KeySelector, OperatorFactory } from "../operator/contract.ts";
import type { ValueCodec } from "../record/codec.ts";
import type { Edge, Exchange, SinkNode, Stage, Target } from "./plan.ts";

/** How long a split is caught up and empty until it counts as idle, where nobody says (R16). */
export const idleTimeoutMsDefault = 30_000;

/** An operator of a stage that is still growing. */
export interface OperatorDraft {
  readonly name: string;
  readonly factory: OperatorFactory;
  readonly outputs: Target[];
  /** By port; holes and short lists: nobody reads those. */
  readonly late: Target[][];
  readonly sides: Record<string, Target[]>;
}

/** A stage that is still growing. */
export interface StageDraft {
  readonly index: number;
  readonly name: string;
  readonly source: SourceSpec | undefined;
  readonly isIngress: boolean;
  readonly feedbackBytes: number | undefined;
  readonly partitions: number;
  readonly threads: number | undefined;
  readonly inputs: number[];
  readonly entry: Target[];
  readonly operators: OperatorDraft[];
  readonly sinks: SinkNode[];
  idleTimeoutMs: number;
  maxDriftMs: number | undefined;
  driftGroup: string | undefined;
  /** How late records of the stage travel. */
  lateCodec: ValueCodec | undefined;
}

/** What is known of a stage when it begins. */
export interface StageBeginning {
  readonly name: string;
  readonly partitions: number;
  readonly threads?: number | undefined;
  readonly source?: SourceSpec | undefined;
  readonly isIngress?: boolean | undefined;
  readonly feedbackBytes?: number | undefined;
}

/** An exchange, with its key where it has one, and the port that it leads to. */
export interface EdgeExchange {
  readonly exchange: Exchange;
  readonly key: KeySelector | undefined;
  /** @default 0 */
  readonly port?: number | undefined;
}

/** All stages and edges of a plan while it is cut. */
export class StageDrafts {
  readonly #stages: StageDraft[] = [];
  readonly #edges: Edge[] = [];

  begin({ name, partitions, threads, source, isIngress = false, feedbackBytes }: StageBeginning): StageDraft {
    const stage: StageDraft = {
      index: this.#stages.length,
      name,
      source,
      isIngress,
      feedbackBytes,
      partitions,
      threads,
      inputs: [],
      entry: [],
      operators: [],
      sinks: [],
      idleTimeoutMs: source === undefined ? Infinity : idleTimeoutMsDefault,
      maxDriftMs: undefined,
      driftGroup: undefined,
      lateCodec: undefined,
    };
    this.#stages.push(stage);
    return stage;
  }

  /** Adds an operator behind `from`; its outputs and late records are given their targets by what follows. */
  addOperator(
    stage: StageDraft,
    from: Target[],
    { name, factory }: { readonly name: string; readonly factory: OperatorFactory },
  ): OperatorDraft {
    const operator: OperatorDraft = { name, factory, outputs: [], late: [], sides: {} };
    from.push({ kind: "operator", operator: stage.operators.length });
    stage.operators.push(operator);
    return operator;
  }

  /** Chains a sink to `stage`; answers its index there. */
  addSink(stage: StageDraft, sink: SinkNode): number {
    return stage.sinks.push(sink) - 1;
  }

  /** Adds an edge; answers its index. */
  connect(from: StageDraft, to: StageDraft, over: EdgeExchange, codec: ValueCodec | undefined): number {
    const { exchange, key, port = 0 } = over;
    const earlier = this.#edges.filter((edge) => edge.from === from.index && edge.to === to.index).length;
    const name = `${from.name}.${to.name}${earlier === 0 ? "" : `.${earlier + 1}`}`;
    const index = this.#edges.length;
    this.#edges.push({ index, name, from: from.index, to: to.index, exchange, port, key, codec });
    to.inputs.push(index);
    return index;
  }

  /** Adds to every stage its edges into the job's dead letters and late records. */
  finish(): { readonly stages: readonly Stage[]; readonly edges: readonly Edge[] } {
    const stages = this.#stages.map(({ lateCodec, ...stage }) => ({
      ...stage,
      deadEdge: this.#implicit(stage, "dead", undefined),
      lateEdge: this.#implicit(stage, "late", lateCodec),
    }));
    return { stages, edges: this.#edges };
  }

  #implicit(from: { index: number; name: string }, to: "dead" | "late", codec: ValueCodec | undefined): number {
    const index = this.#edges.length;
    this.#edges.push({
      index,
      name: `${from.name}.${to}`,
      from: from.index,
      to,
      exchange: "global",
      port: 0,
      key: undefined,
      codec,
    });
    return index;
  }
}
