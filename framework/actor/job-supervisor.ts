/**
 * The job supervisor: runs on the leader, for one leader epoch.
 *
 * Owns the decisions of its epoch: which logs exist, which splits there are, which worker hosts which instance, when an instance is started again, and when
 * the job is over. Its durable state is the job log; what it decides counts when it is read there.
 *
 * R7 of supervision (design, section 7): all control is level-triggered: what is wanted and not yet seen is said again.
 * A leader does nothing before its own leader-start has been read.
 */
import { createActor, fromPromise, setup, type ActorRefFrom } from "xstate";
import { StreamError, messageOf, type ErrorCode } from "../errors.ts";
import type { Cancel } from "../platform/platform.ts";
import { isComplete } from "../protocol/completion.ts";
import { instanceKey } from "../protocol/job-log.ts";
import type { Heartbeat, InstanceId, JobLogRecord, Report, ReportBatch } from "../record/messages.ts";
import { Assignments, type AssignmentReason } from "./assignments.ts";
import { Distribution, type Relocation } from "./distribution.ts";
import { statusOf, type JobStatus } from "./job-status.ts";
import { prepareJob } from "./job-preparation.ts";
import type { JobWorld } from "./job-world.ts";
import { machineClock } from "./machine-clock.ts";
import { LoopSupervisor } from "./loop-supervisor.ts";
import { Outages } from "./outages.ts";
import { Quarantines } from "./quarantines.ts";
import { Restarts } from "./restarts.ts";
import { SavepointKeeper } from "./savepoint-keeper.ts";
import { silence } from "./stage-supervisor.ts";
import { Stages } from "./stages.ts";
import { Suspects, type Bereavement } from "./suspects.ts";

const heartbeatMs = 500;

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

/** Failures that a restart would only repeat: the job stops and says so. */
const fatalCodes: ReadonlySet<string> = new Set<ErrorCode>([
  "DATA_LOST",
  "CORRUPT",
  "DIVERGED",
  "SNAPSHOT_UNSUITABLE",
  "SOURCE_CHANGED",
  "DEAD_LETTERS_EXCEEDED",
  "LOOP_FULL",
]);

/** The job supervisor of one leader epoch. */
export class JobSupervisor {
  readonly epoch: number;
  readonly #world: JobWorld;
  readonly #actor: ActorRefFrom<typeof jobMachine>;
  readonly #stages: Stages;
  readonly #assignments: Assignments;
  readonly #distribution: Distribution;
  readonly #quarantines: Quarantines;
  readonly #restarts: Restarts;
  readonly #outages: Outages;
  readonly #suspects: Suspects;
  readonly #savepoints: SavepointKeeper;
  #unlisten: (() => void) | undefined;
  readonly #loops: LoopSupervisor;
  #cancelBeat: Cancel | undefined;
  #isOutcomeWritten = false;
  /** Everybody reports to a new leader at once, while it still prepares: the newest report of each incarnation waits here. */
  readonly #early = new Map<string, { readonly worker: string; readonly report: Report }>();
  /** How far the job log had been read, and since when. */
  #read: { readonly position: number; readonly atMs: number };

