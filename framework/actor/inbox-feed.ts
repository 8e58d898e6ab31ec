/**
 * An inbox as a feed: messages in the order of the log, each one turn.
 *
 * Owns the receiving ends of the instance's channels and the clocks of its edges. What it decides is a pure function of the messages read.
 *
 * R2. Records are accepted once and in order, per channel.
 * R8. Sequences have no holes; the log is still the one the pointer knows.
 * R10. A watermark is applied fully before it counts.
 * R11. Rolling checks agree at every section.
 * R2 also holds for dead letters that are given again: each is taken once, whoever asks, and however often.
 * R17. A savepoint has been come to when the drains of all edges have been read, and no request is pending: a function of the messages read.
 * R14. Event time counts when the requests before it have gone; while more wait than may, what has been read stays in the log.
 */
import { StreamError, invariant, messageOf } from "../errors.ts";
import type { Entry, Log, LogReader, ReadBroken } from "../log/contracts.ts";
import type { KeySelector } from "../operator/contract.ts";
import type { StageProgram } from "../operator/program.ts";
import { innerInputs, isTimeless } from "../plan/loops.ts";
import type { Edge, Plan, Stage } from "../plan/plan.ts";
import { decideNext } from "../protocol/read.ts";
import { TakenNumbers } from "../protocol/redelivery.ts";
import { ChannelIn, decideReceive, verifyCheck } from "../protocol/receive.ts";
import { EdgeClocks } from "../protocol/watermark.ts";
import { programTime } from "../protocol/loop-end.ts";
import { rollCheck } from "../record/check.ts";
import { decodeMessage, type InboxMessage, type Records, type Section } from "../record/frame.ts";
import { checkKey, hashKey, type Key } from "../record/key.ts";
import { defaultCodec } from "../record/default-codec.ts";
import type { CallResult, EpochStart, Redelivery, Refusal, WatermarkControl } from "../record/messages.ts";
import type { Manifest } from "../record/snapshot-record.ts";
import type { Feed, FeedEvents, FeedLook, FeedState, TurnResult } from "./feed.ts";
import { anchorOf, verifyInbox } from "./inbox-check.ts";
import { keyAgain } from "./key-again.ts";
import { TrimMarks } from "./trim-marks.ts";

/** Timers and windows fired before the event loop gets a chance. */
const stepsPerSlice = 256;

/** Whose inbox it is. */
export interface InboxOwner {
  readonly plan: Plan;
  readonly stage: Stage;
  readonly partition: number;
  readonly epoch: number;
}

/** Reads an inbox. */
export class InboxFeed implements Feed {
  readonly #owner: InboxOwner;
  readonly #log: Log;
  readonly #program: StageProgram;
  readonly #events: FeedEvents;
  readonly #clocks: EdgeClocks;
  /** Edges that come from the instance's own loop. */
  readonly #loopInputs: ReadonlySet<number>;
  readonly #channels = new Map<number, ChannelIn[]>();
  readonly #refused = new Map<string, number>();
  readonly #redelivered = new TakenNumbers();
  #reader: LogReader | undefined;
  #pending: { readonly message: InboxMessage; readonly entry: Entry } | undefined;
  #firing: "watermark" | "tick" | "settling" | undefined;
  /** What the turn comes to when everything has settled. */
  #settlesAs: TurnResult = "turned";
  readonly #marks: TrimMarks | undefined;
  #position = 0;
  #anchor = 0;
  #storedAtMs = 0;
  #watermark = -Infinity;
  #bytesRead = 0;
  /** Keys of the section being processed. */
  readonly #keys: Key[] = [];

