/**
 * The builders of operators with two inputs: they write down what is brought together, and how.
 *
 * Owns the way from `connect` to a node with two inputs. Throws nothing: what makes no sense is kept as a problem by who begins the stage.
 */
import { StreamError } from "../errors.ts";
import { broadcastProcessOperator } from "../operator/broadcast-process.ts";
import type { OperatorFactory } from "../operator/contract.ts";
import { coProcessOperator } from "../operator/co-process.ts";
import type { KeyedInput, ProgramNode } from "../plan/program.ts";
import type { Key } from "../record/key.ts";
import type { BroadcastStream, ConnectedStreams, RuledStream } from "./connected-streams.ts";
import type { LateStream } from "./stream.ts";

/** A stream as one input of a stage. */
export interface InputPart {
  readonly input: KeyedInput;
  /** Partitions that were said with it. */
  readonly partitions: number | undefined;
  /** Threads that were asked for with it. */
  readonly threads?: number | undefined;
}

/** Begins a stage with the operator that `say` answers, and another input beside the stream's own; answers its results. What makes no sense is refused by the plan. */
export type BeginStage = <T, R>(say: () => OperatorFactory, other?: () => InputPart) => LateStream<T, R>;

/** Begins a stage with the operator that `say` answers, and a second input beside the keyed stream; answers its results, as what the caller promises. */
export type BeginBoth = <R>(say: () => OperatorFactory, other: () => InputPart) => R;

/** A stream that is given to every partition. */
export class RecordedBroadcast<B> implements BroadcastStream<B> {
  readonly kind = "broadcast";
  readonly #node: ProgramNode;

  constructor(node: ProgramNode) {
    this.#node = node;
  }

  /** The input that `stream` is; undefined when it is none of these. */
  static partOf(stream: unknown): InputPart | undefined {
    if (typeof stream !== "object" || stream === null || !(#node in stream)) return undefined;
    return { input: { input: stream.#node, exchange: "broadcast", key: undefined }, partitions: undefined };
  }
}

/** The partitions of a stage with several inputs: what those say that say something. @throws PLAN_INVALID when they say different things */
export function commonPartitions(parts: readonly InputPart[]): number | undefined {
  const said = [...new Set(parts.flatMap(({ partitions }) => partitions ?? []))];
  if (said.length < 2) return said[0];
  throw new StreamError(
    "PLAN_INVALID",
    `keyBy: the streams that meet here say ${said.join(" and ")} partitions; records of one key have to meet, so say one number`,
  );
}

/** The threads of a stage with several inputs: the most that are asked for. */
export function mostThreads(parts: readonly InputPart[]): number | undefined {
  const said = parts.flatMap(({ threads }) => threads ?? []);
  return said.length === 0 ? undefined : Math.max(...said);
}

/** Two keyed streams, connected. */
export function connected<K extends Key, L, R>(begin: BeginBoth, other: () => InputPart): ConnectedStreams<K, L, R> {
  return { process: (functions) => begin(() => coProcessOperator(functions), other) };
}

/** A keyed stream, connected with rules. */
export function ruled<K extends Key, T, B>(begin: BeginBoth, other: () => InputPart): RuledStream<K, T, B> {
  return { process: (functions) => begin(() => broadcastProcessOperator(functions), other) };
}
