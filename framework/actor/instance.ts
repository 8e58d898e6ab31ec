/**
 * One incarnation of an instance: the actor.
 *
 * Owns its lifecycle (the machine in `instance-machine.ts`) and what follows from its turns, which `TurnLoop` takes. What is said leaves through `Outputs`;
 * how it is claimed is in `claiming.ts`, how it is put together from a snapshot in `assembly.ts`.
 *
 * A1. No turn begins before the claim is complete (R5).
 * A2. An error ends the incarnation, never the worker: the supervisor decides what follows.
 */
import { invariant, StreamError, messageOf } from "../errors.ts";
import type { RefusedRow } from "../log/sink.ts";
import type { Stage } from "../plan/plan.ts";
import type { Cancel, LogLevel } from "../platform/platform.ts";
import { encodeControl } from "../record/frame.ts";
import type { Heartbeat, InstanceId, LoopCount, Report } from "../record/messages.ts";
import type { InstanceMeasures } from "../telemetry/measures.ts";
import { AckStall } from "./ack-stall.ts";
import { AckGate } from "./ack-gate.ts";
import { assemble, type Claimed, type Incarnation, letGo, lookMs } from "./assembly.ts";
import { claimInstance, explain, explained } from "./claiming.ts";
import { failureText } from "./failure-text.ts";
import type { TurnResult } from "./feed.ts";
import { Freezer, type FreezeOwner } from "./freezer.ts";
import type { InstanceHost, Reporter } from "./host.ts";
import { InstanceMeter, noCounts } from "./instance-meter.ts";
import { instanceActor, type InstanceEnd, type InstancePhase, type InstancePhases } from "./instance-machine.ts";
import { LoopTally } from "./loop-tally.ts";
import { InstanceSnapshots, type SnapshotsOwner } from "./instance-snapshots.ts";
import { PointerRegister } from "./pointer-register.ts";
import { Progress } from "./progress.ts";
import { encodeRefusal } from "./refusal.ts";
import { ReadingPause } from "./reading-pause.ts";
import { RecoveryTimes } from "./recovery-times.ts";
import { TickSchedule } from "./tick-schedule.ts";
import { TurnLoop, type TurnOwner } from "./turn-loop.ts";

/** One incarnation of one instance. */
export class Instance implements Reporter {
  readonly id: InstanceId;
  readonly epoch: number;
  readonly stage: Stage;
  readonly #host: InstanceHost;
  readonly #actor: ReturnType<typeof instanceActor>;
  readonly #pointer: PointerRegister;
  readonly #progress: Progress;
  readonly #ticks: TickSchedule;
  readonly #meter: InstanceMeter;
  readonly #times: RecoveryTimes;
  readonly #turns: TurnLoop;
  readonly #freezer: Freezer;
  #claimed: Claimed | undefined;
  #incarnation: Incarnation | undefined;
  #snapshots: InstanceSnapshots | undefined;
  #failure: unknown;
  /** How it ended: nothing follows. */
  #end: InstanceEnd | undefined;
  #isReleasing = false;
  #hasSettled = false;
  #isHeld = false;
  #isFailing = false;
  #cancelLook: Cancel | undefined;
  /** How far it may read, once it has been told. */
  #readsTo: number | undefined;
  /** Sequence of the last refusal in the own inbox: what the instance has said to itself must have been read before it is finished. */
  #mustReadTo = 0;
  readonly #acks = new AckGate();
  /** Of an instance that is part of a loop. */
  readonly #loop: LoopTally | undefined;
  /** Of a split: a loop behind it is full. */
  readonly #pause: ReadingPause;

