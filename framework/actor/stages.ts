/**
 * The stage supervisors of one leader epoch, and the way from what they decide to the workers it is for.
 *
 * Owns which supervisor is told what: a stage knows its own instances, and here is what is known of all of them.
 */
import { isTimeless } from "../plan/loops.ts";
import type { Edge, Stage } from "../plan/plan.ts";
import { alignmentsOf, type ReadLimit } from "../protocol/alignment.ts";
import type { InstanceId, ReadPause, Report, WatermarkControl } from "../record/messages.ts";
import type { JobWorld } from "./job-world.ts";
import { StageSupervisor, type StageEdges, type StageSupervisorEvents } from "./stage-supervisor.ts";

/** What is asked of the job supervisor. */
export type StagesEvents = Pick<StageSupervisorEvents, "failed" | "released">;

/** One supervisor per stage of the plan, from {@link open} on. */
export class Stages {
  readonly #world: JobWorld;
  readonly #epoch: number;
  readonly #events: StagesEvents;
  readonly #supervisors = new Map<number, StageSupervisor>();

  constructor(world: JobWorld, epoch: number, events: StagesEvents) {
    this.#world = world;
    this.#epoch = epoch;
    this.#events = events;
  }

  /** Begins to supervise: what the job log says is known, what instances report is not. Called once. */
  open(): void {
    const { plan, platform, tail } = this.#world;
    const alignments = alignmentsOf(plan.stages);
    for (const stage of plan.stages) {
      const edges = plan.edges.filter((edge) => edge.from === stage.index && typeof edge.to === "number");
      const alignment = alignments[stage.index];
      const events = this.#eventsOf(edges);
      this.#supervisors.set(
        stage.index,
        new StageSupervisor(platform, stage, this.#edgesOf(edges), this.#epoch, tail.view, events, alignment),
      );
    }
  }

  /** In order of the plan. */
  get all(): readonly StageSupervisor[] {
    return [...this.#supervisors.values()];
  }

  /** The newest report of an instance's current epoch. */
  reportOf(instance: InstanceId): Report | undefined {
    return this.#supervisors.get(instance.stage)?.reportOf(instance);
  }

  report(report: Report): void {
    this.#supervisors.get(report.instance.stage)?.report(report);
  }

  /** The job log has been read further. */
  refresh(): void {
    for (const stage of this.#supervisors.values()) stage.refresh();
  }

  /** A heartbeat; answers the instances that have been silent for too long. `isHosted`: the worker that it is assigned to lives. */
  beat(isHosted: (instance: InstanceId) => boolean): readonly InstanceId[] {
    return this.all.flatMap((stage) => [...stage.beat(isHosted)]);
  }

  /** Event time of the edges that close a loop comes to `watermark` (G6). */
  feed(stages: readonly number[], watermark: number): void {
    for (const stage of stages) this.#supervisors.get(stage)?.feed(watermark);
  }

  /** The edges that close a loop are drained for a savepoint (R17). */
  drainBack(stages: readonly number[], savepoint: number): void {
    for (const stage of stages) this.#supervisors.get(stage)?.drainBack(savepoint);
  }

  /** Asks the workers that read these splits to wait for a while. */
  pause(splits: ReadPause["splits"], forMs: number): void {
    for (const [worker, theirs] of this.#byWorker(splits))
      this.#world.bus.pause(worker, { leader: this.#epoch, forMs, splits: theirs });
  }

  close(): void {
    for (const stage of this.#supervisors.values()) stage.close();
  }

  #edgesOf(edges: readonly Edge[]): StageEdges {
    const open = edges.filter(({ eventTime }) => eventTime !== "fedBack");
    const fedBack = edges.filter((edge) => !open.includes(edge));
    return {
      indexes: open.map(({ index }) => index),
      inboxes: open.reduce((sum, edge) => sum + (this.#target(edge)?.partitions ?? 0), 0),
      fedBack: fedBack.map(({ index }) => index),
    };
  }

  #eventsOf(edges: readonly Edge[]): StageSupervisorEvents {
    const timed = edges.filter((edge) => !isTimeless(edge));
    return {
      ...this.#events,
      publish: (control, onStored) => this.#publish(control, onStored),
      answer: (report) => this.#answer(report),
      limit: (limits) => this.#limit(limits),
      isAwaited: (before, after) => timed.some((edge) => this.#behind(edge)?.awaits(before, after) === true),
      awaits: () => {
        for (const stage of this.#supervisors.values()) stage.reconsider();
      },
    };
  }

  #publish(control: WatermarkControl, onStored: (inbox: string) => void): void {
    const edge = this.#world.plan.edges[control.edge];
    const to = edge && this.#target(edge);
    if (to === undefined) return;
    for (let partition = 0; partition < to.partitions; partition += 1)
      this.#world.controls.watermark(to.index, partition, control, () => onStored(`${to.index}/${partition}`));
  }

  #answer({ instance, epoch, n }: Report): void {
    const answers = [{ instance, epoch, n }];
    for (const [worker] of this.#byWorker(answers)) this.#world.bus.answer(worker, { leader: this.#epoch, answers });
  }

  #limit(limits: readonly ReadLimit[]): void {
    for (const [worker, theirs] of this.#byWorker(limits))
      this.#world.bus.limit(worker, { leader: this.#epoch, limits: theirs });
  }

  /** Of each instance, by the worker that it is assigned to; nothing of one that is not assigned. */
  #byWorker<T extends { readonly instance: InstanceId }>(entries: readonly T[]): readonly (readonly [string, T[]])[] {
    const { view } = this.#world.tail;
    const byWorker = Map.groupBy(entries, ({ instance }) => view.assignment(instance)?.worker);
    return [...byWorker].flatMap(([worker, theirs]) => (worker === undefined ? [] : [[worker, theirs] as const]));
  }

  /** The stage that an edge leads into; undefined for one that leads out of the job. */
  #target({ to }: Edge): Stage | undefined {
    return typeof to === "number" ? this.#world.plan.stages[to] : undefined;
  }

  #behind({ to }: Edge): StageSupervisor | undefined {
    return typeof to === "number" ? this.#supervisors.get(to) : undefined;
  }
}
