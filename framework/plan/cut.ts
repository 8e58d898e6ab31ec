/**
 * Cuts a program into stages: one per source, one per keyed operator, one per sink that writes for all (design, section 3).
 *
 * Owns where everything comes to stand. Goes through the program once, in program order, and remembers for each node the *exits* at which
 * its records come out.
 *
 * C1. A node behind several exits is copied to each of them: a union is no operator, and what follows it up to the next exchange stands in
 *     every branch.
 * C2. A node that several others take is one operator with several targets.
 * C3. An exchange takes every exit before it into the same next stage, one edge each; a stream united with itself has two.
 * C4. A source stage makes watermarks in one place: where the program says, or else where the source's own timestamps are taken.
 * C5. A source stage holds no sink: a sink may refuse a row after the turn, and only an instance with an inbox can read that again. For the same reason
 *     it makes no calls, and takes no batches (R14): a forward exchange stands before them.
 * C6. A feedback stream is a stage of its own, which waits for what comes over a forward exchange from further down.
 */
import { invariant, StreamError } from "../errors.ts";
import type { OperatorFactory } from "../operator/contract.ts";
import { checkName } from "../log/names.ts";
import { knowsStoredTimes } from "../log/source.ts";
import { feedbackOperator } from "../operator/feedback.ts";
import { timestampsOperator } from "../operator/timestamps.ts";
import type { ValueCodec } from "../record/codec.ts";
import { wordsFor } from "./check.ts";
import { type EdgeExchange, StageDrafts, type StageDraft } from "./drafts.ts";
import type { Naming } from "./naming.ts";
import type { ResolvedJobOptions } from "./options.ts";
import type { Edge, Stage, Target } from "./plan.ts";
import {
  type ChainedNode,
  type FeedbackNode,
  inputsOf,
  type KeyedNode,
  type LateNode,
  type NamedThing,
  type Program,
  type ProgramNode,
  type SentBackNode,
  type SideNode,
  type SourceNode,
  type TimestampsNode,
  type ToNode,
} from "./program.ts";

/** Where the records of a node come out. */
interface Exit {
  readonly stage: StageDraft;
  /** Where they go from here; what follows adds itself. */
  readonly targets: Target[];
  /** How they travel over an exchange. */
  readonly codec: ValueCodec | undefined;
  /** Whether they have timestamps, and event time goes on here. */
  readonly time: EventTime;
}

/** Where the side outputs of an operator come out, by their names. */
interface SideExit extends Omit<Exit, "targets"> {
  readonly sides: Record<string, Target[]>;
}

/** What is missing for event time, and why; undefined: it is there. */
interface EventTime {
  readonly noTimestamps: string | undefined;
  readonly noWatermarks: string | undefined;
}

/** What may wait to go round again in each partition, in inboxes: when sources are told to wait, what stands in others may still come. */
const feedbackInboxes = 4;

const complete: EventTime = { noTimestamps: undefined, noWatermarks: undefined };

/** Cuts `program`, whose order and use have been checked, into stages. @throws PLAN_INVALID */
export function cut(
  program: Program,
  naming: Naming,
  options: ResolvedJobOptions,
): { readonly stages: readonly Stage[]; readonly edges: readonly Edge[] } {
  const cutter = new Cutter(program, naming, options);
  for (const node of program.nodes) cutter.place(node);
  return cutter.finish();
}

class Cutter {
  readonly #place: string;
  readonly #naming: Naming;
  readonly #partitions: number;
  readonly #inboxBytes: number;
  readonly #drafts = new StageDrafts();
  readonly #exits = new Map<ProgramNode, readonly Exit[]>();
  /** By port. */
  readonly #lateExits = new Map<KeyedNode, readonly Exit[]>();
  readonly #sideExits = new Map<KeyedNode | ChainedNode, SideExit[]>();
  readonly #feedbackStages = new Map<FeedbackNode, StageDraft>();
  readonly #placed = new Set<NamedThing>();
  /** Source stages that make watermarks (C4). */
  readonly #timed = new Set<StageDraft>();
  /** The first source of each group whose splits wait for each other. */
  readonly #groups = new Map<string, StageDraft>();
  /** Sources whose timestamps the program takes itself. */
  readonly #overridden: ReadonlySet<SourceNode>;

