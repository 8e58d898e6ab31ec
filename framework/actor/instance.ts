/**
 * One incarnation of an instance: the actor.
 *
 * Owns its lifecycle (the machine in `instance-machine.ts`), the loop that takes turns, and when a snapshot is taken. What a turn does is the
 * feed's and the program's business; what is said leaves through `Outputs`.
 *
 * A1. One turn at a time; between two turns nothing is half-done.
 * A2. No turn begins while a lane or a sink has no room (R13), nor before the claim is complete (R5).
 * A3. An error ends the incarnation, never the worker: the supervisor decides what follows.
 */
import { createActor, type ActorRefFrom } from "xstate";
import { StreamError, messageOf } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import { StageProgram } from "../operator/program.ts";
import type { Stage } from "../plan/plan.ts";
import type { Cancel } from "../platform/platform.ts";
import { decideBroken } from "../protocol/read.ts";
import { decideSnapshot } from "../protocol/snapshot.ts";
import { encodeControl } from "../record/frame.ts";
import type { InstanceId, Report } from "../record/messages.ts";
import type { Manifest, SnapshotRef } from "../record/snapshot-record.ts";
import { runDeterministically } from "../platform/determinism.ts";
import type { Feed, TurnResult } from "./feed.ts";
import type { InstanceHost } from "./host.ts";
import { InboxFeed } from "./inbox-feed.ts";
import { ingressSource, startProducer } from "./ingress.ts";
import { instanceMachine, type InstanceEnd, type InstancePhase, type InstancePhases } from "./instance-machine.ts";
import { machineClock } from "./machine-clock.ts";
import { Outputs } from "./outputs.ts";
import { PointerRegister } from "./pointer-register.ts";
import { Progress } from "./progress.ts";
import { runtimeVersion } from "./runtime-version.ts";
import { SinkQueue } from "./sink-queue.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { Snapshotter } from "./snapshotter.ts";
import { SplitFeed } from "./split-feed.ts";

/** Turns taken before the event loop gets a chance, and time after which it gets one anyway. */
const turnsPerTask = 64;
const taskMsMax = 8;

/** What exists from the restore on. */
interface Running {
  readonly program: StageProgram;
  readonly outputs: Outputs;
  readonly sinks: readonly SinkQueue[];
  readonly feed: Feed;
  readonly snapshotter: Snapshotter;
}

/** One incarnation of one instance. */
export class Instance {
  readonly id: InstanceId;
  readonly epoch: number;
  readonly stage: Stage;
  readonly #host: InstanceHost;
  readonly #actor: ActorRefFrom<typeof instanceMachine>;
  readonly #pointer: PointerRegister;
  readonly #store: SnapshotStore;
  readonly #progress: Progress;
  #inbox: Log | undefined;
  #running: Running | undefined;
  #stopProducer: (() => void) | undefined;
  #failure: unknown;
  #isTurning = false;
  #isPumpScheduled = false;
  #isUnfinished = false;
  #isClosed = false;
  #isReleasing = false;
  #isSnapshotting = false;
  #snapshotAtMs = 0;
  #snapshotBytes = 0;
  #snapshotPosition = 0;
  #tick: { readonly cancel: Cancel; readonly at: number } | "appended" | undefined;
  #cancelLook: Cancel | undefined;
  #waiters: { readonly ordinal: number; resolve(): void }[] = [];

  constructor(host: InstanceHost, id: InstanceId, stage: Stage, epoch: number) {
    this.#host = host;
    this.id = id;
    this.stage = stage;
    this.epoch = epoch;
    const idleTimeoutMs = stage.source === undefined ? 0 : stage.idleTimeoutMs;
    this.#progress = new Progress(id, epoch, idleTimeoutMs);
    this.#pointer = new PointerRegister(host.platform, host.registers, host.names.pointer(stage.name, id.partition), epoch);
    this.#store = new SnapshotStore(host.blobs, { stage: stage.name, partition: id.partition, epoch });
    this.#actor = createActor(instanceMachine, { input: this.#phases(), clock: machineClock(host.platform.clock) });
  }

  /** `average/3`: for logs, status and tests. */
  get name(): string {
    return `${this.stage.name}/${this.id.partition}`;
  }

  get phase(): InstancePhase {
    return this.#actor.getSnapshot().value;
  }

  start(): void {
    this.#actor.start();
  }

