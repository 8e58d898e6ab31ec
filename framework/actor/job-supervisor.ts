/**
 * The job supervisor: runs on the leader, for one leader epoch.
 *
 * Owns the decisions of its epoch: which logs exist, which splits there are, which worker hosts which instance, when an instance is started again, and when
 * the job is over. Its durable state is the job log; what it decides counts when it is read there.
 *
 * R4. An assignment's epoch is its sequence in the job log, whoever wrote it.
 * R7 of supervision (design, section 7): all control is level-triggered: what is wanted and not yet seen is said again.
 * A leader does nothing before its own leader-start has been read.
 */
import { createActor, fromPromise, setup, type ActorRefFrom } from "xstate";
import { StreamError, messageOf } from "../errors.ts";
import type { Bus, Logs } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Plan, Stage } from "../plan/plan.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import { isComplete } from "../protocol/completion.ts";
import { instanceKey, type JobLogView } from "../protocol/job-log.ts";
import { place } from "../protocol/placement.ts";
import { decideRestart } from "../protocol/restart.ts";
import { inboxMaxBytes } from "../protocol/room.ts";
import type { AssignmentCause, InstanceId, JobLogRecord, Report, ReportBatch, WatermarkControl } from "../record/messages.ts";
import { encodeJobLogRecord } from "../record/wire/job-log.ts";
import { encodeHeartbeat } from "../record/wire/presence.ts";
import { encodeReportAnswer } from "../record/wire/report.ts";
import type { ControlSender } from "./control-sender.ts";
import { statusOf, type JobStatus } from "./job-status.ts";
import type { LogWriter } from "./log-writer.ts";
import { machineClock } from "./machine-clock.ts";
import { StageSupervisor } from "./stage-supervisor.ts";
import type { WorkerRegistry } from "./worker-registry.ts";

const heartbeatMs = 500;
/** Bytes of the dead-letter and late streams. */
const sideStreamBytes = 64 * 1024 * 1024;
/** Moves for balance at a time. */
const movesMax = 2;
/** After this long without being seen in the log, an assignment is appended again, ms. */
const assignAgainMs = 5_000;

/** What a job supervisor works with. */
export interface JobSupervisorWorld {
  readonly platform: Platform;
  readonly plan: Plan;
  readonly names: JobNames;
  readonly logs: Logs;
  readonly bus: Bus;
  readonly view: JobLogView;
  readonly registry: WorkerRegistry;
  readonly jobLog: LogWriter;
  readonly controls: ControlSender;
  /** Id of the worker it runs on. */
  readonly worker: string;
}

/** What the phases of a job supervisor do. */
interface JobPhases {
  prepare(): Promise<void>;
  supervise(): void;
  failed(error: unknown): void;
}

const jobMachine = setup({
  types: { context: {} as JobPhases, input: {} as JobPhases, events: {} as { type: "DEPOSED" } },
  actors: { prepare: fromPromise(({ input }: { input: JobPhases }) => input.prepare()) },
}).createMachine({
  id: "job",
  context: ({ input }) => input,
  initial: "preparing",
  on: { DEPOSED: ".deposed" },
  states: {
    preparing: {
      invoke: {
        src: "prepare",
        input: ({ context }) => context,
        onDone: "supervising",
        onError: { target: "failed", actions: ({ context, event }) => context.failed(event.error) },
      },
    },
    supervising: { entry: ({ context }) => context.supervise() },
    failed: {},
    deposed: { type: "final" },
  },
});

/** The job supervisor of one leader epoch. */
export class JobSupervisor {
  readonly epoch: number;
  readonly #world: JobSupervisorWorld;
  readonly #actor: ActorRefFrom<typeof jobMachine>;
  readonly #stages = new Map<number, StageSupervisor>();
  /** Instances whose assignment has been appended and not been read yet. */
  readonly #assigning = new Map<string, number>();
  readonly #restarting = new Map<string, Cancel>();
  readonly #progressAt = new Map<string, number>();
  #cancelBeat: Cancel | undefined;
  #isOutcomeWritten = false;