  constructor(program: Program, naming: Naming, options: ResolvedJobOptions) {
    this.#place = `job "${program.name}"`;
    this.#naming = naming;
    this.#partitions = options.partitions;
    this.#inboxBytes = options.inboxBytes;
    const takers = program.nodes.filter(({ kind }) => kind === "timestamps");
    this.#overridden = new Set(takers.flatMap((node) => sourcesOf(node)));
  }

  place(node: ProgramNode): void {
    this.#exits.set(node, this.#exitsOf(node));
  }

  finish(): { readonly stages: readonly Stage[]; readonly edges: readonly Edge[] } {
    return this.#drafts.finish();
  }

  #exitsOf(node: ProgramNode): readonly Exit[] {
    switch (node.kind) {
      case "source":
        return [this.#source(node)];
      case "feedback":
        return [this.#feedback(node)];
      case "sentBack":
        this.#sendBack(node);
        return [];
      case "chained":
        return this.#inlets(node).map((exit) => this.#chain(node, exit));
      case "timestamps":
        return this.#before(node).map((exit) => this.#takeTimestamps(node, exit));
      case "keyed":
        return [this.#exchange(node)];
      case "union":
      case "named":
        return this.#before(node);
      case "encoded":
        return this.#before(node).map((exit) => ({ ...exit, codec: node.codec }));
      case "late":
        return [this.#late(node)];
      case "side":
        return this.#sides(node);
      case "sink":
        this.#sink(node);
        return [];
    }
  }

  #before(node: ProgramNode): readonly Exit[] {
    return inputsOf(node).flatMap((input) => this.#exits.get(input) ?? []);
  }

  #source(node: SourceNode): Exit {
    const isIngress = node.spec.reader.kind === "push";
    const stage = this.#drafts.begin({ name: this.#nameOf(node), source: node.spec, isIngress, partitions: 0 });
    const missing = `records of source "${node.name}" have no timestamps: put .timestamps(…) directly behind it`;
    const time: EventTime = { noTimestamps: missing, noWatermarks: missing };
    const exit: Exit = { stage, targets: stage.entry, codec: undefined, time };
    const { timestamps } = node.spec;
    if (timestamps === undefined || this.#overridden.has(node)) return exit;
    const { idleTimeoutMs } = stage;
    const factory = timestampsOperator({
      of: (value: unknown) => timestamps.of(value),
      outOfOrdernessMs: timestamps.outOfOrdernessMs,
    });
    return this.#takeTimestamps(
      { kind: "timestamps", input: node, factory, idleTimeoutMs, maxDriftMs: undefined, needsStoredTimes: false },
      exit,
    );
  }

  /** C6. Whether its records have timestamps is known only further down; event time does not come from here. */
  #feedback(node: FeedbackNode): Exit {
    const name = this.#nameOf(node);
    const feedbackBytes = node.bytes ?? feedbackInboxes * this.#inboxBytes;
    if (!Number.isSafeInteger(feedbackBytes) || feedbackBytes < this.#inboxBytes)
      this.#refuse(
        `feedback stream "${name}": bytes is ${feedbackBytes}; it takes an integer from inboxBytes on, ${this.#inboxBytes}`,
      );
    const stage = this.#drafts.begin({ name, partitions: this.#partitions, feedbackBytes });
    this.#feedbackStages.set(node, stage);
    const { outputs } = this.#drafts.addOperator(stage, stage.entry, { name, factory: feedbackOperator() });
    return { stage, targets: outputs, codec: undefined, time: complete };
  }

  #sendBack({ input, to }: SentBackNode): void {
    const stage = this.#feedbackStages.get(to);
    invariant(stage !== undefined, `${wordsFor(to)} has no stage`);
    for (const inlet of this.#exits.get(input) ?? [])
      this.#connect(inlet, stage, { exchange: "forward", key: undefined });
  }

  /** Where the records of a chained operator come from: behind a forward exchange where a source stage cannot hold it (C5). */
  #inlets(node: ChainedNode): readonly Exit[] {
    const inlets = this.#before(node);
    const fromSources = inlets.filter(({ stage }) => stage.source !== undefined);
    if (node.factory.needsInbox !== true || fromSources.length === 0) return inlets;
    const stage = this.#drafts.begin({ name: this.#nameOf(node), partitions: this.#partitions });
    for (const inlet of fromSources) this.#connect(inlet, stage, { exchange: "forward", key: undefined });
    const time = commonTime(fromSources);
    const behind: Exit = { stage, targets: stage.entry, codec: commonCodec(fromSources), time };
    return [behind, ...inlets.filter((inlet) => !fromSources.includes(inlet))];
  }