  constructor(host: InstanceHost, id: InstanceId, stage: Stage, epoch: number) {
    this.#host = host;
    this.id = id;
    this.stage = stage;
    this.epoch = epoch;
    const { clock } = host.platform;
    this.#loop = stage.loop === undefined ? undefined : new LoopTally(host.plan, stage);
    this.#pause = new ReadingPause(clock, () => this.wake());
    this.#meter = new InstanceMeter(clock, () => host.probe.busyOf?.(this.name));
    this.#times = new RecoveryTimes(clock);
    this.#turns = new TurnLoop(this.#turnOwner(), host.platform, this.#meter, host.plan.options.deterministicGlobals);
    this.#freezer = new Freezer(this.#cutOwner());
    // An inbox is idle as soon as all its edges are; a split only after a while.
    this.#progress = new Progress(id, epoch, stage.source === undefined ? 0 : stage.idleTimeoutMs);
    const pointerKey = host.names.pointer(stage.name, id.partition);
    this.#pointer = new PointerRegister(host.platform, host.registers, pointerKey, epoch);
    const tick = () => host.appendControl(id.stage, id.partition, encodeControl({ kind: "tick" }), "tick");
    this.#ticks = new TickSchedule(clock, tick, () => this.wake());
    this.#actor = instanceActor(this.#phases(), clock);
  }

  get #isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** `average/3`: for logs, status and tests. */
  get name(): string {
    return `${this.stage.name}/${this.id.partition}`;
  }

  /** An end counts from the moment it is entered: whoever is told of it then must see it. */
  get phase(): InstancePhase {
    return this.#end ?? (this.#isHeld ? "held" : this.#actor.getSnapshot().value);
  }

  /** Whether nothing of the time before it is left: of a split, which has no epoch-start, a snapshot of its own says so. */
  get hasSettled(): boolean {
    return this.#hasSettled;
  }

