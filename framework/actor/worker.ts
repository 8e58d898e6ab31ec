/**
 * A worker: one process (or one of several in a test) that hosts instances of one job, and may lead it.
 *
 * Owns the instances assigned to it and the lanes they share, and does what the job log says. Its id is new for every start.
 *
 * W1. Only the job log assigns: what comes over the Bus can delay or hurry things, never decide them.
 */
import { createActor, type ActorRefFrom } from "xstate";
import { StreamError, invariant, messageOf } from "../errors.ts";
import type { EndHome } from "../log/ends.ts";
import { installDeterminism } from "../platform/determinism.ts";
import { jobLogBytes } from "../plan/reserve.ts";
import type { Platform } from "../platform/platform.ts";
import type { Announcement, OutcomeRecord } from "../record/messages.ts";
import type { Measured, WorkerMeasures } from "../telemetry/measures.ts";
import { Absences } from "./absence.ts";
import { Attention } from "./attention.ts";
import { Candidate } from "./candidate.ts";
import { ControlSender } from "./control-sender.ts";
import { noMarks, type InstanceHost } from "./host.ts";
import { HostedInstances } from "./hosted-instances.ts";
import { instanceHost, openAhead, openInbox } from "./instance-host.ts";
import type { Instance } from "./instance.ts";
import { JobBus } from "./job-bus.ts";
import { JobLogTail } from "./job-log-tail.ts";
import { claimJobLog } from "./job-register.ts";
import { explainBroken, recordEnd, sayStopped } from "./job-end.ts";
import type { JobStatus } from "./job-status.ts";
import type { JobWorld } from "./job-world.ts";
import { LaneSet } from "./lane-set.ts";
import { Leadership } from "./leadership.ts";
import { leave } from "./leaving.ts";
import { LogDirectory } from "./log-directory.ts";
import { machineClock } from "./machine-clock.ts";
import { repeat } from "./repeat.ts";
import { ReportOutbox } from "./report-outbox.ts";
import { claimSuccessorLog } from "./succession.ts";
import { SuspectRegister } from "./suspect-register.ts";
import { WarmUp } from "./warm-up.ts";
import { WorkerMeter } from "./worker-meter.ts";
import { considerSnapshots } from "./snapshot-looks.ts";
import { workerMachine } from "./worker-machine.ts";
import type { WorkerJob, WorkerOptions } from "./worker-job.ts";
import { unknownPlace, WorkerRegistry } from "./worker-registry.ts";
import { Witness } from "./witness.ts";

const announceMs = 500;
const reportAgainMs = 1_000;
const electionLookMs = 250;
const snapshotLookMs = 250;
const workerIdLength = 8;

/** What exists once the job log has been opened. */
interface Joined {
  readonly tail: JobLogTail;
  readonly leadership: Leadership;
}

/** One worker of one job. */
export class Worker implements Measured {
  readonly id: string;
  readonly #platform: Platform;
  readonly #job: WorkerJob;
  readonly #options: WorkerOptions;
  readonly #actor: ActorRefFrom<typeof workerMachine>;
  readonly #bus: JobBus;
  readonly #attention: Attention;
  readonly #registry: WorkerRegistry;
  readonly #absences: Absences;
  readonly #witness = new Witness();
  readonly #directory: LogDirectory;
  readonly #controls: ControlSender;
  readonly #lanes: LaneSet;
  readonly #reports: ReportOutbox;
  readonly #meter: WorkerMeter;
  readonly #instances: HostedInstances;
  readonly #warmUp = new WarmUp(() => this.#bus.announce(this.#announcement()));
  readonly #endings: (() => void)[] = [];
  #joined: Joined | undefined;
  #leaving: Promise<void> | undefined;
  #isStopHeard = false;