  /** Takes the last snapshot and lets go; the phase is `released` (or an end) afterwards. */
  release(): void {
    if (!this.#isClosed) this.#actor.send({ type: "RELEASE" });
  }

  /** Ends the incarnation as a crash would: nothing is finished, nothing is said. */
  fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#actor.send({ type: "FAIL", error });
  }

  /** A newer assignment has been read: stop quietly, abort nothing (R4). */
  supersede(epoch: number): void {
    this.fail(new StreamError("FENCED", `${this.name}: epoch ${this.epoch} has been superseded by ${epoch}`));
  }

  /** A lane or sink has room again, an ack has come, or the clock says to look. */
  wake(): void {
    this.#schedulePump();
  }

  /** The supervisor has taken report `n` (R16). */
  answered(n: number): void {
    if (this.#progress.answered(n)) this.#schedulePump();
  }

  /** The input ends where it is. */
  endInput(): void {
    this.#stopProducer?.();
    this.#stopProducer = undefined;
    this.#running?.feed.endInput();
    this.#schedulePump();
  }

  /** Whether a report would say something new. */
  get hasNews(): boolean {
    return this.#progress.hasNews(this.phase, this.stage.source === undefined ? (this.#running?.feed.position ?? 0) : 0);
  }

  /** Bytes read since the last snapshot: a hint that the inbox may be filling. */
  get bytesSinceTrim(): number {
    return (this.#running?.feed.bytesRead ?? 0) - this.#snapshotBytes;
  }

  report(): Report {
    const { counts } = this.#running?.program ?? { counts: { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 } };
    return this.#progress.report({
      position: this.#running?.feed.position ?? 0,
      state: this.phase,
      snapshot: this.#pointer.current?.current?.sequence ?? 0,
      failure: this.#failure === undefined ? "" : describeFailure(this.#failure),
      counts: { ...counts },
    });
  }