  /** Whether a report would say something new. */
  get hasNews(): boolean {
    const position = this.stage.source === undefined ? (this.#incarnation?.feed.position ?? 0) : 0;
    const count = this.#loopCount;
    if (count !== undefined && this.#loop?.isNews(count) === true) return true;
    return this.#progress.hasNews({ state: this.phase, position, due: this.#due, freeze: this.#freezer.freeze });
  }

  start(): void {
    this.#actor.start();
  }

  /** Takes the last snapshot and lets go; the phase is `released` (or an end) afterwards. */
  release(): void {
    if (!this.#isClosed) this.#actor.send({ type: "RELEASE" });
  }

  /** Takes a snapshot ahead of its time; answers whether there was one to take: nothing unfinished, none under way, something read since the last. */
  async snapshotNow(): Promise<boolean> {
    if (this.#isReleasing || this.#turns.isUnfinished || this.#snapshots?.isTaking !== false) return false;
    const isNew = this.#snapshots.hasProgressed;
    if (isNew) await this.#snapshots.take();
    return isNew;
  }

  /** Ends the incarnation as a crash would: nothing is finished, nothing is said. */
  fail(error: unknown): void {
    if (!this.#isClosed) this.#actor.send({ type: "FAIL", error });
  }

  /** A newer assignment has been read: stop quietly, abort nothing (R4). */
  supersede(epoch: number): void {
    this.fail(new StreamError("FENCED", `${this.name}: epoch ${this.epoch} has been superseded by ${epoch}`));
  }

  /** Something may have changed: input, room, acks, or the time. A turn is looked for in the next task. */
  wake(): void {
    this.#turns.wake();
  }

  /** The supervisor has taken report `n` (R16). */
  answered(n: number): void {
    if (this.#progress.answered(n)) this.wake();
  }

  /** A split may read until its watermark is larger than `watermark` (alignment). */
  mayReadTo(watermark: number): void {
    this.#readsTo = watermark;
    this.#incarnation?.feed.mayReadTo(watermark);
    this.wake();
  }

  /** The leader lives: it may want to know how far the loop is that this is part of. */
  heardLeader(heartbeat: Heartbeat): void {
    if (this.#loop?.heard(heartbeat) === true) this.#host.onChanged(this);
  }

  /** A split is not read for a while; 0: it goes on. */
  pauseReading(forMs: number): void {
    this.#pause.for(forMs);
  }

  get #loopCount(): LoopCount | undefined {
    if (this.#loop === undefined || this.#incarnation === undefined) return undefined;
    const hasReadOwn = this.#incarnation.feed.position >= this.#mustReadTo && !this.#ticks.isOutstanding;
    return this.#loop.count(this.#incarnation, this.phase !== "replaying" && hasReadOwn);
  }

  /** The input ends where it is. */
  endInput(): void {
    this.#incarnation?.producer?.stop();
    this.#incarnation?.feed.endInput();
    this.wake();
  }

  /** The event time that it waits for (R10). */
  get #due(): number {
    return this.#incarnation?.program.nextEventTime() ?? Infinity;
  }

  /** What the supervisor is to know. */
  report(): Report {
    const count = this.#loopCount;
    return this.#progress.report({
      loop: count && this.#loop?.said(count),
      due: this.#due,
      position: this.#incarnation?.feed.position ?? 0,
      state: this.phase,
      snapshot: this.#pointer.current?.current?.sequence ?? 0,
      failure: this.#failure === undefined ? "" : failureText(this.#failure),
      counts: this.#incarnation?.program.counts ?? noCounts,
      load: this.#meter.load(),
      freeze: this.#freezer.freeze,
    });
  }

  /** What others may measure. */
  measures(): InstanceMeasures {
    const { program } = this.#incarnation ?? {};
    return {
      stage: this.stage.name,
      partition: this.id.partition,
      state: this.phase,
      watermark: this.#progress.watermark,
      pendingRequests: program?.pending.requests ?? 0,
      ...this.#meter.measures(program?.counts ?? noCounts, this.#snapshots?.hasProgressed === true),
    };
  }

  /** Looks at how full the inbox is, and how far behind its reader; called by the worker now and then. @throws UNAVAILABLE, TIMEOUT */
  async lookAtInbox(): Promise<void> {
    if (!this.#isClosed) this.#meter.looked(await this.#incarnation?.feed.look());
  }

  /** Looks at whether a snapshot is due; called by the worker now and then. */
  async considerSnapshot(): Promise<void> {
    const inboxBytes = (await this.#snapshots?.look()) ?? 0;
    const mayBegin = !this.#isClosed && !this.#turns.isTurning;
    if (this.#incarnation !== undefined && mayBegin) this.#considerSnapshot(this.#incarnation, inboxBytes);
  }

  #phases(): InstancePhases {
    return {
      claim: () => this.#claim(),
      restore: () => explained(this.#pointer, this.epoch, () => this.#assemble()),
      drain: () => explained(this.#pointer, this.epoch, () => this.#drain()),
      begin: () => this.#begin(),
      end: (phase, error) => this.#endAs(phase, error),
    };
  }

  #turnOwner(): TurnOwner {
    return {
      mayTurn: () => !this.#isClosed && !this.#isFailing,
      mayBegin: () => !this.#isReleasing && !this.#pause.lasts && !this.#freezer.holds(this.#incarnation),
      isReplaying: () => this.phase === "replaying",
      mayLeaveIdle: () => this.#progress.mayLeaveIdle,
      beforeTurn: (position) => this.#host.probe.beforeTurn?.(this.stage.name, this.id.partition, position),
      turnBegins: (position) => this.#host.marks.begin(this.id, this.epoch, position),
      turnsEnd: () => this.#host.marks.rest(),
      turned: (result, incarnation) => this.#turned(result, incarnation),
      afterTurns: (incarnation, hasMoved) => this.#afterTurns(incarnation, hasMoved),
      failed: (error) => this.#failExplained(error),
    };
  }

  /** What snapshots, and savepoints, ask of the instance and tell it. */
  #cutOwner(): SnapshotsOwner & FreezeOwner {
    return {
      clock: this.#host.platform.clock,
      meter: this.#meter,
      host: this.#host,
      chunks: { stage: this.stage.name, partition: this.id.partition, epoch: this.epoch },
      isSource: this.stage.source !== undefined,
      isClosed: () => this.#isClosed,
      isEnded: () => this.#progress.isEnded,
      mustReadTo: () => this.#mustReadTo,
      began: () => this.#actor.send({ type: "SNAPSHOT" }),
      done: (isLast) => {
        this.#actor.send({ type: "SNAPSHOT_DONE" });
        this.#hasSettled ||= this.stage.source !== undefined;
        if (isLast) this.#progress.finish();
        this.#changed();
      },
      snapshot: (isOver) => this.#snapshots?.frozen(isOver) ?? Promise.resolve(undefined),
      changed: () => this.#changed(),
      failed: (error) => this.#failExplained(error),
    };
  }

  #changed(): void {
    this.#host.onChanged(this);
    this.wake();
  }

  #turned(result: TurnResult, { feed, outputs }: Incarnation): void {
    if (result === "gated" && this.#progress.wantsToProceed()) this.#host.onChanged(this);
    if (result === "caughtUp") this.#caughtUp();
    const isUnfinished = result === "unfinished" || result === "awaiting";
    if (!isUnfinished) this.#progress.reach(feed.watermark, outputs.ordinal);
  }

  async #claim(): Promise<void> {
    const { host, id, stage, epoch } = { host: this.#host, id: this.id, stage: this.stage, epoch: this.epoch };
    while (host.probe.isHeld?.(this.name) === true) await this.#later(true);
    this.#claimed = await claimInstance({
      host,
      id,
      stage,
      epoch,
      pointer: this.#pointer,
      isOver: () => this.#isClosed,
    });
    this.#times.claimed();
  }

  async #assemble(): Promise<void> {
    invariant(this.#claimed !== undefined, "it is assembled before it is claimed");
    const incarnation = await assemble(this.#claimed, {
      onReadable: () => this.wake(),
      onProgress: () => this.wake(),
      onFailed: (error) => this.#failExplained(error),
      onRefused: (sink, refused) => this.#refuse(sink, refused),
      acknowledged: (ordinal) => {
        this.wake();
        return this.#acks.until(ordinal);
      },
      onHeld: (isHeld) => {
        this.#isHeld = isHeld;
        this.#host.onChanged(this);
      },
    });
    // Superseded or released meanwhile: what has just been opened is let go again.
    if (this.#isClosed) return letGo(incarnation, this.#host.platform.logger);
    this.#incarnation = incarnation;
    if (this.#readsTo !== undefined) incarnation.feed.mayReadTo(this.#readsTo);
    this.#turns.attach(incarnation);
    const { feed, program } = incarnation;
    this.#meter.restored(program.counts);
    this.#times.restored(feed.position);
    this.#progress.reach(feed.watermark, 0);
    this.#snapshots = new InstanceSnapshots(incarnation, this.#host.plan.options, this.#cutOwner());
  }

  #begin(): void {
    // A split has no epoch-start to wait for: it is a source's own position that it goes on from.
    if (this.stage.source !== undefined) this.#caughtUp();
    if (this.stage.source !== undefined && this.#host.isDraining) this.endInput();
    this.wake();
  }

  #caughtUp(): void {
    this.#actor.send({ type: "CAUGHT_UP" });
    this.#hasSettled = this.stage.source === undefined;
    this.#incarnation?.calls.begin();
    this.#log("info", "instance has caught up", { ...this.#times.caughtUp(this.#incarnation?.feed.position ?? 0) });
  }

  /** Last snapshot before a release; a snapshot or slice under way comes to its end first. */
  async #drain(): Promise<void> {
    const incarnation = this.#incarnation;
    const stall = incarnation && new AckStall(this.#host.platform.clock, incarnation.outputs);
    const until = async (isReady: () => boolean) => {
      while (!isReady() && stall?.lasts() !== true) await this.#later();
      return isReady();
    };
    const isFree = () => this.#snapshots?.isTaking !== true;
    // While an earlier one is being taken, turns go on: the keys wait for the last one alone.
    await until(isFree);
    this.#isReleasing = true;
    incarnation?.calls.stop();
    const isDone = await until(() => isFree() && !this.#turns.isUnfinished && stall?.isOver !== false);
    if (this.#snapshots?.hasProgressed !== true) return;
    if (isDone) return this.#snapshots.take(true);
    // Whoever reads what it has said may have been released before: what came after the last snapshot is read again by its successor.
    this.#log("warn", "released without a last snapshot: nothing that it said is acknowledged", {});
  }

  #endAs(phase: InstanceEnd, error: unknown): void {
    this.#end = phase;
    this.#failure = phase === "failed" ? error : undefined;
    this.#ticks.close();
    this.#cancelLook?.();
    this.#freezer.close();
    if (this.#incarnation !== undefined) letGo(this.#incarnation, this.#host.platform.logger);
    if (phase === "failed") this.#log("error", "instance failed", { reason: messageOf(error) });
    if (phase === "released") this.#log("info", "instance released", {});
    this.#host.onChanged(this);
  }

  /** Fails, but says nothing of lost or corrupt data before the pointer has been read (R8): a newer epoch there explains it. */
  #failExplained(cause: unknown): void {
    this.#isFailing = true;
    explain(this.#pointer, this.epoch, cause).then(
      (found) => this.fail(found),
      () => this.fail(cause),
    );
  }

  #afterTurns(incarnation: Incarnation, hasMoved: boolean): void {
    const { outputs, feed, program, calls } = incarnation;
    if (program.isDeferring) calls.turned(program.takeRequests());
    const acknowledged = outputs.acknowledged;
    this.#progress.acknowledge(acknowledged);
    this.#acks.pass(acknowledged);
    const nowMs = this.#host.platform.clock.monotonicMs();
    const isFullyAcknowledged = acknowledged >= outputs.ordinal;
    // R16: whoever has just read something is not idle, also when nothing came of it; nor is who reads no more.
    const isQuiet = feed.isQuiet && !hasMoved;
    this.#freezer.look(incarnation, isFullyAcknowledged);
    const { isFrozen } = this.#freezer;
    if (isFrozen !== (this.phase === "frozen")) this.#actor.send({ type: isFrozen ? "FREEZE" : "THAW" });
    const isBlocked = this.#isReleasing || this.#pause.lasts || isFrozen || !outputs.hasRoom;
    // Of a split nothing is left of the time before when there is nothing left at all.
    this.#hasSettled ||= isQuiet && this.stage.source !== undefined;
    this.#progress.observe({ isQuiet, isFullyAcknowledged, isBlocked, nowMs });
    this.#lookAgain(nowMs);
    const mayTick = !isFrozen && this.#loop?.isDraining(incarnation, this.#host.savepoints.savepoints) !== true;
    this.#ticks.arrange(mayTick ? program.nextTickAt() : undefined, program.now);
    this.#considerSnapshot(incarnation, 0);
    this.#host.onChanged(this);
  }

  /** Idleness comes with time alone. */
  #lookAgain(nowMs: number): void {
    this.#cancelLook?.();
    const afterMs = this.#progress.lookAgainAfterMs(nowMs);
    const { clock } = this.#host.platform;
    this.#cancelLook =
      afterMs === undefined ? undefined : clock.schedule(afterMs, () => this.wake(), { background: true });
  }

  /** Through the own inbox, so that the dead letter is a function of it; `plan()` gives every sink an instance that has one. */
  async #refuse(sink: string, refused: RefusedRow): Promise<void> {
    this.#log("warn", "a sink refuses a row for good", { sink, number: refused.row.number, reason: refused.reason });
    const { stage, partition } = this.id;
    const sequence = await this.#host.appendControl(stage, partition, encodeRefusal(sink, refused));
    this.#mustReadTo = Math.max(this.#mustReadTo, sequence);
  }

  #considerSnapshot({ feed, outputs }: Incarnation, inboxBytes: number): void {
    if (this.#turns.isUnfinished || this.#isReleasing) return;
    const hasReadOwn = feed.position >= this.#mustReadTo;
    const isEnded = this.#progress.isEnded && outputs.acknowledged >= outputs.ordinal && hasReadOwn;
    this.#snapshots?.consider(inboxBytes, isEnded);
  }

  #later(background = false): Promise<void> {
    return new Promise((resolve) => this.#host.platform.clock.schedule(lookMs, resolve, { background }));
  }

  #log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    const { name: stage } = this.stage;
    this.#host.platform.logger.log(level, message, { stage, instance: this.name, epoch: this.epoch, ...fields });
  }
}