  constructor(world: JobSupervisorWorld, epoch: number) {
    this.#world = world;
    this.epoch = epoch;
    this.#actor = createActor(jobMachine, {
      clock: machineClock(world.platform.clock),
      input: {
        prepare: () => this.#prepare(),
        supervise: () => this.#supervise(),
        failed: (error) => this.#fail(error),
      },
    });
  }

  start(): void {
    this.#actor.start();
    this.#beat();
  }

  /** A newer leader has been read, or the worker goes: says nothing more. */
  depose(): void {
    this.#actor.send({ type: "DEPOSED" });
    this.#cancelBeat?.();
    for (const cancel of this.#restarting.values()) cancel();
    for (const stage of this.#stages.values()) stage.close();
  }

  /** The job log has been read further. */
  refresh(): void {
    for (const [key, sequence] of this.#assigning) {
      const [stage, partition] = key.split("/").map(Number);
      if ((this.#world.view.assignment({ stage: stage ?? 0, partition: partition ?? 0 })?.epoch ?? 0) >= sequence && sequence > 0) this.#assigning.delete(key);
    }
    for (const stage of this.#stages.values()) stage.refresh();
    if (this.#isSupervising) this.reconcile();
  }

  /** Reports have come in over the Bus. */
  onReports(batch: ReportBatch): void {
    if (!this.#isSupervising) return;
    this.#world.registry.heard(batch.worker);
    const answers = [];
    for (const report of batch.reports) {
      const isTaken = this.#stages.get(report.instance.stage)?.report(report) ?? false;
      this.#world.controls.reported(report.instance, report.position);
      if (isTaken && report.activity === "active") answers.push({ instance: report.instance, epoch: report.epoch, n: report.n });
    }
    if (answers.length > 0) {
      this.#world.bus.publish(`${this.#world.names.workerSubject(batch.worker)}.answers`, encodeReportAnswer({ leader: this.epoch, answers }));
    }
    this.#complete();
  }

  /** Compares what is wanted with what the job log says, and says the difference. */
  reconcile(): void {
    const { view, registry } = this.#world;
    if (!this.#isSupervising || view.outcome !== undefined) return;
    const instances = this.#world.plan.stages.flatMap((stage) => [...view.instancesOf(stage)]);
    const moves = place({ instances, workers: registry.alive(), current: (instance) => this.#hostOf(instance), movesMax });
    for (const { instance, worker, cause } of moves) {
      if (this.#isSpokenFor(instance)) continue;
      if (cause === "balance" && this.#askToRelease(instance)) continue;
      this.#assign(instance, worker, cause, "");
    }
  }

  /** `drain`: the sources end where they are. */
  drain(): void {
    if (!this.#world.view.isDraining) this.#append({ kind: "drain", leader: this.epoch });
  }

  status(): JobStatus {
    return statusOf(this.#world, this.epoch, [...this.#stages.values()]);
  }

  get #isSupervising(): boolean {
    return this.#actor.getSnapshot().value === "supervising";
  }

  async #prepare(): Promise<void> {
    const { plan, logs, names } = this.#world;
    const { inboxBytes } = plan.options;
    const refuse = { maxBytes: inboxMaxBytes(inboxBytes), full: "refuse" } as const;
    await logs.create(names.deadLetters, { maxBytes: sideStreamBytes, full: "dropOldest" });
    await logs.create(names.late, { maxBytes: sideStreamBytes, full: "dropOldest" });
    for (const stage of plan.stages) {
      if (stage.source !== undefined) await this.#prepareSource(stage);
      else await Promise.all(Array.from({ length: stage.partitions }, (_, partition) => logs.create(names.inbox(stage.name, partition), refuse)));
    }
    await this.#ping();
  }

  async #prepareSource(stage: Stage): Promise<void> {
    const { view, logs, names, plan } = this.#world;
    const reader = stage.source?.reader;
    if (reader === undefined) return;
    const splits = view.isClosed(stage.index) ? view.splits(stage.index) : await reader.splits();
    if (reader.kind === "push") {
      const config = { maxBytes: inboxMaxBytes(plan.options.inboxBytes), full: "refuse" } as const;
      await Promise.all(splits.map((_, index) => logs.create(names.ingress(stage.name, index), config)));
    }
    if (view.isClosed(stage.index)) return;
    for (const [index, { name, identity }] of splits.entries()) {
      if (view.split(stage.index, index) === undefined) this.#append({ kind: "split", leader: this.epoch, stage: stage.index, index, name, identity });
    }
    this.#append({ kind: "splitsClosed", leader: this.epoch, stage: stage.index });
  }

  /** Workers named in the log that nobody answers for are dead: found out at once instead of after a silence. */
  async #ping(): Promise<void> {
    const { view, registry, bus, names, worker } = this.#world;
    const named = new Set([...view.assignments()].map((assignment) => assignment.worker));
    named.delete(worker);
    await Promise.all(
      [...named].map(async (other) => {
        try {
          await bus.request(`${names.workerSubject(other)}.ping`, new Uint8Array(0), 1_000);
          registry.heard(other);
        } catch {
          registry.dead(other);
        }
      }),
    );
  }

  #supervise(): void {
    const { platform, plan, view } = this.#world;
    for (const stage of plan.stages) {
      const indexes = plan.edges.filter((edge) => edge.from === stage.index && typeof edge.to === "number").map((edge) => edge.index);
      const events = {
        publish: (control: WatermarkControl) => this.#publish(control),
        failed: (instance: InstanceId, report: Report) => this.#onFailed(instance, report),
        released: () => this.reconcile(),
      };
      this.#stages.set(stage.index, new StageSupervisor(platform, stage, { indexes }, this.epoch, view, events));
    }
    this.#beat();
    this.reconcile();
  }

  #beat(): void {
    const { bus, names, platform, worker } = this.#world;
    this.#cancelBeat?.();
    bus.publish(names.heartbeatSubject, encodeHeartbeat({ leader: this.epoch, worker }));
    this.#cancelBeat = platform.clock.schedule(heartbeatMs, () => this.#beat(), { background: true });
    if (this.#isSupervising) this.reconcile();
  }

  #publish(control: WatermarkControl): void {
    const to = this.#world.plan.edges[control.edge]?.to;
    if (typeof to !== "number") return;
    const { partitions } = this.#world.plan.stages[to] ?? { partitions: 0 };
    for (let partition = 0; partition < partitions; partition += 1) this.#world.controls.watermark(to, partition, control);
  }

  #onFailed(instance: InstanceId, report: Report): void {
    const key = instanceKey(instance);
    if (this.#restarting.has(key) || this.#isSpokenFor(instance)) return;
    const { platform, plan, view } = this.#world;
    const isFatal = report.failure.split(":", 1)[0] ?? "";
    if (fatalCodes.has(isFatal)) return this.#fail(new StreamError(isFatal as "DATA_LOST", report.failure.slice(isFatal.length + 2)));
    const previous = this.#progressAt.get(key) ?? 0;
    this.#progressAt.set(key, report.snapshot);
    const hasProgressed = report.snapshot > previous;
    const crashes = view.crashes(instance).map(({ storedAtMs }) => ({ storedAtMs, hasProgressed }));
    const decision = decideRestart({ crashes, nowMs: view.storedAtMs, budget: plan.options.restart, chance: platform.random.next() });
    if (decision.kind === "exhausted") {
      const what = `${this.#nameOf(instance)}: ${decision.message}; last failure: ${report.failure}`;
      return this.#fail(new StreamError("RESTARTS_EXHAUSTED", what));
    }
    const restart = () => {
      this.#restarting.delete(key);
      const worker = this.#hostOf(instance) ?? this.#world.worker;
      this.#assign(instance, worker, "crash", report.failure);
    };
    this.#restarting.set(key, platform.clock.schedule(decision.delayMs, restart));
  }

  #fail(error: unknown): void {
    if (this.#isOutcomeWritten) return;
    this.#isOutcomeWritten = true;
    const code = StreamError.is(error) ? error.code : "UNAVAILABLE";
    this.#world.platform.logger.log("error", "the job has failed", { code, reason: messageOf(error) });
    this.#append({ kind: "outcome", leader: this.epoch, outcome: "failed", code, message: messageOf(error) });
  }

  #complete(): void {
    if (this.#isOutcomeWritten) return;
    const { plan, view } = this.#world;
    const reportOf = (instance: InstanceId) => this.#stages.get(instance.stage)?.reportOf(instance);
    if (!isComplete({ stages: plan.stages, view, reportOf })) return;
    this.#isOutcomeWritten = true;
    this.#append({ kind: "outcome", leader: this.epoch, outcome: "completed", code: "", message: "" });
  }

  #assign(instance: InstanceId, worker: string, cause: AssignmentCause, detail: string): void {
    const key = instanceKey(instance);
    this.#assigning.set(key, 0);
    const record: JobLogRecord = { kind: "assignment", leader: this.epoch, instance, worker, cause, detail };
    this.#world.jobLog.enqueue(encodeJobLogRecord(record), (sequence) => {
      if (this.#assigning.has(key)) this.#assigning.set(key, sequence);
      this.refresh();
    });
    this.#world.platform.clock.schedule(assignAgainMs, () => this.#assigning.delete(key), { background: true });
  }

  /** Asks the host to let go first (a graceful move); answers whether it was asked and has not let go yet. */
  #askToRelease(instance: InstanceId): boolean {
    const report = this.#stages.get(instance.stage)?.reportOf(instance);
    const host = this.#hostOf(instance);
    if (report === undefined || host === undefined || report.state === "released") return false;
    const answer = { leader: this.epoch, answers: [{ instance, epoch: report.epoch, n: report.n }] };
    this.#world.bus.publish(`${this.#world.names.workerSubject(host)}.release`, encodeReportAnswer(answer));
    return true;
  }

  #append(record: JobLogRecord): void {
    this.#world.jobLog.enqueue(encodeJobLogRecord(record), () => this.refresh());
  }

  /** Whether something is already on its way for this instance. */
  #isSpokenFor(instance: InstanceId): boolean {
    const key = instanceKey(instance);
    return this.#assigning.has(key) || this.#restarting.has(key);
  }

  /** The living worker that the job log names, unless it has released the instance. */
  #hostOf(instance: InstanceId): string | undefined {
    const worker = this.#world.view.assignment(instance)?.worker;
    if (worker === undefined || !this.#world.registry.isAlive(worker)) return undefined;
    return this.#stages.get(instance.stage)?.reportOf(instance)?.state === "released" ? undefined : worker;
  }

  #nameOf(instance: InstanceId): string {
    return `${this.#world.plan.stages[instance.stage]?.name ?? instance.stage}/${instance.partition}`;
  }
}

/** Failures that a restart would only repeat: the job stops and says so. */
const fatalCodes = new Set(["DATA_LOST", "CORRUPT", "DIVERGED", "SNAPSHOT_UNSUITABLE", "SOURCE_CHANGED", "DEAD_LETTERS_EXCEEDED"]);
