/**
 * The builders behind `Stream`, `KeyedStream` and `WindowedStream`: they write down what the user says.
 *
 * Owns the way from a call to a node of the program. Checks only what is lost later (durations, names of options), and throws nothing: what makes no
 * sense is kept as a problem, and the plan is refused with it.
 */
import { StreamError } from "../errors.ts";
import type { SinkSpec } from "../log/sink.ts";
import type { KeySelector, OperatorFactory } from "../operator/contract.ts";
import type { Outputs } from "../operator/emit-all.ts";
import { filterOperator } from "../operator/filter.ts";
import type { CallContext } from "../operator/calls.ts";
import { flatMapOperator } from "../operator/flat-map.ts";
import type { JoinType } from "../operator/join-type.ts";
import { mapOperator } from "../operator/map.ts";
import { processOperator } from "../operator/process.ts";
import { reduceOperator } from "../operator/reduce.ts";
import type { Sides } from "../operator/sides.ts";
import { splitOperator, type Branch } from "../operator/split.ts";
import type { IngestionTime } from "../operator/watermarks.ts";
import { idleTimeoutMsDefault } from "../plan/drafts.ts";
import { checkKnownOptions } from "../known-options.ts";
import { checkPartitions, checkThreads } from "../plan/options.ts";
import type { FeedbackNode, KeyedNode, ProgramNode } from "../plan/program.ts";
import type { ValueCodec } from "../record/codec.ts";
import type { Key } from "../record/key.ts";
import type { States } from "../state/descriptors.ts";
import type { WindowAssigner } from "../window/assigner.ts";
import {
  asyncMap,
  batchMap,
  type AsyncOptions,
  type BatchFunction,
  type BatchModel,
  type BatchOptions,
} from "./async.ts";
import { resolveDriftGroup, resolveIdleTimeout, resolveMaxDrift, timestampsOf } from "./timestamps.ts";
import type { KeyedStream, ProcessFunctions } from "./keyed-stream.ts";
import type { CoGroup, IntervalJoin, IntervalJoinOptions, JoinOptions, WindowJoin } from "./joined-streams.ts";
import { coGroup, intervalJoin, windowJoin, type Pair } from "./recorded-joins.ts";
import type { BroadcastStream, ConnectedStreams, RuledStream } from "./connected-streams.ts";
import {
  commonPartitions,
  mostThreads,
  connected,
  RecordedBroadcast,
  ruled,
  type BeginBoth,
  type BeginStage,
  type InputPart,
} from "./recorded-inputs.ts";
import type {
  Branches,
  BranchOf,
  Feedback,
  Intake,
  KeyByOptions,
  LateStream,
  ProcessedStream,
  Sink,
  Stream,
  TimestampsOptions,
  ValueOf,
} from "./stream.ts";
import { RecordedWindowedStream } from "./recorded-windows.ts";

/** The user's types end where an operator begins. */
type Untyped = (value: unknown) => unknown;
type UntypedFold = (soFar: unknown, value: unknown) => unknown;

/** What a program is written into. */
export interface ProgramRecord {
  /** Appends a node to the program; answers it. */
  add<N extends ProgramNode>(node: N): N;
  /**
   * What `say` answers; when that makes no sense, the plan will be refused with it, at the place behind `node`, and `instead` stands for it until then.
   */
  checked<V>(node: ProgramNode, say: () => V, instead: V): V;
}

/** The stream of what comes out of `node`. */
export function streamOf<T>(record: ProgramRecord, node: ProgramNode): Stream<T> {
  return new RecordedStream<T, never>(record, node, undefined);
}

/** The stream of what is sent back to `node`. */
export function feedbackOf<T>(record: ProgramRecord, node: FeedbackNode): Feedback<T> {
  // Its mark exists for the types alone.
  return streamOf<T>(record, node) as Feedback<T>;
}

/** The stream of the results of `node`, with its late records beside it. */
function lateStreamOf<T, R>(record: ProgramRecord, node: KeyedNode): LateStream<T, R> {
  return new RecordedStream<R, T>(record, node, node);
}

