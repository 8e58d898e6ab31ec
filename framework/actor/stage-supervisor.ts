/**
 * Watches the instances of one stage: takes their reports, publishes the stage's event time, and asks for restarts. Runs on the leader.
 *
 * Owns the stage minimum and what has been published of it; its durable state is the job log, so a new leader's supervisor begins with nothing.
 *
 * R10. One watermark control per change into every downstream inbox, with the position of the job log it was decided at.
 * R16. An active report after an idle one is answered when the minimum counts it.
 */
import { createActor, setup, type ActorRefFrom } from "xstate";
import type { Stage } from "../plan/plan.ts";
import type { Platform } from "../platform/platform.ts";
import { instanceKey, type JobLogView } from "../protocol/job-log.ts";
import { StageMinimum } from "../protocol/watermark.ts";
import type { InstanceId, Report, WatermarkControl } from "../record/messages.ts";
import { machineClock } from "./machine-clock.ts";

/** What a stage supervisor asks of the job supervisor. */
export interface StageSupervisorEvents {
  /** Publish `control` into every inbox that its edge leads into. */
  publish(control: WatermarkControl): void;
  /** An instance has failed: decide on its restart. */
  failed(instance: InstanceId, report: Report): void;
  /** An instance has let go of its work. */
  released(instance: InstanceId): void;
}

/** Edges that a stage's event time travels over. */
export interface StageEdges {
  readonly indexes: readonly number[];
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

const turningPhases = new Set(["replaying", "running", "snapshotting"]);

/** The supervisor of one stage. */
export class StageSupervisor {
  readonly stage: Stage;
  readonly #leader: number;
  readonly #edges: StageEdges;
  readonly #view: JobLogView;
  readonly #events: StageSupervisorEvents;
  readonly #minimum: StageMinimum;
  readonly #actor: ActorRefFrom<typeof stageMachine>;
  readonly #reports = new Map<string, Report>();
  readonly #epochs = new Map<string, number>();
  #published: WatermarkControl | undefined;

  constructor(
    platform: Platform,
    stage: Stage,
    edges: StageEdges,
    leader: number,
    view: JobLogView,
    events: StageSupervisorEvents,
  ) {
    this.stage = stage;
    this.#edges = edges;
    this.#leader = leader;
    this.#view = view;
    this.#events = events;
    const instances = Array.from({ length: stage.partitions }, (_, partition) => ({ stage: stage.index, partition }));
    this.#minimum = new StageMinimum(instances);
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

  /** The event time last published. */
  get watermark(): number {
    return this.#published?.watermark ?? -Infinity;
  }

  /** The job log has been read further: assignments and splits may be new. */
  refresh(): void {
    if (this.stage.source !== undefined) this.#minimum.setSplitsOpen(!this.#view.isClosed(this.stage.index));
    let mustRepublish = false;
    for (const instance of this.#view.instancesOf(this.stage)) {
      const key = instanceKey(instance);
      const epoch = this.#view.assignment(instance)?.epoch ?? 0;
      if (this.#epochs.get(key) === epoch) continue;
      this.#epochs.set(key, epoch);
      this.#minimum.assign(instance, epoch);
      this.#reports.delete(key);
      mustRepublish = true;
      this.#actor.send({ type: "INSTANCE_DOWN" });
    }
    this.#publish(mustRepublish);
  }

  /** Takes one report; answers whether it counts (R16: then it may be answered). */
  report(report: Report): boolean {
    if (report.epoch !== this.#epochs.get(instanceKey(report.instance))) return false;
    const isTaken = this.#minimum.report(report);
    if (!isTaken) return false;
    this.#reports.set(instanceKey(report.instance), report);
    if (report.state === "failed") {
      this.#actor.send({ type: "INSTANCE_DOWN" });
      this.#events.failed(report.instance, report);
    }
    if (report.state === "released") this.#events.released(report.instance);
    this.#publish(false);
    this.#observe();
    return true;
  }

  close(): void {
    this.#actor.stop();
  }

  #observe(): void {
    const all = this.#view.instancesOf(this.stage).map((instance) => this.#reports.get(instanceKey(instance)));
    if (all.every((report) => report?.activity === "finished")) this.#actor.send({ type: "ALL_ENDED" });
    else if (all.every((report) => report !== undefined && turningPhases.has(report.state)))
      this.#actor.send({ type: "ALL_RUNNING" });
  }

  #publish(mustRepublish: boolean): void {
    const decision = this.#minimum.decide();
    const last = this.#published;
    if (decision === undefined) return;
    const isNews = last === undefined || decision.watermark > last.watermark || decision.isIdle !== last.isIdle;
    if (!isNews && !mustRepublish) return;
    const watermark = Math.max(decision.watermark, last?.watermark ?? -Infinity);
    for (const edge of this.#edges.indexes) {
      const control: WatermarkControl = {
        kind: "watermark",
        edge,
        leader: this.#leader,
        upto: this.#view.position,
        watermark,
        isIdle: decision.isIdle,
      };
      this.#published = control;
      this.#events.publish(control);
    }
    if (this.#edges.indexes.length === 0) {
      this.#published = {
        kind: "watermark",
        edge: -1,
        leader: this.#leader,
        upto: this.#view.position,
        watermark,
        isIdle: decision.isIdle,
      };
    }
  }
}
