/**
 * Watches the instances of one stage: takes their reports, publishes the stage's event time, and asks for restarts. Runs on the leader.
 *
 * Owns the stage minimum and what has been published of it; its durable state is the job log, so a new leader's supervisor begins with nothing.
 *
 * R10. One watermark control into every downstream inbox, with the position of the job log it was decided at, for each change that somebody behind waits
 *      for; what nobody waits for goes a little later, as one.
 * R16. An active report after an idle one is answered when the minimum counts it.
 * S1. An incarnation of which nothing has been reported for so many heartbeats is silent: whatever holds it up ends when another one is assigned. A leader that has
 *     stood still has had one heartbeat, and heard nobody.
 * R17. When every instance has come to the open savepoint, the control says so: the edges are drained.
 */
import { createActor, setup, type ActorRefFrom } from "xstate";
import type { Stage } from "../plan/plan.ts";
import type { Cancel, Clock, Platform } from "../platform/platform.ts";
import type { Alignment, ReadLimit } from "../protocol/alignment.ts";
import { EventTimeDemand } from "../protocol/demand.ts";
import { instanceKey, type JobLogView } from "../protocol/job-log.ts";
import { isStageFrozen } from "../protocol/savepoint.ts";
import { StageMinimum, type StageWatermark } from "../protocol/watermark.ts";
import type { InstanceId, Report, WatermarkControl } from "../record/messages.ts";
import { machineClock } from "./machine-clock.ts";

/** What a stage supervisor asks of the job supervisor. */
export interface StageSupervisorEvents {
  /**
   * Publish `control` into every inbox that its edge leads into; `onStored` is called with each inbox that has it, or a newer one for that edge.
   */
  publish(control: WatermarkControl, onStored: (inbox: string) => void): void;
  /** An instance that wants to leave idleness may (R16). */
  answer(report: Report): void;
  /** Splits may read so far (alignment). */
  limit(limits: readonly ReadLimit[]): void;
  /** An instance has failed: decide on its restart. */
  failed(instance: InstanceId, report: Report): void;
  /** Whether somebody in a stage behind waits for a step of event time from `before` to `after`. */
  isAwaited(before: number, after: number): boolean;
  /** An instance waits for another event time: stages in front may have held it back. */
  awaits(): void;
  /** An instance has let go of its work. */
  released(instance: InstanceId): void;
}

/** Where a stage's event time travels to. */
export interface StageEdges {
  readonly indexes: readonly number[];
  /** Inboxes that these edges lead into, counted per edge. */
  readonly inboxes: number;
  /** Edges that close a loop: they hear of its end alone. */
  readonly fedBack: readonly number[];
}

const stageMachine = setup({
  types: { events: {} as { type: "ALL_RUNNING" } | { type: "INSTANCE_DOWN" } | { type: "ALL_ENDED" } },
}).createMachine({
  id: "stage",
  initial: "starting",
  states: {
    starting: { on: { ALL_RUNNING: "running", ALL_ENDED: "ended" } },
    running: { on: { INSTANCE_DOWN: "recovering", ALL_ENDED: "ended" } },
    recovering: { on: { ALL_RUNNING: "running", ALL_ENDED: "ended" } },
    ended: { on: { INSTANCE_DOWN: "recovering" } },
  },
});

/** A change of event time that nobody waits for is published after this long: with whatever has come until then. */
const unawaitedMs = 100;

/** What an incarnation that says nothing is held to have said (S1). */
export const silence: Pick<Report, "failure" | "snapshot"> = {
  failure: "UNAVAILABLE: its worker lives and says nothing of it",
  snapshot: 0,
};

/** S1: of half a second. */
const silentBeatsMax = 60;

const turningPhases = new Set(["replaying", "running", "snapshotting", "frozen"]);

/** The supervisor of one stage. */
export class StageSupervisor {
  readonly stage: Stage;
  readonly #leader: number;
  readonly #edges: StageEdges;
  readonly #view: JobLogView;
  readonly #events: StageSupervisorEvents;
  readonly #minimum: StageMinimum;
  readonly #demand = new EventTimeDemand();
  /** Of a source whose splits wait for each other. */
  readonly #alignment: Alignment | undefined;
  readonly #clock: Clock;
  readonly #actor: ActorRefFrom<typeof stageMachine>;
  readonly #reports = new Map<string, Report>();
  readonly #epochs = new Map<string, number>();
  /** Position of the job log that they, and so every control, rest on (R10); the view may have been read further. */
  #upto = 0;
  /** S1: heartbeats since these have been read, of those that have not been reported. */
  readonly #beats = new Map<string, number>();
  /** Active reports that wait until receivers know that the stage is active. */
  #unanswered = new Map<string, Report>();
  /** Number of the newest control stored, by edge and inbox. */
  readonly #stored = new Map<string, number>();
  /** What the edges that close a loop have been told, and how many controls that were. */
  #fed = -Infinity;
  #fedN = 0;
  #fedDrains: number | undefined;
  #published: (StageWatermark & { readonly drains: number | undefined }) | undefined;
  #publishedAtMs = -Infinity;
  /** A change is held back, until somebody waits for it or its time has come. */
  #cancelHold: Cancel | undefined;
  #n = 0;
  /** Number of the first control since which every one has said that the stage is not idle. */
  #activeSince = Infinity;