/** A stream of `T`; behind a window, with late records of `L`. */
class RecordedStream<T, L> implements LateStream<L, T> {
  readonly #record: ProgramRecord;
  readonly #node: ProgramNode;
  readonly #lateOf: KeyedNode | undefined;

  constructor(record: ProgramRecord, node: ProgramNode, lateOf: KeyedNode | undefined) {
    this.#record = record;
    this.#node = node;
    this.#lateOf = lateOf;
  }

  timestamps(of: ((value: T) => number) | IngestionTime, options: TimestampsOptions<T> = {}): Stream<T> {
    const input = this.#node;
    const idleTimeoutMs = this.#record.checked(input, () => resolveIdleTimeout(options), idleTimeoutMsDefault);
    const maxDriftMs = this.#record.checked(input, () => resolveMaxDrift(options), undefined);
    const driftGroup = this.#record.checked(input, () => resolveDriftGroup(options), undefined);
    const factory = this.#checked(() => timestampsOf(of, options));
    const needsStoredTimes = typeof of !== "function";
    const node = {
      kind: "timestamps",
      input,
      factory,
      idleTimeoutMs,
      maxDriftMs,
      driftGroup,
      needsStoredTimes,
    } as const;
    return this.#then(this.#record.add(node));
  }

  map<U>(change: (value: T) => U): Stream<U> {
    return this.#chain(mapOperator(change as Untyped), false);
  }

  filter<U extends T>(keep: (value: T) => boolean): Stream<U> {
    return this.#chain(filterOperator(keep as Untyped), true);
  }

  flatMap<U>(change: (value: T) => Outputs<U>): Stream<U> {
    return this.#chain(flatMapOperator(change as Untyped), false);
  }