  #chain(node: ChainedNode, exit: Exit): Exit {
    // The stage that the operator begins has its name.
    const name =
      exit.targets === exit.stage.entry && exit.stage.source === undefined ? exit.stage.name : this.#nameOf(node);
    this.#checkTime(node.factory, name, exit.time);
    const { outputs, sides } = this.#drafts.addOperator(exit.stage, exit.targets, { name, factory: node.factory });
    const time = timeBehind(node.factory, name, exit.time);
    const behind: Exit = { ...exit, targets: outputs, codec: node.keepsValues ? exit.codec : undefined, time };
    this.#addSides(node, { ...behind, sides });
    return behind;
  }

  /** C4. */
  #takeTimestamps(node: TimestampsNode, exit: Exit): Exit {
    const { stage } = exit;
    if (stage.source === undefined) {
      this.#refuse(
        `timestamps behind the exchange into stage "${stage.name}": event time begins where records are read; ` +
          "put .timestamps(…) directly behind the source",
      );
    }
    if (this.#timed.has(stage)) {
      this.#refuse(
        `source "${stage.name}" is given timestamps twice, in one path or in two branches: its watermark is one; ` +
          "put one .timestamps(…) directly behind the source, before its branches",
      );
    }
    if (node.needsStoredTimes && stage.source !== undefined && !knowsStoredTimes(stage.source)) {
      this.#refuse(
        `ingestionTime() at source "${stage.name}": ${stage.source.description} does not say when a record was stored, so a replay would give it ` +
          "another time; put the records into a JetStream stream first, or take timestamps from them",
      );
    }
    const operator = { name: this.#nameOf(node), factory: node.factory };
    const { outputs } = this.#drafts.addOperator(stage, exit.targets, operator);
    this.#timed.add(stage);
    stage.idleTimeoutMs = node.idleTimeoutMs;
    stage.maxDriftMs = node.maxDriftMs;
    this.#joinGroup(stage, node);
    return { ...exit, targets: outputs, time: complete };
  }

  #joinGroup(stage: StageDraft, { driftGroup, maxDriftMs }: TimestampsNode): void {
    stage.driftGroup = driftGroup;
    if (driftGroup === undefined) return;
    checkName(driftGroup, `source "${stage.name}", timestamps: driftGroup`);
    const first = this.#groups.get(driftGroup) ?? stage;
    this.#groups.set(driftGroup, first);
    if (first.maxDriftMs === maxDriftMs) return;
    const drifts = `source "${first.name}" says ${first.maxDriftMs} ms, source "${stage.name}" ${maxDriftMs} ms`;
    this.#refuse(`the splits of a driftGroup have one maxDrift: in "${driftGroup}", ${drifts}`);
  }

  /** C3. */
  #exchange(node: KeyedNode): Exit {
    const ports = node.inputs.map(({ input }) => this.#exits.get(input) ?? []);
    const inlets = ports.flat();
    const name = this.#nameOf(node);
    const time = commonTime(inlets);
    this.#checkTime(node.factory, name, time);
    const stage = this.#drafts.begin({
      name,
      partitions: node.partitions ?? this.#partitions,
      threads: node.threads,
    });
    const operator = this.#drafts.addOperator(stage, stage.entry, { name, factory: node.factory });
    for (const [port, { exchange, key }] of node.inputs.entries()) {
      for (const inlet of ports[port] ?? []) this.#connect(inlet, stage, { exchange, key, port });
    }
    stage.lateCodec = commonCodec(inlets);
    const late = ports.map((exits, port): Exit => {
      const targets = (operator.late[port] ??= []);
      return { stage, targets, codec: commonCodec(exits), time };
    });
    this.#lateExits.set(node, late);
    const behind = { stage, codec: undefined, time: timeBehind(node.factory, name, time) };
    this.#addSides(node, { ...behind, sides: operator.sides });
    return { ...behind, targets: operator.outputs };
  }

  #late({ input, port }: LateNode): Exit {
    const exit = this.#lateExits.get(input)?.[port];
    invariant(exit !== undefined, `${wordsFor(input)} has no stage, or no input ${port}`);
    return exit;
  }

  /** A copy of an operator (C1) has sides of its own. */
  #addSides(node: KeyedNode | ChainedNode, exit: SideExit): void {
    const exits = this.#sideExits.get(node) ?? [];
    exits.push(exit);
    this.#sideExits.set(node, exits);
  }

  #sides({ input, name }: SideNode): readonly Exit[] {
    return (this.#sideExits.get(input) ?? []).map(({ sides, ...exit }) => ({ ...exit, targets: (sides[name] ??= []) }));
  }

  #sink(node: ToNode): void {
    if (node.spec.placement === "global") this.#globalSink(node);
    else this.#chainedSink(node);
  }

  #globalSink(node: ToNode): void {
    const name = this.#nameOf(node);
    const stage = this.#drafts.begin({ name, partitions: 1 });
    stage.entry.push({ kind: "sink", sink: this.#addSink(stage, node, name) });
    for (const inlet of this.#before(node)) this.#connect(inlet, stage, { exchange: "global", key: undefined });
  }

  /** In each stage once, however many branches lead to it there; for all source stages together in a stage of its own (C5). */
  #chainedSink(node: ToNode): void {
    const inlets = this.#before(node);
    const fromSources = inlets.filter(({ stage }) => stage.source !== undefined);
    if (fromSources.length > 0) this.#forwardedSink(node, fromSources);
    const sinks = new Map<StageDraft, number>();
    for (const { stage, targets } of inlets.filter((inlet) => !fromSources.includes(inlet))) {
      const sink = sinks.get(stage) ?? this.#addSink(stage, node, this.#nameOf(node));
      sinks.set(stage, sink);
      targets.push({ kind: "sink", sink });
    }
  }

  #forwardedSink(node: ToNode, inlets: readonly Exit[]): void {
    const stage = this.#drafts.begin({ name: this.#naming.stageOf(node), partitions: this.#partitions });
    stage.entry.push({ kind: "sink", sink: this.#addSink(stage, node, this.#nameOf(node)) });
    for (const inlet of inlets) this.#connect(inlet, stage, { exchange: "forward", key: undefined });
  }

  #addSink(stage: StageDraft, node: ToNode, name: string): number {
    return this.#drafts.addSink(stage, { name, label: this.#naming.labelOf(node), spec: node.spec });
  }

  #connect(inlet: Exit, to: StageDraft, exchange: EdgeExchange): void {
    const edge = this.#drafts.connect(inlet.stage, to, exchange, inlet.codec);
    inlet.targets.push({ kind: "edge", edge });
  }

  #checkTime(factory: OperatorFactory, name: string, { noTimestamps, noWatermarks }: EventTime): void {
    const missing = noTimestamps ?? noWatermarks;
    if (!factory.eventTime || missing === undefined) return;
    const what = factory.description === "" ? `"${name}"` : `"${name}" (${factory.description})`;
    this.#refuse(`operator ${what} works in event time, but ${missing}, or use processing time`);
  }

  /** The first place where a node stands has its name; copies have their own (C1). */
  #nameOf(node: NamedThing): string {
    const isCopy = this.#placed.has(node);
    this.#placed.add(node);
    return isCopy ? this.#naming.another(node) : this.#naming.of(node);
  }

  #refuse(problem: string): never {
    throw new StreamError("PLAN_INVALID", `${this.#place}: ${problem}`);
  }
}