  constructor(owner: InboxOwner, log: Log, program: StageProgram, events: FeedEvents) {
    this.#owner = owner;
    this.#log = log;
    this.#program = program;
    this.#events = events;
    const { inputs } = owner.stage;
    const { edges } = owner.plan;
    this.#clocks = new EdgeClocks(
      inputs,
      inputs.filter((input) => isTimeless(edges[input] ?? {})),
    );
    this.#loopInputs = innerInputs(owner.plan, owner.stage);
    for (const edge of owner.stage.inputs) this.#channels.set(edge, []);
    this.#marks = program.isDeferring ? new TrimMarks() : undefined;
  }

  get identity(): string {
    return String(this.#log.createdMs);
  }
  get position(): number {
    return this.#position;
  }
  get watermark(): number {
    // G6. The operators of a loop may have come to the end before the loop has.
    return this.#program.isDeferring ? Math.min(this.#program.watermark, this.#watermark) : this.#watermark;
  }
  get isEnded(): boolean {
    return this.watermark === Infinity;
  }
  get isQuiet(): boolean {
    return this.#clocks.isIdle && this.hasReadEverything && !this.#isWaiting;
  }
  get hasReadEverything(): boolean {
    return this.#pending === undefined && this.#firing === undefined && (this.#reader?.buffered.messages ?? 0) === 0;
  }
  get isHoldingBack(): boolean {
    return this.#marks !== undefined && this.#program.pending.bytes > this.#owner.plan.options.snapshotBytes;
  }
  get drained(): number {
    return this.#firing === undefined && !this.#isWaiting ? this.#clocks.drained : 0;
  }
  get bytesRead(): number {
    return this.#bytesRead;
  }

  async open(manifest: Manifest | undefined): Promise<void> {
    const sequence = manifest?.sequence ?? 0;
    const checked = verifyInbox(this.#log, sequence, manifest?.anchor ?? 0);
    // What follows is on its way while the place is being verified; no turn is taken before, and what is wrong with the place is said first.
    const reader = this.#log.read({
      from: sequence + 1,
      onReadable: () => this.#events.onReadable(),
      onBroken: (reason) => {
        checked.then(
          () => this.#onBroken(reason),
          () => undefined,
        );
      },
    });
    try {
      const info = await checked;
      if (manifest !== undefined) this.#restore(manifest);
      this.#marks?.begin(info, sequence);
      this.#reader = reader;
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  turn(mayLeaveIdle: boolean): TurnResult {
    if (this.#firing !== undefined) return this.#goOn();
    const next = this.#pending ?? this.#take();
    if (next === undefined) return "empty";
    if (!mayLeaveIdle && next.message.kind !== "watermark" && next.message.kind !== "epochStart") {
      this.#pending = next;
      return "gated";
    }
    this.#pending = undefined;
    return this.#process(next.message, next.entry);
  }

  mayReadTo(): void {
    // Splits alone are aligned.
  }

  loop(): { readonly taken: number; readonly outside: number } {
    let taken = 0;
    for (const edge of this.#loopInputs)
      for (const channel of this.#channels.get(edge) ?? []) taken += channel?.last ?? 0;
    return { taken, outside: this.#clocks.drainedBeside(this.#loopInputs) };
  }

  endInput(): void {} // An inbox ends when its edges have ended; `drain` speaks to sources only.

  state(): FeedState {
    const channelsIn = [];
    for (const [edge, channels] of this.#channels) {
      for (const [from, channel] of channels.entries()) {
        if (channel !== undefined)
          channelsIn.push({ edge, from, epoch: channel.epoch, last: channel.last, check: channel.check });
      }
    }
    return {
      sequence: this.#position,
      anchor: this.#anchor,
      storedAtMs: this.#storedAtMs,
      leader: this.#clocks.leader,
      watermark: this.#watermark,
      channelsIn,
      edges: this.#clocks.states(),
      redelivered: this.#redelivered.ranges,
      refused: Object.fromEntries(this.#refused),
    };
  }

  async trim(sequence: number): Promise<void> {
    const target = this.isHoldingBack ? await this.#heldTarget(sequence) : sequence;
    if (target === undefined) return;
    this.#marks?.trimmed(target);
    await this.#log.trim(target);
  }

  async look(): Promise<FeedLook> {
    const { last, bytes } = await this.#log.info();
    return { lag: Math.max(0, last - this.#position), bytes };
  }

  close(): void {
    this.#reader?.close();
  }

  /** R14: data stays at its limit, so that senders wait; what is beyond it makes room for the instance's own results. */
  async #heldTarget(sequence: number): Promise<number | undefined> {
    const { bytes } = await this.#log.info();
    return this.#marks?.within(bytes - this.#owner.plan.options.inboxBytes, sequence);
  }

  #restore(manifest: Manifest): void {
    this.#position = manifest.sequence;
    this.#anchor = manifest.anchor;
    this.#storedAtMs = manifest.storedAtMs;
    this.#watermark = manifest.watermark;
    this.#clocks.restore(manifest.edges, manifest.leader);
    this.#redelivered.restore(manifest.redelivered);
    for (const { sink, refused } of manifest.sinks) this.#refused.set(sink, refused);
    for (const state of manifest.channelsIn) {
      const channel = this.#channel(state.edge, state.from);
      channel.epoch = state.epoch;
      channel.last = state.last;
      channel.check = state.check;
    }
  }

  #onBroken(reason: ReadBroken): void {
    const { expected, first, last, createdMs } = reason;
    const what = `inbox ${this.#log.name}: expected message ${expected}, the log has ${first} to ${last}, created ${createdMs} (known: ${this.#log.createdMs})`;
    this.#events.onFailed(new StreamError("DATA_LOST", what));
  }

  #take(): { message: InboxMessage; entry: Entry } | undefined {
    const entry = this.#reader?.take();
    if (entry === undefined) return undefined;
    decideNext(this.#log.name, this.#position, entry.sequence);
    return { entry, message: this.#decode(entry) };
  }

  #decode(entry: Entry): InboxMessage {
    try {
      return decodeMessage(entry.payload);
    } catch (error) {
      const what = `inbox ${this.#log.name}, message ${entry.sequence}: ${messageOf(error)}`;
      throw new StreamError("CORRUPT", what, { cause: error });
    }
  }

  #process(message: InboxMessage, entry: Entry): TurnResult {
    const { payload, sequence, storedAtMs } = entry;
    this.#storedAtMs = storedAtMs;
    this.#program.setNow(storedAtMs);
    this.#bytesRead += payload.byteLength;
    this.#anchor = anchorOf(payload);
    this.#position = sequence;
    if (this.#program.isDeferring) this.#program.beginTurn(sequence);
    const result = this.#settled(this.#apply(message));
    this.#marks?.read(sequence, payload.byteLength);
    return result;
  }

  /** Whether something is still to come of what has been read. */
  get #isWaiting(): boolean {
    return this.#program.isDeferring && this.#program.pending.requests > 0;
  }

  /** What the turn has come to, once everything that may go has gone (R14, batch turns). */
  #settled(result: TurnResult): TurnResult {
    if (!this.#program.isDeferring || result === "unfinished") return result;
    const settled = this.#program.settle(stepsPerSlice);
    this.#firing = settled === "done" ? undefined : "settling";
    this.#settlesAs = result;
    return settled === "done" ? result : settled;
  }

  #goOn(): TurnResult {
    return this.#settled(this.#firing === "settling" ? this.#settlesAs : this.#fire());
  }

  #apply(message: InboxMessage): TurnResult {
    switch (message.kind) {
      case "frame":
        for (const section of message.sections) this.#section(section);
        return "turned";
      case "epochStart":
        return this.#epochStart(message);
      case "watermark":
        return this.#control(message);
      case "tick":
        this.#firing = "tick";
        return this.#fire();
      case "refusal":
        return this.#refusal(message);
      case "results":
        return this.#results(message.results);
      case "redelivery":
        return this.#redelivery(message);
    }
  }

  #section(section: Section): void {
    const edge = this.#edge(section.edge);
    const channel = this.#channel(section.edge, section.from);
    const decision = decideReceive(channel, section);
    if (decision.kind === "stale") return;
    if (section.epoch > channel.epoch) this.#adopt(section.edge, channel, section.epoch);
    if (decision.kind === "gap" || decision.kind === "duplicate") return;
    this.#accept(edge, channel, section, decision.skip);
  }

  #accept(edge: Edge, channel: ChannelIn, section: Section, skip: number): void {
    if (this.#clocks.hasEnded(edge.index)) this.#loseEnded(edge, section);
    const records: Records = section.decode(edge.codec);
    const { values, timestamps } = records;
    let check = section.check;
    for (let i = 0; i < skip; i += 1) {
      const hash = edge.key === undefined ? 0 : hashKey(checkKey(edge.key(values[i])));
      check = rollCheck(check, hash, timestampAt(timestamps, i));
    }
    verifyCheck(
      check,
      channel.check,
      `${edge.name} from ${section.from} to ${this.#owner.partition}, record ${channel.last}`,
    );
    const program = this.#program;
    program.input = edge.index;
    const keys = edge.key === undefined ? undefined : this.#lookAhead(edge.key, values);
    if (keys === undefined) program.selectNone();
    for (let i = skip; i < section.count; i += 1) {
      const timestamp = timestampAt(timestamps, i);
      const hash = keys === undefined ? 0 : program.selectAhead(keys[i]!, i);
      check = rollCheck(check, hash, timestamp);
      program.process(values[i], timestamp);
    }
    channel.last = section.first + section.count - 1;
    channel.check = check;
  }

  #lookAhead(key: KeySelector, values: readonly unknown[]): readonly Key[] {
    const keys = this.#keys;
    keys.length = values.length;
    for (let i = 0; i < values.length; i += 1) keys[i] = key(values[i]);
    this.#program.lookAhead(keys);
    return keys;
  }

  /** R8: an edge ends when everything said over it is here (R10). What is new after that was here before. */
  #loseEnded({ name }: Edge, { from, first }: Section): never {
    const what = `record ${first} of ${name} from ${from} comes after the edge has ended`;
    throw new StreamError("DATA_LOST", `inbox ${this.#log.name}: ${what}: what was acknowledged before is gone`);
  }

  #epochStart({ instance, epoch, floors }: EpochStart): TurnResult {
    const { stage, partition, epoch: own, plan } = this.#owner;
    const isOwn = instance.stage === stage.index && instance.partition === partition;
    if (isOwn && epoch > own)
      throw new StreamError("FENCED", `${stage.name}/${partition}: epoch ${epoch} has started, this is ${own}`);
    for (const index of stage.inputs) {
      if (plan.edges[index]?.from !== instance.stage) continue;
      const channel = this.#channel(index, instance.partition);
      if (epoch > channel.epoch) this.#adopt(index, channel, epoch);
      this.#checkFloor(index, instance.partition, channel, floors.find(({ edge }) => edge === index)?.last ?? 0);
    }
    return isOwn && epoch === own ? "caughtUp" : "turned";
  }

  /** R8: what a sender's snapshot rests on was stored here before; it is not said again, so nobody else would notice that it is gone. */
  #checkFloor(edge: number, from: number, { last }: ChannelIn, floor: number): void {
    if (last >= floor) return;
    const name = this.#owner.plan.edges[edge]?.name ?? edge;
    const what = `record ${floor} of ${name} from ${from} was acknowledged, and the last one that is here is ${last}`;
    throw new StreamError("DATA_LOST", `inbox ${this.#log.name}: ${what}`);
  }

  #adopt(edge: number, channel: ChannelIn, epoch: number): void {
    channel.epoch = epoch;
    this.#clocks.adopt(edge, epoch);
  }

  #control(control: WatermarkControl): TurnResult {
    this.#clocks.control(control);
    if (this.#clocks.watermark <= this.#watermark) return "turned";
    this.#firing = "watermark";
    return this.#fire();
  }

  #results(results: readonly CallResult[]): TurnResult {
    for (const result of results) this.#program.answer(result);
    return "turned";
  }

  #fire(): TurnResult {
    const isDone =
      this.#firing === "watermark"
        ? this.#program.advanceTo(programTime(this.#owner.stage, this.#clocks.watermark), stepsPerSlice)
        : this.#program.tick(this.#program.now, stepsPerSlice);
    if (!isDone) return "unfinished";
    if (this.#firing === "watermark") this.#watermark = this.#clocks.watermark;
    this.#firing = undefined;
    return this.isEnded ? "ended" : "turned";
  }

  /** A row may be refused again by a later incarnation: its number tells. */
  #refusal({ sink, number, reason, value, timestamp }: Refusal): TurnResult {
    if (number <= (this.#refused.get(sink) ?? 0)) return "turned";
    this.#refused.set(sink, number);
    this.#program.rejectRow(sink, reason, defaultCodec.decode(value), Number.isNaN(timestamp) ? undefined : timestamp);
    return "turned";
  }

  /** An instance whose input has ended says nothing any more: the letter stays where it is. */
  #redelivery({ letter, edge: index, value, timestamp }: Redelivery): TurnResult {
    const edge = this.#edge(index);
    if (this.#watermark === Infinity || !this.#redelivered.take(letter)) return "turned";
    const record = defaultCodec.decode(value);
    const key = edge.key === undefined ? undefined : keyAgain(this.#owner, edge, edge.key, record);
    if (StreamError.is(key)) {
      this.#program.refuse(key, record);
      return "turned";
    }
    if (key === undefined) this.#program.selectNone();
    else this.#program.select(key);
    this.#program.input = index;
    this.#program.process(record, Number.isNaN(timestamp) ? undefined : timestamp);
    return "turned";
  }

  #edge(index: number): Edge {
    const edge = this.#owner.plan.edges[index];
    if (edge === undefined || !this.#channels.has(index)) {
      throw new StreamError("CORRUPT", `inbox ${this.#log.name}: a section of edge ${index}, which does not lead here`);
    }
    return edge;
  }

  #channel(edge: number, from: number): ChannelIn {
    const channels = this.#channels.get(edge);
    invariant(channels !== undefined, `edge ${edge} does not lead here`);
    return (channels[from] ??= new ChannelIn());
  }
}

function timestampAt(timestamps: Float64Array | undefined, index: number): number | undefined {
  const timestamp = timestamps?.[index];
  return timestamp === undefined || Number.isNaN(timestamp) ? undefined : timestamp;
}