  constructor(
    platform: Platform,
    stage: Stage,
    edges: StageEdges,
    leader: number,
    view: JobLogView,
    events: StageSupervisorEvents,
    alignment?: Alignment,
  ) {
    this.stage = stage;
    this.#edges = edges;
    this.#leader = leader;
    this.#view = view;
    this.#events = events;
    const instances = Array.from({ length: stage.partitions }, (_, partition) => ({ stage: stage.index, partition }));
    this.#minimum = new StageMinimum(instances);
    this.#alignment = alignment;
    alignment?.join(() => this.#minimum.members);
    this.#clock = platform.clock;
    this.#actor = createActor(stageMachine, { clock: machineClock(platform.clock) }).start();
    this.refresh();
  }

  /** `starting`, `running`, `recovering` or `ended`. */
  get phase(): string {
    return this.#actor.getSnapshot().value;
  }

  /** Newest report of each instance, of its current epoch. */
  get reports(): readonly Report[] {
    return [...this.#reports.values()];
  }

  reportOf(instance: InstanceId): Report | undefined {
    return this.#reports.get(instanceKey(instance));
  }

  /** S1: called with each heartbeat, answers the instances that are silent. `isHosted`: the worker that it is assigned to lives. */
  beat(isHosted: (instance: InstanceId) => boolean): readonly InstanceId[] {
    return this.#view.instancesOf(this.stage).filter((instance) => {
      const key = instanceKey(instance);
      if (this.#reports.has(key) || !isHosted(instance)) return false;
      const beats = (this.#beats.get(key) ?? 0) + 1;
      this.#beats.set(key, beats);
      return beats > silentBeatsMax;
    });
  }

  /** The event time last published. */
  get watermark(): number {
    return this.#published?.watermark ?? -Infinity;
  }

  /** The job log has been read further: assignments and splits may be new. */
  refresh(): void {
    if (this.stage.source !== undefined) this.#minimum.setSplitsOpen(!this.#view.isClosed(this.stage.index));
    this.#upto = this.#view.position;
    let mustRepublish = false;
    for (const instance of this.#view.instancesOf(this.stage)) {
      const key = instanceKey(instance);
      const epoch = this.#view.assignment(instance)?.epoch ?? 0;
      if (this.#epochs.get(key) === epoch) continue;
      this.#epochs.set(key, epoch);
      this.#beats.delete(key);
      this.#minimum.assign(instance, epoch);
      this.#reports.delete(key);
      this.#unanswered.delete(key);
      mustRepublish = true;
      this.#actor.send({ type: "INSTANCE_DOWN" });
    }
    this.#publish(mustRepublish);
    if (mustRepublish && this.#fedN > 0) this.#feedBack();
    if (mustRepublish) this.#align(undefined);
  }

  /** Takes one report of exactly the epoch that the job log names. */
  report(report: Report): void {
    const key = instanceKey(report.instance);
    if (report.epoch !== this.#epochs.get(key) || !this.#minimum.report(report)) return;
    const before = this.#reports.get(key);
    // A worker that reports the end of a thread does not know what that has counted.
    this.#reports.set(key, report.counts === undefined ? { ...report, counts: before?.counts } : report);
    if (this.#demand.waits(report.instance.partition, report.due)) this.#events.awaits();
    if (report.state === "failed") {
      this.#actor.send({ type: "INSTANCE_DOWN" });
      this.#events.failed(report.instance, report);
    }
    if (report.state === "released") this.#events.released(report.instance);
    // One whose event time moves is not waiting for an answer.
    const mayWait = before?.activity !== "active" || before.watermark === report.watermark;
    if (report.activity === "active" && mayWait) this.#unanswered.set(key, report);
    else this.#unanswered.delete(key);
    this.#publish(false);
    this.#align(report.instance);
    this.#answer();
    if (before?.state !== report.state || before.activity !== report.activity) this.#observe();
  }

  /** Whether an instance of the stage, or of one behind it, waits for a step of event time from `before` to `after`. */
  awaits(before: number, after: number): boolean {
    return this.#demand.isMet(before, after) || this.#events.isAwaited(before, after);
  }

  /** Event time of the edges that close a loop comes to `watermark` (G6). */
  feed(watermark: number): void {
    this.#fed = watermark;
    this.#feedBack();
  }

  /** The edges that close a loop are drained for a savepoint: nothing is on its way over them (R17). */
  drainBack(savepoint: number): void {
    this.#fedDrains = savepoint;
    this.#feedBack();
  }

  /** Somebody behind waits for another event time. */
  reconsider(): void {
    if (this.#cancelHold !== undefined) this.#publish(false);
  }

  close(): void {
    this.#actor.stop();
    this.#release();
  }

  #align(reporter: InstanceId | undefined): void {
    const limits = this.#alignment?.decide(reporter, this.#clock.monotonicMs()) ?? [];
    if (limits.length > 0) this.#events.limit(limits);
  }

  #observe(): void {
    const all = this.#view.instancesOf(this.stage).map((instance) => this.#reports.get(instanceKey(instance)));
    if (all.every((report) => report?.activity === "finished")) this.#actor.send({ type: "ALL_ENDED" });
    else if (all.every((report) => report !== undefined && turningPhases.has(report.state)))
      this.#actor.send({ type: "ALL_RUNNING" });
  }

  #publish(mustRepublish: boolean): void {
    const drains = this.#drains;
    const decision = this.#minimum.decide() ?? this.#firstWord(drains);
    const last = this.#published;
    if (decision === undefined) return;
    const mustSpeak = mustRepublish || (drains !== undefined && drains !== last?.drains);
    if (decision.watermark === last?.watermark && decision.isIdle === last.isIdle && !mustSpeak) return;
    if (!mustSpeak && !this.#isUrgent(decision, last)) return this.#hold();
    this.#release();
    this.#published = { ...decision, drains };
    this.#publishedAtMs = this.#clock.monotonicMs();
    this.#n += 1;
    if (decision.isIdle) this.#activeSince = Infinity;
    else if (this.#activeSince === Infinity) this.#activeSince = this.#n;
    const { watermark, isIdle } = decision;
    const n = this.#n;
    for (const edge of this.#edges.indexes)
      this.#events.publish({ ...this.#control(edge, n, watermark, isIdle), drains }, (inbox) =>
        this.#onStored(`${edge}/${inbox}`, n),
      );
  }

  #feedBack(): void {
    this.#fedN += 1;
    for (const edge of this.#edges.fedBack)
      this.#events.publish(
        { ...this.#control(edge, this.#fedN, this.#fed, false), drains: this.#fedDrains },
        () => undefined,
      );
  }

  #control(edge: number, n: number, watermark: number, isIdle: boolean): WatermarkControl {
    return { kind: "watermark", edge, leader: this.#leader, n, upto: this.#upto, watermark, isIdle };
  }

  /** Whether a change is to be published at once; only steps forward that nobody waits for are not. */
  #isUrgent({ watermark, isIdle }: StageWatermark, last: StageWatermark | undefined): boolean {
    if (last === undefined || isIdle !== last.isIdle || watermark === Infinity) return true;
    if (this.#clock.monotonicMs() - this.#publishedAtMs >= unawaitedMs) return true;
    return this.#events.isAwaited(last.watermark, watermark);
  }

  #hold(): void {
    const waitMs = this.#publishedAtMs + unawaitedMs - this.#clock.monotonicMs();
    this.#cancelHold ??= this.#clock.schedule(waitMs, () => {
      this.#cancelHold = undefined;
      this.#publish(false);
    });
  }

  #release(): void {
    this.#cancelHold?.();
    this.#cancelHold = undefined;
  }

  /** The open savepoint, when the whole stage has come to it (R17). */
  get #drains(): number | undefined {
    const id = this.#view.savepoints.open?.id;
    if (id === undefined) return undefined;
    const instances = this.#view.instancesOf(this.stage);
    return isStageFrozen(instances, id, (each) => this.reportOf(each)) ? id : undefined;
  }

  /** A new leader that knows nothing yet says so before it answers anybody: receivers must not believe an older one that called the stage idle. So does a stage that has never had event time, of a savepoint. */
  #firstWord(drains: number | undefined): StageWatermark | undefined {
    const mustSpeak = drains !== undefined || (this.#published === undefined && this.#unanswered.size > 0);
    return mustSpeak ? { watermark: -Infinity, isIdle: false } : undefined;
  }

  #onStored(inbox: string, n: number): void {
    this.#stored.set(inbox, Math.max(n, this.#stored.get(inbox) ?? 0));
    this.#answer();
  }

  // R16: answered when every receiver has been told, behind whatever said that the stage is idle, that it is active.
  #answer(): void {
    if (this.#unanswered.size === 0 || !this.#isKnownActive()) return;
    for (const report of this.#unanswered.values()) this.#events.answer(report);
    this.#unanswered = new Map();
  }

  #isKnownActive(): boolean {
    if (this.#edges.inboxes === 0) return true;
    const told = [...this.#stored.values()].filter((n) => n >= this.#activeSince);
    return told.length === this.#edges.inboxes;
  }
}
