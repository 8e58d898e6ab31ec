/**
 * Everything an incarnation says: routes records to channels, rows to sinks, and knows what of it has been acknowledged.
 *
 * Owns the *ordinal*: the count of outputs of the incarnation, over all channels and sinks. A watermark or a cut remembers the ordinal at which
 * it was made and is passed when nothing at or below that ordinal is outstanding (H1, R10).
 *
 * R1. Routing is a pure function of the record and of the numbers given out before it.
 */
import { InvariantViolation, invariant } from "../errors.ts";
import type { DeadLetter, Outlet } from "../operator/outlet.ts";
import type { KeySelector } from "../operator/contract.ts";
import type { Edge, Plan, Stage } from "../plan/plan.ts";
import { checkKey, hashKey, partitionOf } from "../record/key.ts";
import type { ChannelOutState } from "../record/snapshot-record.ts";
import { ChannelOut, type ChannelLane } from "./channel-out.ts";
import { encodeDeadLetter } from "./dead-letter.ts";
import type { SinkQueue } from "./sink-queue.ts";

/** A lane as the outputs of an instance see it. */
export interface OutputLane extends ChannelLane {
  /** Whether its queue is below its bound; an instance takes no turn while one of its lanes has no room (R13). */
  readonly hasRoom: boolean;
  /** Whether the log that it leads into is so full that whoever feeds the loop should wait. */
  readonly isFilling: boolean;
  /** From here on, until it leaves, `onProgress` is called when acks have come (there may be room, and marks may have been passed), or `isFilling` has changed. */
  join(onProgress: () => void): void;
  leave(onProgress: () => void): void;
  /** A turn is over: send what should be sent. */
  offer(): void;
  /** An incarnation is gone: what it has not put into a frame is forgotten. */
  forget(channel: ChannelOut): void;
}

/** Finds the lane into an inbox, or into one of the job's own streams. */
export type FindLane = (to: number | "dead" | "late", partition: number) => OutputLane;

/** Who emits, and from where the numbers go on. */
export interface OutputsOrigin {
  readonly plan: Plan;
  readonly stage: Stage;
  readonly partition: number;
  readonly epoch: number;
  readonly channels: readonly ChannelOutState[];
}

/** Whose outputs they are. */
export interface OutputsOwner {
  /** The position being processed, for dead letters. */
  position(): number;
  /** A lane of theirs has been acknowledged something, theirs or not: there may be room, and marks may have been passed. */
  onProgress(): void;
}

interface EdgeOut {
  readonly edge: Edge;
  /** Of a keyed edge. */
  readonly key: KeySelector | undefined;
  readonly partitions: number;
  /** By receiving partition; made when first needed. */
  readonly channels: (ChannelOut | undefined)[];
}

/** The outputs of one incarnation. */
export class Outputs implements Outlet {
  readonly #origin: OutputsOrigin;
  readonly #findLane: FindLane;
  readonly #edges: (EdgeOut | undefined)[] = [];
  readonly #channels: ChannelOut[] = [];
  readonly #lanes = new Set<OutputLane>();
  /** Those of them whose room counts: not what is sent back (R13). */
  readonly #heeded = new Set<OutputLane>();
  readonly #sinks: readonly SinkQueue[];
  /** Channels and sinks that the current step has spoken to; the first `#touchedCount` count. */
  readonly #touched: (ChannelOut | SinkQueue)[] = [];
  #touchedCount = 0;
  #step = 0;
  readonly #owner: OutputsOwner;
  /** One function, so that each lane is joined once. */
  readonly #onProgress = () => this.#owner.onProgress();
  #ordinal = 0;
  #markOrdinal = 0;

  constructor(origin: OutputsOrigin, sinks: readonly SinkQueue[], findLane: FindLane, owner: OutputsOwner) {
    this.#owner = owner;
    this.#origin = origin;
    this.#sinks = sinks;
    this.#findLane = findLane;
    for (const state of origin.channels) this.#channel(this.#edgeOut(state.edge), state.to, state);
  }