  mapAsync<U>(call: (value: T, context: CallContext) => U | PromiseLike<U>, options: AsyncOptions = {}): Stream<U> {
    return this.#chain(
      this.#checked(() => asyncMap(call, options)),
      false,
    );
  }

  mapBatch<U>(batch: BatchFunction<T, U> | BatchModel<T, U>, options: BatchOptions = {}): Stream<U> {
    return this.#chain(
      this.#checked(() => batchMap(batch, options)),
      false,
    );
  }

  keyBy<const K extends Key>(key: (value: T) => K, options: KeyByOptions = {}): KeyedStream<K, T> {
    const input = this.#node;
    const partitions = this.#record.checked(input, () => resolvePartitions(options), undefined);
    const threads = this.#record.checked(input, () => resolveThreads(options), undefined);
    const own: InputPart = { input: { input, exchange: "keyed", key: key as KeySelector }, partitions, threads };
    return new RecordedKeyedStream<K, T>(this.#begin(own), own);
  }

  windowAll(assigner: WindowAssigner<T>): RecordedWindowedStream<"all", T> {
    const own: InputPart = { input: { input: this.#node, exchange: "keyed", key: () => "all" }, partitions: 1 };
    return new RecordedWindowedStream<"all", T>(this.#begin(own), { assigner, isKeyed: false });
  }

  broadcast(): BroadcastStream<T> {
    return new RecordedBroadcast<T>(this.#node);
  }

  split<P extends Branches<T>>(branches: P): { readonly [N in keyof P]: Stream<BranchOf<T, P[N]>> } {
    const factory = this.#checked(() => splitOperator(branches as Readonly<Record<string, Branch>>));
    const node = this.#record.add({ kind: "chained" as const, input: this.#node, factory, keepsValues: true });
    const names = Object.keys(branches);
    const sides = names.map((name) => [name, this.#then(this.#record.add({ kind: "side", input: node, name }))]);
    return Object.fromEntries(sides) as { readonly [N in keyof P]: Stream<BranchOf<T, P[N]>> };
  }

  union<S extends readonly Stream<unknown>[]>(...others: S): Stream<T | ValueOf<S[number]>> {
    const nodeOf = (other: unknown) =>
      this.#record.checked(this.#node, () => RecordedStream.#nodeOf(other), this.#node);
    const inputs = [this.#node, ...others.map((other) => nodeOf(other))];
    return this.#then(this.#record.add({ kind: "union", inputs }));
  }

  to(sink: SinkSpec<T>): Sink;
  to(feedback: Intake<T>): void;
  to(sink: SinkSpec<T> | Intake<T>): Sink {
    if (sink instanceof RecordedStream) return this.#sendBack(sink.#node);
    return new RecordedSink(
      this.#record,
      this.#record.add({ kind: "sink", input: this.#node, spec: sink as unknown as SinkSpec }),
    );
  }

  /** @throws nothing: a stream that is no feedback is refused with the plan */
  #sendBack(node: ProgramNode): Sink {
    const to = this.#record.checked(this.#node, () => feedbackBehind(node), undefined);
    const sent = to && this.#record.add({ kind: "sentBack", input: this.#node, to });
    return new RecordedSink(this.#record, sent ?? this.#node);
  }

  named(name: string): this {
    return this.#same(this.#record.add({ kind: "named", input: this.#node, name }));
  }

  encodedWith(codec: ValueCodec<T>): this {
    return this.#same(this.#record.add({ kind: "encoded", input: this.#node, codec }));
  }

  lateLeft<U>(): Stream<U> {
    return this.#lateOn(0);
  }

  lateRight<U>(): Stream<U> {
    return this.#lateOn(1);
  }

  late(): Stream<L> {
    return this.#lateOn(0);
  }

  #lateOn<U>(port: number): Stream<U> {
    const input = this.#record.checked(this.#node, () => windowBehind(this.#lateOf), undefined);
    return this.#then(input === undefined ? this.#node : this.#record.add({ kind: "late", input, port }));
  }

  /** A side output of the operator; behind `named`, too. */
  side<U>(name: string): Stream<U> {
    const input = this.#record.checked(this.#node, () => operatorWithSide(this.#lateOf, name), undefined);
    return this.#then(input === undefined ? this.#node : this.#record.add({ kind: "side", input, name }));
  }

  /** The operator that `say` answers; the plan is refused with what makes no sense in it. */
  #checked(say: () => OperatorFactory): OperatorFactory {
    return this.#record.checked(
      this.#node,
      say,
      mapOperator((value) => value),
    );
  }

  /** What begins a stage behind this stream. */
  #begin(own: InputPart): BeginStage {
    const place = this.#node;
    return (say, other) => {
      const factory = this.#checked(say);
      const parts = other === undefined ? [own] : [own, this.#record.checked(place, other, own)];
      const inputs = parts.map((part) => part.input);
      const partitions = this.#record.checked(place, () => commonPartitions(parts), undefined);
      const threads = mostThreads(parts);
      return lateStreamOf(this.#record, this.#record.add({ kind: "keyed", inputs, partitions, threads, factory }));
    };
  }

  #chain<U>(factory: OperatorFactory, keepsValues: boolean): Stream<U> {
    return this.#then(this.#record.add({ kind: "chained", input: this.#node, factory, keepsValues }));
  }

  #then<U>(node: ProgramNode): Stream<U> {
    return streamOf(this.#record, node);
  }

  /** The same records, with something said about them: what `this` promises is that `late` is still there. */
  #same(node: ProgramNode): this {
    return new RecordedStream<T, L>(this.#record, node, this.#lateOf) as this;
  }

  static #nodeOf(stream: unknown): ProgramNode {
    if (typeof stream === "object" && stream !== null && #node in stream) return stream.#node;
    throw new StreamError("PLAN_INVALID", "union: takes streams of the same job, and this is none");
  }
}

function feedbackBehind(node: ProgramNode): FeedbackNode {
  if (node.kind !== "feedback")
    throw new StreamError("PLAN_INVALID", "to: takes a sink, or a stream made by job.feedback, and this is neither");
  return node;
}

function windowBehind(node: KeyedNode | undefined): KeyedNode {
  if (node === undefined) throw new StreamError("PLAN_INVALID", "late: only windows have late records");
  return node;
}

function operatorWithSide(node: KeyedNode | undefined, name: string): KeyedNode {
  const { sides = [], kind } = node?.factory ?? {};
  if (node !== undefined && sides.includes(name)) return node;
  const known = sides.length === 0 ? "none are declared" : `declared are ${sides.join(", ")}`;
  throw new StreamError("PLAN_INVALID", `side: ${kind ?? "this stream"} has no side output ${name}; ${known}`);
}

function resolvePartitions(options: KeyByOptions): number | undefined {
  checkKnownOptions(options, ["partitions", "threads"], "keyBy");
  return options.partitions === undefined ? undefined : checkPartitions(options.partitions, "keyBy");
}

function resolveThreads({ threads }: KeyByOptions): number | undefined {
  return threads === undefined ? undefined : checkThreads(threads, "keyBy");
}

class RecordedKeyedStream<K extends Key, T> implements KeyedStream<K, T> {
  readonly #begin: BeginStage;
  readonly #own: InputPart;

  constructor(begin: BeginStage, own: InputPart) {
    this.#begin = begin;
    this.#own = own;
  }

  connect<U>(other: KeyedStream<Key, U> | BroadcastStream<U>): ConnectedStreams<K, T, U> & RuledStream<K, T, U> {
    const begin: BeginBoth = (say, part) => this.#begin(say, part) as never;
    const rules = RecordedBroadcast.partOf(other);
    const streams =
      rules === undefined ? connected(begin, () => keyedPart(other, "connect")) : ruled(begin, () => rules);
    return streams as ConnectedStreams<K, T, U> & RuledStream<K, T, U>;
  }

  intervalJoin<U, J extends JoinType>(
    other: KeyedStream<Key, U>,
    options: IntervalJoinOptions<J>,
  ): IntervalJoin<T, U, J> {
    return intervalJoin(this.#pairWith(other, "intervalJoin"), options);
  }

  join<U, J extends JoinType>(
    other: KeyedStream<Key, U>,
    options: JoinOptions<J> = {},
  ): { window(assigner: WindowAssigner<never>): WindowJoin<K, T, U, J> } {
    return windowJoin(this.#pairWith(other, "join"), options);
  }

  coGroup<U>(other: KeyedStream<Key, U>): { window(assigner: WindowAssigner<never>): CoGroup<K, T, U> } {
    return coGroup(this.#pairWith(other, "coGroup"));
  }

  #pairWith(other: unknown, what: string): Pair {
    return { begin: (say, part) => this.#begin(say, part) as never, other: () => keyedPart(other, what) };
  }

  /** The input that `stream` is; undefined when it is no keyed stream. */
  static partOf(stream: unknown): InputPart | undefined {
    return typeof stream === "object" && stream !== null && #own in stream ? stream.#own : undefined;
  }

  window(assigner: WindowAssigner<T>): RecordedWindowedStream<K, T> {
    return new RecordedWindowedStream<K, T>(this.#begin, { assigner, isKeyed: true });
  }

  reduce(combine: (soFar: T, value: T) => T): Stream<T> {
    return this.#begin(() => reduceOperator(combine as UntypedFold));
  }

  process<O1 = never, O2 = never, S extends States = {}, D extends Sides = {}>(
    functions: ProcessFunctions<K, T, S, O1, O2, D>,
  ): ProcessedStream<O1 | O2, D> {
    return this.#begin(() => processOperator(functions)) as unknown as ProcessedStream<O1 | O2, D>;
  }
}

/** The second input of `what`. @throws PLAN_INVALID when it is no keyed stream */
function keyedPart(other: unknown, what: string): InputPart {
  const part = RecordedKeyedStream.partOf(other);
  if (part === undefined)
    throw new StreamError("PLAN_INVALID", `${what}: takes a keyed stream of the same job, and this is none`);
  return part;
}

class RecordedSink implements Sink {
  readonly #record: ProgramRecord;
  readonly #node: ProgramNode;

  constructor(record: ProgramRecord, node: ProgramNode) {
    this.#record = record;
    this.#node = node;
  }

  named(name: string): Sink {
    return new RecordedSink(this.#record, this.#record.add({ kind: "named", input: this.#node, name }));
  }
}