  constructor(world: JobWorld, epoch: number) {
    this.#world = world;
    this.epoch = epoch;
    const nameOf = (instance: InstanceId) => this.#nameOf(instance);
    this.#stages = new Stages(world, epoch, {
      failed: (instance, report) => this.#onFailed(instance, report),
      released: (instance) => this.#onReleased(instance),
    });
    this.#assignments = new Assignments(world, epoch, nameOf, () => this.refresh());
    this.#quarantines = new Quarantines(world, epoch, () => this.#logNowMs);
    this.#distribution = new Distribution(world, epoch, this.#quarantines, {
      all: () => world.plan.stages.flatMap((stage) => [...world.tail.view.instancesOf(stage)]),
      reportOf: (instance) => this.#stages.reportOf(instance),
      isSpokenFor: (instance) => this.#isSpokenFor(instance),
      onGathered: () => this.reconcile(),
    });
    this.#restarts = new Restarts(world.platform, world.plan.options.restart);
    this.#outages = new Outages(world.platform, world.tail.view, nameOf);
    this.#suspects = new Suspects({
      platform: world.platform,
      registers: world.registers,
      names: world.names,
      view: world.tail.view,
      witness: world.witness,
      crashesMax: world.plan.options.poison.crashesMax,
      onFound: () => this.reconcile(),
      isSource: ({ stage }) => world.plan.stages[stage]?.source !== undefined,
    });
    this.#loops = new LoopSupervisor(world.plan, epoch, world.tail.view, {
      feed: (stages, watermark) => this.#stages.feed(stages, watermark),
      drain: (stages, savepoint) => this.#stages.drainBack(stages, savepoint),
      ask: () => world.bus.beat(this.#heartbeat),
      pause: (splits, forMs) => this.#stages.pause(splits, forMs),
    });
    this.#savepoints = new SavepointKeeper(world, epoch, {
      reportOf: (instance) => this.#stages.reportOf(instance),
      nameOf,
      nowMs: () => this.#logNowMs,
    });
    this.#read = { position: world.tail.view.position, atMs: world.platform.clock.monotonicMs() };
    this.#actor = createActor(jobMachine, {
      clock: machineClock(world.platform.clock),
      input: {
        prepare: () => prepareJob(world, epoch),
        supervise: () => this.#supervise(),
        failed: (error) => this.#unprepared(error),
      },
    });
  }

  start(): void {
    this.#unlisten = this.#world.bus.listenAsLeader({
      heartbeat: () => this.#heartbeat,
      status: () => this.status(),
    });
    this.#actor.start();
    this.#beat();
  }

  /** A newer leader has been read, or the worker goes: says nothing more. */
  depose(): void {
    this.#actor.send({ type: "DEPOSED" });
    this.#unlisten?.();
    this.#cancelBeat?.();
    this.#restarts.close();
    this.#suspects.close();
    this.#savepoints.close();
    this.#stages.close();
  }

  /** The job log has been read further. */
  refresh(): void {
    if (this.#isDeposed) return;
    const { view } = this.#world.tail;
    if (this.#read.position !== view.position)
      this.#read = { position: view.position, atMs: this.#world.platform.clock.monotonicMs() };
    this.#assignments.refresh();
    this.#stages.refresh();
    this.#loops.refresh();
    this.reconcile();
    this.#goOn();
  }

  /** Reports have come in over the Bus. */
  onReports(batch: ReportBatch): void {
    if (!this.#isSupervising) {
      for (const report of batch.reports)
        this.#early.set(`${instanceKey(report.instance)}@${report.epoch}`, { worker: batch.worker, report });
      return;
    }
    this.#world.registry.heard(batch.worker);
    for (const report of batch.reports) {
      this.#stages.report(report);
      this.#loops.report(report);
      this.#outages.reported(report);
      this.#distribution.reported(report);
      this.#world.controls.reported(report.instance, report.position);
      if (this.#suspects.hasStood(report.instance)) this.#distribution.askToRelease(report.instance);
    }
    this.#goOn();
  }

  /** What whole rounds of reports lead to: a savepoint, the end. */
  #goOn(): void {
    if (!this.#isSupervising) return;
    this.#savepoints.refresh();
    this.#complete();
  }

  /** Compares what is wanted with what the job log says, and says the difference. */
  reconcile(): void {
    if (!this.#isSupervising || this.#world.tail.view.isOver) return;
    for (const relocation of this.#distribution.relocations()) this.#relocate(relocation);
  }

  #relocate({ instance, worker, cause, holder }: Relocation): void {
    this.#outages.down(instance, this.#world.platform.clock.monotonicMs() - this.#world.registry.silentMs(holder));
    if (cause === "workerLost") return this.#bereaved(instance, holder, worker);
    const hasStood = cause === "release" && this.#suspects.hasStood(instance);
    this.#assign(instance, worker, {
      cause,
      detail: "",
      suspicion: hasStood ? undefined : this.#suspects.carried(instance),
    });
  }

  /** Its worker is gone: whose fault that was decides how it is assigned. Decided in a moment, if that is not known yet. */
  #bereaved(instance: InstanceId, lost: string, worker: string): void {
    const bereavement = this.#suspects.bereaved(instance, lost);
    if (bereavement !== undefined) this.#afterDeath(instance, worker, bereavement);
  }

  #afterDeath(instance: InstanceId, worker: string, { decision, site }: Bereavement): void {
    if (decision.kind === "unskippable") {
      const where = `message ${decision.sequence} has ended its process ${decision.crashes} times before any step of it`;
      const what = `${this.#nameOf(instance)}: ${where}: a key selector or codec, and no record that could be skipped`;
      return this.#fail(new StreamError("RESTARTS_EXHAUSTED", what));
    }
    const { suspicion } = decision;
    if (site === undefined) return this.#assign(instance, worker, { cause: "workerLost", detail: "", suspicion });
    const detail =
      suspicion?.skip?.reason ?? `its thread or process ended in message ${site.sequence}, step ${site.step}`;
    this.#assign(instance, worker, { cause: "poison", detail, suspicion });
  }

  status(): JobStatus {
    const { plan, names, tail } = this.#world;
    const workers = this.#quarantines.workers();
    const isParked = (instance: InstanceId) => this.#restarts.isParked(instance);
    const quarantines = tail.view.fleet.quarantinesAt(this.#logNowMs);
    const world = { plan, names, view: tail.view, workers, quarantines, outages: this.#outages.history(), isParked };
    return statusOf(world, this.epoch, this.#stages.all, this.#savepoints.status);
  }

  get #isDeposed(): boolean {
    return this.#actor.getSnapshot().value === "deposed";
  }

  get #isSupervising(): boolean {
    return this.#actor.getSnapshot().value === "supervising";
  }

  #supervise(): void {
    this.#stages.open();
    // The machine is in `supervising` only after this action: what is wanted is compared in the next task.
    this.#world.platform.clock.schedule(0, () => {
      for (const { worker, report } of this.#early.values()) this.onReports({ worker, reports: [report] });
      this.#early.clear();
      this.#beat();
    });
  }

  /** A heartbeat, and with it a look at what is wanted. */
  #beat(): void {
    const { bus, platform, registry } = this.#world;
    if (this.#isDeposed) return;
    this.#cancelBeat?.();
    bus.beat(this.#heartbeat);
    this.#loops.repeat();
    this.#cancelBeat = platform.clock.schedule(heartbeatMs, () => this.#beat(), { background: true });
    this.reconcile();
    const isHosted = (instance: InstanceId) => this.#distribution.hostOf(instance) !== undefined;
    for (const instance of this.#stages.beat(isHosted)) this.#onFailed(instance, silence);
    this.#goOn();
    if (this.#isSupervising) this.#suspects.keep();
    if (this.#isSupervising && !this.#world.tail.view.isOver) this.#quarantines.consider();
    // A worker that has fallen silent does not wait for the next heartbeat, too.
    const silentInMs = registry.silentInMs();
    if (silentInMs < heartbeatMs) platform.clock.schedule(silentInMs + 1, () => this.reconcile(), { background: true });
  }

  get #heartbeat(): Heartbeat {
    return { leader: this.epoch, worker: this.#world.worker, loopRound: this.#loops.round };
  }

  #onFailed(instance: InstanceId, report: Pick<Report, "failure" | "site" | "snapshot">): void {
    if (this.#isSpokenFor(instance) || this.#world.tail.view.isOver) return;
    this.#outages.down(instance, this.#world.platform.clock.monotonicMs());
    const [code = "", ...rest] = report.failure.split(": ");
    if (fatalCodes.has(code))
      return this.#fail(new StreamError(code as ErrorCode, `${this.#nameOf(instance)}: ${rest.join(": ")}`));
    const { view } = this.#world.tail;
    const again = this.#distribution.hostOf(instance) ?? this.#world.worker;
    if (report.site !== undefined) return this.#afterDeath(instance, again, this.#suspects.died(instance, report.site));
    const isExcused = ({ worker }: { readonly worker: string }) => this.#quarantines.holds(worker);
    const before = view.crashes(instance).map((each) => ({ ...each, isExcused: isExcused(each) }));
    const crash = { instance, snapshot: report.snapshot, before, nowMs: this.#logNowMs };
    const exhausted = this.#restarts.crashed(crash, () =>
      this.#assign(instance, this.#distribution.hostAfterCrash(instance) ?? this.#world.worker, {
        cause: "crash",
        detail: report.failure,
        suspicion: this.#suspects.carried(instance),
      }),
    );
    if (exhausted === undefined) return;
    const what = `${this.#nameOf(instance)}: ${exhausted}; last failure: ${report.failure}`;
    this.#fail(new StreamError("RESTARTS_EXHAUSTED", what));
  }

  #onReleased(instance: InstanceId): void {
    this.#outages.down(instance, this.#world.platform.clock.monotonicMs());
    this.reconcile();
  }

  /** Now, in the job log's own time: when it stored its last record, and what has passed here since that was read. */
  get #logNowMs(): number {
    return this.#world.tail.view.storedAtMs + this.#world.platform.clock.monotonicMs() - this.#read.atMs;
  }

  /** A worker whose user may not create streams is no reason for the job to fail: another one may. */
  #unprepared(error: unknown): void {
    if (!StreamError.is(error, "SERVER_REFUSED")) return this.#fail(error);
    const reason = error.message;
    this.#world.platform.logger.log("error", "this worker may not create what the job needs: another one must lead", {
      reason,
    });
    this.#world.abdicate();
  }

  #fail(error: unknown): void {
    const code = StreamError.is(error) ? error.code : "UNAVAILABLE";
    this.#world.platform.logger.log("error", "the job has failed", { code, reason: messageOf(error) });
    this.#end("failed", code, messageOf(error));
  }

  /** Not in the middle of a savepoint: whoever wanted it gets it first. */
  #complete(): void {
    const { plan, tail } = this.#world;
    if (tail.view.savepoints.open !== undefined) return;
    const reportOf = (instance: InstanceId) => this.#stages.reportOf(instance);
    if (isComplete({ stages: plan.stages, view: tail.view, reportOf })) this.#end("completed", "", "");
  }

  #end(outcome: "completed" | "failed", code: string, message: string): void {
    if (this.#isOutcomeWritten) return;
    this.#isOutcomeWritten = true;
    this.#append({ kind: "outcome", leader: this.epoch, outcome, code, message });
  }

  #assign(instance: InstanceId, worker: string, why: AssignmentReason): void {
    this.#assignments.assign(instance, worker, why);
  }

  #append(record: JobLogRecord): void {
    this.#world.tail.append(record, () => this.refresh());
  }

  /** Whether something is already on its way for this instance. */
  #isSpokenFor(instance: InstanceId): boolean {
    return this.#assignments.has(instance) || this.#restarts.isParked(instance);
  }

  #nameOf(instance: InstanceId): string {
    return `${this.#world.plan.stages[instance.stage]?.name ?? instance.stage}/${instance.partition}`;
  }
}