  /** Count of outputs so far. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Everything up to this ordinal has been acknowledged (R3) or confirmed by its sink. */
  get acknowledged(): number {
    let first = this.#ordinal + 1;
    for (const channel of this.#channels) first = Math.min(first, channel.firstUnacknowledged);
    for (const sink of this.#sinks) first = Math.min(first, sink.firstUnacknowledged);
    return first - 1;
  }

  get hasRoom(): boolean {
    for (const lane of this.#heeded) if (!lane.hasRoom) return false;
    return this.#sinks.every((sink) => sink.hasRoom);
  }

  emit(edgeIndex: number, value: unknown, timestamp: number | undefined): void {
    const out = this.#edges[edgeIndex] ?? this.#edgeOut(edgeIndex);
    const { key, partitions } = out;
    if (key !== undefined) {
      const hash = hashKey(checkKey(key(value)));
      return this.#add(out, partitionOf(hash, partitions), value, timestamp, hash);
    }
    switch (out.edge.exchange) {
      case "forward":
        return this.#add(out, this.#origin.partition % partitions, value, timestamp, 0);
      case "global":
        return this.#add(out, 0, value, timestamp, 0);
      case "rebalance":
        return this.#add(out, (this.#origin.partition + this.#dealt(out)) % partitions, value, timestamp, 0);
      case "broadcast":
        for (let to = 0; to < partitions; to += 1) this.#add(out, to, value, timestamp, 0);
        return;
      case "keyed":
        throw new InvariantViolation(`edge ${out.edge.name} is keyed and has no key`);
    }
  }

  write(sinkIndex: number, value: unknown, timestamp: number | undefined): void {
    const sink = this.#sinks[sinkIndex];
    if (sink === undefined) throw new InvariantViolation(`stage ${this.#origin.stage.name} has no sink ${sinkIndex}`);
    if (sink.markedStep !== this.#step) this.#touch(sink);
    sink.add(value, timestamp, this.#ordinal + 1);
    this.#ordinal += 1;
  }

  deadLetter(letter: DeadLetter): void {
    const { stage, partition } = this.#origin;
    const value = encodeDeadLetter(letter, { stage: stage.name, partition, sequence: this.#owner.position() });
    this.#add(this.#edgeOut(stage.deadEdge), 0, value, letter.timestamp, 0);
  }

  /** A step begins (O1). */
  mark(): void {
    this.#step += 1;
    this.#touchedCount = 0;
    this.#markOrdinal = this.#ordinal;
  }

  /** The step threw: its outputs were never said. */
  undo(): void {
    for (let at = 0; at < this.#touchedCount; at += 1) this.#touched[at]?.undo();
    this.#ordinal = this.#markOrdinal;
    this.mark();
  }

  /** A turn is over: lanes and sinks may send. */
  flush(): void {
    for (const lane of this.#lanes) lane.offer();
    for (const sink of this.#sinks) sink.flush();
  }

  /** Records said so far over these edges. */
  saidOver(edges: ReadonlySet<number>): number {
    let sum = 0;
    for (const { identity, last } of this.#channels) if (edges.has(identity.edge)) sum += last;
    return sum;
  }

  /** Whether what is sent back finds no room, or soon will find none. */
  get isFedBackFull(): boolean {
    for (const lane of this.#lanes) if (!this.#heeded.has(lane) && (lane.isFilling || !lane.hasRoom)) return true;
    return false;
  }

  /** Where every channel stands, for the manifest. */
  states(): ChannelOutState[] {
    return this.#channels.map(({ identity, last, check }) => ({ edge: identity.edge, to: identity.to, last, check }));
  }

  /** The incarnation is gone. */
  close(): void {
    for (const channel of this.#channels) this.#laneOf(channel).forget(channel);
    for (const lane of this.#lanes) lane.leave(this.#onProgress);
  }

  #add(out: EdgeOut, to: number, value: unknown, timestamp: number | undefined, hash: number): void {
    const channel = out.channels[to] ?? this.#channel(out, to, { last: 0, check: 0 });
    if (channel.markedStep !== this.#step) this.#touch(channel);
    channel.add(value, timestamp, hash, this.#ordinal + 1);
    this.#ordinal += 1;
  }

  #touch(output: ChannelOut | SinkQueue): void {
    output.mark(this.#step);
    this.#touched[this.#touchedCount] = output;
    this.#touchedCount += 1;
  }

  /** Records dealt over a rebalanced edge so far: what its channels have given out together. */
  #dealt(out: EdgeOut): number {
    let sum = 0;
    for (const channel of out.channels) sum += channel?.last ?? 0;
    return sum;
  }

  #edgeOut(index: number): EdgeOut {
    const known = this.#edges[index];
    if (known !== undefined) return known;
    const edge = this.#origin.plan.edges[index];
    invariant(edge !== undefined, `the plan has no edge ${index}`);
    const partitions = typeof edge.to === "number" ? (this.#origin.plan.stages[edge.to]?.partitions ?? 0) : 1;
    invariant(partitions > 0, `edge ${edge.name} leads into a stage without partitions`);
    const key = edge.exchange === "keyed" ? edge.key : undefined;
    const out: EdgeOut = { edge, key, partitions, channels: [] };
    this.#edges[index] = out;
    return out;
  }

  #channel(out: EdgeOut, to: number, state: { readonly last: number; readonly check: number }): ChannelOut {
    const { partition, epoch } = this.#origin;
    const lane = this.#findLane(out.edge.to, to);
    const channel = new ChannelOut({ edge: out.edge.index, from: partition, to, epoch }, state, out.edge.codec, lane);
    out.channels[to] = channel;
    this.#channels.push(channel);
    this.#lanes.add(lane);
    lane.join(this.#onProgress);
    // Who waited for room in what is fed by itself would wait for ever.
    if (out.edge.eventTime !== "fedBack") this.#heeded.add(lane);
    return channel;
  }

  #laneOf(channel: ChannelOut): OutputLane {
    const edge = this.#edgeOut(channel.identity.edge).edge;
    return this.#findLane(edge.to, channel.identity.to);
  }
}