  constructor(platform: Platform, job: WorkerJob, options: WorkerOptions = {}) {
    const { plan, names, seams } = job;
    this.id = platform.random.id(workerIdLength);
    this.#platform = { ...platform, logger: platform.logger.child({ job: plan.job, worker: this.id }) };
    this.#job = job;
    this.#options = options;
    this.#actor = createActor(workerMachine, { clock: machineClock(platform.clock) });
    const register = new SuspectRegister(this.#platform, job.registers, names.suspect(this.id));
    this.#instances = new HostedInstances({
      id: this.id,
      platform: this.#platform,
      plan,
      register,
      startCell: options.startCell,
      usesThreads: options.usesThreads ?? false,
      host: () => this.#host,
      onRetired: (key, instance) => this.#meter.retire(key, instance),
      onChanged: (reporter) => this.#reports.changed(reporter),
    });
    this.#bus = new JobBus(seams.bus, names);
    this.#attention = new Attention(platform.clock);
    this.#registry = new WorkerRegistry(this.#attention, this.id, options.place);
    const ping = (worker: string) => this.#bus.ping(worker);
    this.#absences = new Absences(this.#attention, this.#registry, ping, () => this.#leadership?.reconcile());
    this.#directory = new LogDirectory(this.#platform, seams.logs);
    this.#controls = new ControlSender(this.#platform, {
      replicas: plan.options.replicas,
      openInbox: (stage, partition) => openInbox(this.#directory, job, stage, partition),
      onLost: (error) => this.#instances.lose(error),
    });
    const laneEvents = {
      onLost: (error: StreamError) => this.#instances.lose(error),
      lanesInto: () => Math.max(1, this.#registry.alive().length),
    };
    const open = (log: string) => this.#directory.open(log);
    this.#lanes = new LaneSet(this.#platform, plan, names, open, laneEvents, options.laneBytesMax);
    this.#meter = new WorkerMeter(this.#platform, this.#instances.byKey);
    this.#reports = new ReportOutbox(platform.clock, (reports) => this.#bus.report({ worker: this.id, reports }));
  }

  /** `joining`, `working`, `leaving`, `left` or `over`. */
  get phase(): string {
    return this.#actor.getSnapshot().value;
  }

  /** Instances hosted here, failed ones too until they are reassigned. */
  get instances(): readonly Instance[] {
    return this.#instances.all;
  }

  get isLeader(): boolean {
    return this.#leadership?.isLeading === true;
  }

  /** Joins the job: reads the job log, listens, announces itself, and stands for leader when nobody leads. */
  async start(): Promise<void> {
    if (this.#job.plan.options.deterministicGlobals) installDeterminism();
    this.#actor.start();
    const { names, seams } = this.#job;
    const log = await seams.logs.create(names.jobLog, { maxBytes: jobLogBytes, full: "refuse" });
    const { registers, isSuccessor } = this.#job;
    if (isSuccessor === true) await claimSuccessorLog(registers, names.generation, log.createdMs);
    else await claimJobLog(registers, names.generation, log);
    const tail = new JobLogTail(this.#platform, log, {
      onRead: () => this.#follow(),
      onBroken: (error) => void this.#broken(error),
    });
    const turnOf = () => this.#registry.turnToLead(tail.view.leader?.worker);
    const candidate = new Candidate(this.#attention, this.id, this.#bus, tail, turnOf);
    this.#joined = { tail, leadership: new Leadership(this.#worldOf(tail), candidate) };
    this.#listen();
    await tail.open();
  }

  /** Takes last snapshots, releases everything and goes; fires nothing. Asked again while it leaves, it answers when it has left. */
  stop(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    if (this.phase !== "working") return this.kill();
    this.#send("LEAVE");
    this.#registry.leaving();
    this.#bus.announce(this.#announcement());
    await leave(this.#platform.clock, {
      isLeader: () => this.isLeader,
      hasOthers: () => this.#registry.staying().length > 0,
      goesOn: () => !this.#tail.view.isOver,
      hosted: () => this.#instances.atWork,
      release: () => this.#instances.release(),
    });
    this.#reports.flush();
    this.#send("LEFT");
    this.kill();
  }

  /** Ends everything at once and says nothing more. */
  kill(): void {
    this.#leadership?.end();
    this.#reports.close();
    this.#meter.close();
    for (const end of this.#endings.splice(0)) end();
    this.#joined?.tail.close();
    const gone = new StreamError("FENCED", "the worker has gone");
    this.#instances.fail(gone);
    this.#lanes.close();
    this.#controls.close();
  }

  /** Ends the input: the sources stop where they are, everything fires, the job completes. Resolves when the job log has it, whoever leads. */
  drain(): Promise<void> {
    const record = { kind: "command", command: "drain", by: `worker ${this.id}` } as const;
    return new Promise((resolve) => this.#tail.append(record, () => resolve()));
  }

  /** The job as its leader sees it. @throws NO_RESPONDERS, TIMEOUT when nobody leads */
  status(): Promise<JobStatus> {
    const own = this.statusHere();
    return own === undefined ? this.#bus.status() : Promise.resolve(own);
  }

  /** {@link status}, when this worker leads; undefined otherwise. */
  statusHere(): JobStatus | undefined {
    return this.#leadership?.status();
  }

  /** What others may measure. */
  measures(): WorkerMeasures {
    const { job, generation } = this.#job.names;
    const { view } = this.#joined?.tail ?? {};
    return this.#meter.measures({ job, generation, worker: this.id }, this.#lanes, this.statusHere(), view);
  }

  /** Why this worker takes no part in the job at the moment; empty when it does. */
  obstacles(): readonly string[] {
    return this.#meter.obstacles(this.phase, this.#joined?.tail.view.leader?.epoch ?? 0);
  }

  /** The process that started `worker` says that it is dead. */
  reportDead(worker: string): void {
    this.#bus.reportDead(worker);
  }

  get #tail(): JobLogTail {
    invariant(this.#joined !== undefined, "the worker has not been started");
    return this.#joined.tail;
  }

  get #leadership(): Leadership | undefined {
    return this.#joined?.leadership;
  }

  /** Makes the worker do what the job log says. */
  #follow(): void {
    const { view } = this.#tail;
    if (this.phase === "joining") this.#join();
    if (view.outcome !== undefined) return this.#over(view.outcome);
    // Also when it has been read together with a stop.
    this.#leadership?.yield();
    if (view.life.state === "stopped") {
      this.#leadership?.refresh();
      return this.#onStopped();
    }
    // Also when it goes: what has been assigned to it meanwhile it must let go again, for the leader waits for that.
    if (this.phase === "working" || this.phase === "leaving")
      for (const { instance, ...assigned } of view.assignments()) this.#instances.obey(instance, assigned);
    // There was nobody else: what it has been given is not taken from it again.
    if (this.#instances.size > 0) this.#warmUp.end();
    if (view.isDraining) this.#instances.endInput();
    this.#instances.heed(view.savepoints.open?.id);
    if (this.#leadership?.follow(this.phase === "working") === true) this.#reports.reportAll(this.#instances.reporters);
    this.#leadership?.refresh();
  }

  /** The job was stopped by a command: everybody goes. */
  #onStopped(): void {
    if (this.#isStopHeard) return;
    this.#isStopHeard = true;
    const reason = sayStopped(this.#platform, this.#job.plan.job, this.#tail.view.life.by);
    void recordEnd(this.#platform, this.#job, this.#tail.view, { state: "stopped", message: "" });
    if (this.#options.onStopped !== undefined) this.#options.onStopped(reason);
    else void this.stop();
  }

  /** What leading takes. */
  #worldOf(tail: JobLogTail): Omit<JobWorld, "abdicate"> {
    const { plan, names, seams, registers, origin } = this.#job;
    return {
      platform: this.#platform,
      plan,
      names,
      logs: seams.logs,
      registers,
      openSavepoints: () => seams.savepoints(plan.job),
      ends: this.#ends,
      origin,
      bus: this.#bus,
      tail,
      registry: this.#registry,
      witness: this.#witness,
      controls: this.#controls,
      worker: this.id,
      gatherMs: this.#options.gatherMs ?? 0,
    };
  }

  #over(outcome: OutcomeRecord): void {
    if (this.phase === "over") return;
    const totals = this.statusHere()?.totals;
    // What this worker alone has found out (a log that cannot be followed) counts for all only when it leads.
    const mustRecord = this.#tail.view.outcome !== undefined || this.isLeader;
    this.#send("OVER");
    this.kill();
    const stand = { state: outcome.outcome, message: outcome.message };
    const recorded = mustRecord ? recordEnd(this.#platform, this.#job, this.#tail.view, stand) : Promise.resolve();
    recorded
      .then(() => this.#options.onOutcome?.(outcome, totals))
      .catch((error: unknown) =>
        this.#platform.logger.log("error", "the end of the job could not be told", { reason: messageOf(error) }),
      );
  }

  async #broken(error: StreamError): Promise<void> {
    const outcome = await explainBroken(this.#job, error);
    const { code, message: reason } = error;
    if (outcome.outcome === "failed")
      this.#platform.logger.log("error", "the job log cannot be followed", { code, reason });
    this.#over(outcome);
  }

  #listen(): void {
    const stop = this.#bus.listen(this.id, {
      announcement: () => this.#announcement(),
      onAnnouncement: (announcement) => this.#onAnnouncement(announcement),
      onReportedDead: (worker) => this.#onReportedDead(worker),
      onHeartbeat: (heartbeat) => {
        this.#meter.heardLeader(heartbeat.leader);
        for (const instance of this.#instances.all) instance.heardLeader(heartbeat);
        if (this.#leadership?.heard(heartbeat) === true) this.#registry.heard(heartbeat.worker);
      },
      onReports: (read) => this.#leadership?.onReports(read),
      onAnswers: ({ leader, answers }) => {
        if (leader >= (this.#tail.view.leader?.epoch ?? 0))
          this.#instances.addressed(answers, (instance, { n }) => instance.answered(n));
      },
      onLimits: ({ leader, limits }) => {
        if (leader >= (this.#tail.view.leader?.epoch ?? 0))
          this.#instances.addressed(limits, (instance, { watermark }) => instance.mayReadTo(watermark));
      },
      onPause: ({ leader, forMs, splits }) => {
        if (leader >= (this.#tail.view.leader?.epoch ?? 0))
          this.#instances.addressed(splits, (instance) => instance.pauseReading(forMs));
      },
      onRelease: ({ answers }) => this.#instances.addressed(answers, (instance) => instance.release()),
    });
    this.#endings.push(stop);
  }

  #onAnnouncement(announcement: Announcement): void {
    this.#meter.heard();
    const isNews = this.#registry.announced(announcement);
    this.#witness.announced(announcement.settled);
    if (announcement.isLeaving) this.#succeed(announcement.worker);
    if (isNews) this.#leadership?.reconcile();
  }

  #onReportedDead(worker: string): void {
    if (worker === this.id) return;
    this.#registry.dead(worker);
    this.#succeed(worker);
    this.#leadership?.reconcile();
  }

  #succeed(worker: string): void {
    if (this.phase === "working") this.#leadership?.succeed(worker);
  }

  #announcement(): Announcement {
    const isLeaving = this.phase === "leaving";
    const nowMs = this.#platform.clock.now();
    return {
      worker: this.id,
      load: this.#instances.size,
      isLeaving,
      ...(this.#options.place ?? unknownPlace),
      nowMs,
      settled: this.#instances.settled,
      loopShare: this.#options.loopShare?.() ?? 0,
      unstoredMs: this.#lanes.unstoredMs(this.#platform.clock.monotonicMs()),
      isWarming: this.#warmUp.isUnderWay,
    };
  }

  /** Everything that was in the job log has been read. */
  #join(): void {
    this.#send("JOINED");
    openAhead(this.#directory, this.#job, this.#tail.view);
    const { clock } = this.#platform;
    const again = (everyMs: number, action: () => void) => this.#endings.push(repeat(clock, everyMs, action));
    again(announceMs, () => this.#bus.announce(this.#announcement()));
    again(reportAgainMs, () => this.#reports.reportAll(this.#instances.reporters));
    again(snapshotLookMs, () => considerSnapshots(this.#platform.logger, this.#instances.all));
    void this.#meter.run();
    again(electionLookMs, () => {
      this.#attention.look();
      const { hearsItself } = this.#registry;
      if (this.phase === "working") this.#leadership?.consider(hearsItself);
      if (this.isLeader && hearsItself) this.#absences.look();
    });
    this.#endings.push(() => this.#warmUp.close());
    if (!this.#tail.view.isOver) this.#warmUp.begin(this.#host, this.#tail.view);
    this.#bus.announce(this.#announcement());
    if (!this.#tail.view.isOver) void this.#leadership?.begin();
  }

  get #host(): InstanceHost {
    const { probe = {}, marks = noMarks, hasManualWatermarks = false } = this.#options;
    return instanceHost({
      platform: this.#platform,
      job: this.#job,
      tail: this.#tail,
      lanes: this.#lanes,
      directory: this.#directory,
      controls: this.#controls,
      probe,
      marks,
      hasManualWatermarks,
      watchStep: undefined,
      onChanged: (instance) => this.#reports.changed(instance),
    });
  }

  get #ends(): EndHome {
    return { cluster: this.#job.cluster, logger: this.#platform.logger };
  }

  /** The job may be over while it leaves: what has ended hears nothing more. */
  #send(type: "JOINED" | "LEAVE" | "LEFT" | "OVER"): void {
    if (this.#actor.getSnapshot().status === "active") this.#actor.send({ type });
  }
}