  #phases(): InstancePhases {
    return {
      claim: () => this.#claim(),
      restore: () => this.#restore(),
      drain: () => this.#drain(),
      begin: () => this.#begin(),
      end: (phase, error) => this.#end(phase, error),
    };
  }

  // R5: pointer, own epoch-start, downstream epoch-starts; in this order.
  async #claim(): Promise<void> {
    const { host, id, epoch, stage } = { host: this.#host, id: this.id, epoch: this.epoch, stage: this.stage };
    while (host.probe.isHeld?.(this.name) === true) await this.#later(true);
    if (stage.source === undefined) this.#inbox = await host.openInbox(id.stage, id.partition);
    const identity = this.#inbox === undefined ? this.#split().identity : String(this.#inbox.createdMs);
    await this.#pointer.claim(identity);
    const fence = encodeControl({ kind: "epochStart", instance: id, epoch });
    if (this.#inbox !== undefined) await host.appendControl(id.stage, id.partition, fence);
    const downstream = host.plan.edges.filter((edge) => edge.from === id.stage).map((edge) => edge.to);
    const stages = [...new Set(downstream)].filter((to) => typeof to === "number");
    await Promise.all(stages.flatMap((to) => this.#partitionsOf(to).map((partition) => host.appendControl(to, partition, fence))));
  }

  async #restore(): Promise<void> {
    const pointer = this.#pointer.current;
    const current = await this.#load(pointer?.current);
    const previous = await this.#load(pointer?.previous);
    const manifest = current?.manifest;
    const sinks = this.stage.sinks.map((node) => this.#sinkQueue(node.name, manifest));
    const outputs = this.#outputs(manifest, sinks);
    const program = this.#program(outputs);
    if (manifest !== undefined) await this.#restoreState(program, manifest);
    const feed = await this.#feed(program);
    await Promise.all(sinks.map((sink, index) => this.#openSink(sink, index)));
    await feed.open(manifest);
    const retained = [current, previous].filter((snapshot) => snapshot !== undefined);
    this.#running = { program, outputs, sinks, feed, snapshotter: this.#snapshotter({ program, outputs, sinks, feed }, retained) };
    this.#progress.reach(feed.watermark, 0);
    this.#snapshotPosition = feed.position;
  }

  async #load(ref: SnapshotRef | undefined): Promise<{ ref: SnapshotRef; manifest: Manifest } | undefined> {
    return ref === undefined ? undefined : { ref, manifest: await this.#store.getManifest(ref) };
  }

  #sinkQueue(name: string, manifest: Manifest | undefined): SinkQueue {
    const guarantee = this.stage.sinks.find((node) => node.name === name)?.spec.guarantee ?? "atLeastOnce";
    const state = manifest?.sinks.find((sink) => sink.sink === name);
    return new SinkQueue(name, guarantee, state, this.#host.platform, {
      onProgress: () => this.#schedulePump(),
      onRefused: ({ row, reason }) => this.#log("error", "the sink refuses a row for good", { sink: name, number: row.number, reason }),
      onFailed: (error) => this.fail(error),
    });
  }

  async #openSink(queue: SinkQueue, index: number): Promise<void> {
    const node = this.stage.sinks[index];
    if (node === undefined) return;
    const { plan, names } = this.#host;
    const identity = { job: plan.job, generation: names.generation, stage: this.stage.name, partition: this.id.partition, sink: node.name, epoch: this.epoch };
    await queue.open(await node.spec.open(identity));
  }

  #outputs(manifest: Manifest | undefined, sinks: readonly SinkQueue[]): Outputs {
    const { plan, findLane } = this.#host;
    const origin = { plan, stage: this.stage, partition: this.id.partition, epoch: this.epoch, channels: manifest?.channelsOut ?? [] };
    return new Outputs(origin, sinks, findLane, () => this.#running?.feed.position ?? 0);
  }

  #program(outputs: Outputs): StageProgram {
    const { onError, farFutureMs } = this.#host.plan.options;
    // The bound is against the time at which a message was stored: only an ingress log says one in a source stage.
    const isTimed = this.stage.isIngress;
    return new StageProgram(this.stage, outputs, {
      onError,
      seed: seedOf(this.name, this.#host.names.generation),
      manualWatermarks: this.#host.hasManualWatermarks,
      farFutureMs: isTimed ? farFutureMs : Infinity,
    });
  }

  async #restoreState(program: StageProgram, manifest: Manifest): Promise<void> {
    const segments = [];
    for (const { segment, chunks } of manifest.segments) segments.push({ segment, bytes: await this.#store.getSegment(chunks) });
    program.restore({ segments, operators: manifest.operators, nowMs: manifest.nowMs, random: manifest.random, counts: manifest.counts, watermark: manifest.watermark });
  }

  async #feed(program: StageProgram): Promise<Feed> {
    const events = { onReadable: () => this.#schedulePump(), onFailed: (error: unknown) => void this.#onFeedFailed(error) };
    const { host, stage, id } = { host: this.#host, stage: this.stage, id: this.id };
    if (this.#inbox !== undefined) {
      const owner = { plan: host.plan, stage, partition: id.partition, epoch: this.epoch };
      return new InboxFeed(owner, this.#inbox, program, events);
    }
    const reader = stage.source?.reader;
    if (reader === undefined) throw new StreamError("NOT_FOUND", `${this.name} has neither an inbox nor a source`);
    if (reader.kind === "replayable") return new SplitFeed(this.#split(), reader, program, host.platform.clock, events);
    const log = await host.openIngress(id.stage, id.partition);
    if (!host.isDraining) this.#stopProducer = startProducer(host.platform, log, reader, this.#split(), (error) => this.fail(error));
    return new SplitFeed(this.#split(), ingressSource(log, reader), program, host.platform.clock, events);
  }

  #snapshotter(parts: Omit<Running, "snapshotter">, retained: readonly { ref: SnapshotRef; manifest: Manifest }[]): Snapshotter {
    const { names, codeVersion, platform } = this.#host;
    const identity = { generation: names.generation, stage: this.stage.name, partition: this.id.partition, epoch: this.epoch, codeVersion, runtimeVersion };
    const subject = {
      ...parts,
      identity,
      pointer: this.#pointer,
      store: this.#store,
      acknowledged: (ordinal: number) => this.#acknowledged(ordinal),
      pause: () => new Promise<void>((resolve) => platform.clock.schedule(0, resolve)),
    };
    return new Snapshotter(subject, retained);
  }

  #begin(): void {
    this.#snapshotAtMs = this.#host.platform.clock.monotonicMs();
    if (this.stage.source !== undefined) this.#actor.send({ type: "CAUGHT_UP" });
    if (this.#host.isDraining) this.endInput();
    this.#schedulePump();
  }

  #end(phase: InstanceEnd, error: unknown): void {
    this.#isClosed = true;
    this.#failure = phase === "failed" ? error : undefined;
    this.#stopProducer?.();
    this.#cancelTick();
    this.#cancelLook?.();
    const running = this.#running;
    running?.feed.close();
    running?.outputs.close();
    for (const sink of running?.sinks ?? []) void sink.close().catch(() => this.#log("debug", "a sink did not close", { sink: sink.name }));
    if (phase === "failed") this.#log("error", "instance failed", { reason: messageOf(error) });
    this.#host.onChanged(this);
  }

  async #onFeedFailed(error: unknown): Promise<void> {
    if (!StreamError.is(error, "DATA_LOST")) return this.fail(error);
    const pointerEpoch = await this.#pointer.owner();
    this.fail(decideBroken({ pointerEpoch, ownEpoch: this.epoch, error }));
  }

  #schedulePump(): void {
    if (this.#isPumpScheduled || this.#isClosed || this.#running === undefined) return;
    this.#isPumpScheduled = true;
    this.#host.platform.clock.schedule(0, () => {
      this.#isPumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const running = this.#running;
    if (running === undefined || this.#isClosed || this.#isTurning) return;
    this.#isTurning = true;
    try {
      const more = this.#turns(running);
      running.outputs.flush();
      this.#afterTurns(running);
      if (more) this.#schedulePump();
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isTurning = false;
    }
  }

  /** Takes turns while there is something to read and room to speak. Answers whether there is more to do at once. */
  #turns(running: Running): boolean {
    const { clock } = this.#host.platform;
    const untilMs = clock.monotonicMs() + taskMsMax;
    for (let count = 0; count < turnsPerTask; count += 1) {
      if (!running.outputs.hasRoom || (this.#isReleasing && !this.#isUnfinished)) return false;
      const result = this.#turn(running);
      if (result === "empty" || result === "gated") return false;
      if (clock.monotonicMs() > untilMs) return true;
    }
    return true;
  }

  #turn(running: Running): TurnResult {
    const { feed, program, outputs } = running;
    if (!this.#isUnfinished) this.#host.probe.beforeTurn?.(this.stage.name, this.id.partition, feed.position);
    const mayLeaveIdle = this.#progress.mayLeaveIdle;
    const guard = this.#host.plan.options.deterministicGlobals;
    const result = guard ? runDeterministically(program, () => feed.turn(mayLeaveIdle)) : feed.turn(mayLeaveIdle);
    this.#isUnfinished = result === "unfinished";
    if (result === "gated" && this.#progress.wantsToProceed()) this.#host.onChanged(this);
    if (result === "caughtUp") this.#actor.send({ type: "CAUGHT_UP" });
    if (!this.#isUnfinished) this.#progress.reach(feed.watermark, outputs.ordinal);
    return result;
  }

  #afterTurns(running: Running): void {
    const { outputs, feed } = running;
    const acknowledged = outputs.acknowledged;
    this.#progress.acknowledge(acknowledged);
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.ordinal > acknowledged) return true;
      waiter.resolve();
      return false;
    });
    const nowMs = this.#host.platform.clock.monotonicMs();
    this.#progress.observe({
      isQuiet: feed.isQuiet,
      isFullyAcknowledged: acknowledged >= outputs.ordinal,
      isBlocked: !outputs.hasRoom,
      nowMs,
    });
    this.#arrangeLook(nowMs);
    this.#arrangeTick(running.program);
    this.#considerSnapshot(running, 0);
    this.#host.onChanged(this);
  }

  #acknowledged(ordinal: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ ordinal, resolve });
      this.#schedulePump();
    });
  }

  #arrangeLook(nowMs: number): void {
    const afterMs = this.#progress.lookAgainAfterMs(nowMs);
    this.#cancelLook?.();
    this.#cancelLook = afterMs === undefined ? undefined : this.#host.platform.clock.schedule(afterMs, () => this.#schedulePump(), { background: true });
  }

  // R9: a tick is appended when a processing-time timer is due, one outstanding at a time; reading it fires by the log's time.
  #arrangeTick(program: StageProgram): void {
    const at = program.nextTickAt();
    if (this.#tick === "appended") return;
    if (this.#tick?.at === at) return;
    this.#cancelTick();
    if (at === undefined) return;
    const { clock } = this.#host.platform;
    const cancel = clock.schedule(Math.max(0, at - clock.now()), () => this.#onTimerDue(at), { background: true });
    this.#tick = { cancel, at };
  }

  #onTimerDue(at: number): void {
    this.#tick = undefined;
    const running = this.#running;
    if (running === undefined || this.#isClosed) return;
    if (at > this.#host.platform.clock.now()) return this.#arrangeTick(running.program);
    this.#tick = "appended";
    void this.#host.appendControl(this.id.stage, this.id.partition, encodeControl({ kind: "tick" })).then(() => {
      this.#tick = undefined;
      this.#schedulePump();
    });
  }

  #cancelTick(): void {
    if (typeof this.#tick === "object") this.#tick.cancel();
    this.#tick = undefined;
  }

  /** Looks at whether a snapshot is due; also called by the worker now and then. `inboxBytes`: what the log holds, 0 when not looked up. */
  considerSnapshot(inboxBytes: number): void {
    const running = this.#running;
    if (running !== undefined && !this.#isClosed && !this.#isTurning && !this.#isReleasing) this.#considerSnapshot(running, inboxBytes);
  }

  /** Bytes the inbox holds, looked up only when much has been read since the last trim. */
  async storedBytes(): Promise<number> {
    return (await this.#running?.feed.storedBytes()) ?? 0;
  }

  #considerSnapshot({ feed, outputs }: Running, inboxBytes: number): void {
    if (this.#isSnapshotting || this.#isUnfinished || this.#progress.isFinished) return;
    const { snapshotBytes, snapshotIntervalMs, inboxBytes: dataLimit } = this.#host.plan.options;
    const decision = decideSnapshot({
      bytesSince: feed.bytesRead - this.#snapshotBytes,
      msSince: this.#host.platform.clock.monotonicMs() - this.#snapshotAtMs,
      hasProgressed: feed.position > this.#snapshotPosition || (feed.isEnded && this.#snapshotAtMs >= 0),
      inboxBytes,
      dataLimit,
      hasReadEverything: feed.isQuiet,
      isEnded: this.#progress.isEnded && outputs.acknowledged >= outputs.ordinal,
      snapshotBytes,
      snapshotIntervalMs,
    });
    if (decision !== undefined) void this.#snapshot().catch((error: unknown) => this.fail(error));
  }

  async #snapshot(): Promise<void> {
    const running = this.#running;
    if (running === undefined || this.#isSnapshotting) return;
    const { feed, snapshotter } = running;
    const isLast = this.#progress.isEnded;
    this.#isSnapshotting = true;
    this.#snapshotAtMs = this.#host.platform.clock.monotonicMs();
    this.#snapshotBytes = feed.bytesRead;
    const position = feed.position;
    this.#actor.send({ type: "SNAPSHOT" });
    await snapshotter.take();
    if (this.#isClosed) return;
    this.#snapshotPosition = position;
    this.#isSnapshotting = false;
    this.#actor.send({ type: "SNAPSHOT_DONE" });
    if (isLast) this.#progress.finish();
    this.#host.onChanged(this);
    this.#schedulePump();
  }

  async #drain(): Promise<void> {
    this.#isReleasing = true;
    while (this.#isSnapshotting || this.#isUnfinished) await this.#later();
    if (this.#running !== undefined && this.#running.feed.position > this.#snapshotPosition) await this.#snapshot();
  }

  #later(background = false): Promise<void> {
    return new Promise((resolve) => this.#host.platform.clock.schedule(5, resolve, { background }));
  }

  #split(): { name: string; identity: string } {
    const split = this.#host.splitOf(this.id.stage, this.id.partition);
    if (split === undefined) throw new StreamError("NOT_FOUND", `${this.name}: the job log names no such split`);
    return split;
  }

  #partitionsOf(stage: number): number[] {
    return Array.from({ length: this.#host.plan.stages[stage]?.partitions ?? 0 }, (_, partition) => partition);
  }

  #log(level: "debug" | "error", message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#host.platform.logger.log(level, message, { stage: this.stage.name, instance: this.name, epoch: this.epoch, ...fields });
  }
}

function describeFailure(error: unknown): string {
  return StreamError.is(error) ? `${error.code}: ${error.message}` : messageOf(error);
}

/** A seed for `ctx.random()` that is the same for every incarnation of an instance. */
function seedOf(name: string, generation: number): number {
  let seed = generation >>> 0;
  for (const character of name) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return seed;
}