/** The sources that `node` reads without an exchange in between. */
function sourcesOf(node: ProgramNode): readonly SourceNode[] {
  if (node.kind === "source") return [node];
  if (node.kind === "keyed" || node.kind === "late") return [];
  return inputsOf(node).flatMap((input) => sourcesOf(input));
}

/** The event time of outputs: only a source makes watermarks, but operators may lose timestamps, or set them. */
function timeBehind({ outputTimestamps }: OperatorFactory, name: string, before: EventTime): EventTime {
  if (outputTimestamps === "same") return before;
  const lost = `outputs of "${name}" have no timestamps: use event time there`;
  return { ...before, noTimestamps: outputTimestamps === "always" ? undefined : lost };
}

/** What is missing in one of the branches is missing behind them all. */
function commonTime(exits: readonly Exit[]): EventTime {
  const firstOf = (reasons: readonly (string | undefined)[]): string | undefined =>
    reasons.find((reason) => reason !== undefined);
  return {
    noTimestamps: firstOf(exits.map(({ time }) => time.noTimestamps)),
    noWatermarks: firstOf(exits.map(({ time }) => time.noWatermarks)),
  };
}

/** The codec that all exits agree on. */
function commonCodec(exits: readonly Exit[]): ValueCodec | undefined {
  const codecs = new Set(exits.map(({ codec }) => codec));
  return codecs.size === 1 ? exits[0]?.codec : undefined;
}
