/**
 * A worker: one process (or one of several in a test) that hosts instances of one job, and may lead it.
 *
 * Owns the instances assigned to it, the lanes they share, its view of the job log, and its candidacy. Its id is new for every start.
 *
 * W1. Only the job log assigns: what comes over the Bus can delay or hurry things, never decide them.
 * W2. For each instance at most one incarnation lives here, the one with the highest epoch read.
 */
import { createActor, setup, type ActorRefFrom } from "xstate";
import { StreamError, messageOf } from "../errors.ts";
import type { Blobs, Log, LogReader, Registers, Seams } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import { installDeterminism } from "../platform/determinism.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import type { Plan } from "../plan/plan.ts";
import { decideElection } from "../protocol/election.ts";
import { instanceKey, JobLogView } from "../protocol/job-log.ts";
import { inboxMaxBytes } from "../protocol/room.ts";
import type { OutcomeRecord } from "../record/messages.ts";
import { decodeJobLogRecord, encodeJobLogRecord } from "../record/wire/job-log.ts";
import { decodeAnnouncement, decodeHeartbeat, encodeAnnouncement, encodeHeartbeat } from "../record/wire/presence.ts";
import { decodeReportAnswer, decodeReportBatch, encodeReportBatch } from "../record/wire/report.ts";
import { ControlSender } from "./control-sender.ts";
import type { InstanceHost, Probe } from "./host.ts";
import { Instance } from "./instance.ts";
import { recordState } from "./job-register.ts";
import type { JobStatus } from "./job-status.ts";
import { JobSupervisor } from "./job-supervisor.ts";
import { Lane, type LaneOptions } from "./lane.ts";
import { LogDirectory } from "./log-directory.ts";
import { LogWriter } from "./log-writer.ts";
import { machineClock } from "./machine-clock.ts";
import type { FindLane } from "./outputs.ts";
import { WorkerRegistry } from "./worker-registry.ts";

const announceMs = 500;
const reportAgainMs = 1_000;
const reportMsMin = 2;
const electionLookMs = 250;
const snapshotLookMs = 250;
const requestMs = 2_000;
/** Size of the job log: small records, kept for the life of the job. */
const jobLogBytes = 64 * 1024 * 1024;
const laneBytesMax = 1024 * 1024;
const workerIdLength = 8;

/** What a worker works on. */
export interface WorkerJob {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly seams: Seams;
  readonly registers: Registers;
  readonly blobs: Blobs;
}

/** What a caller may hook into. */
export interface WorkerOptions {
  readonly probe?: Probe | undefined;
  /** @default false */
  readonly hasManualWatermarks?: boolean | undefined;
  /** Called when the job log says that the job is over; with the job's totals where this worker led. */
  readonly onOutcome?: ((outcome: OutcomeRecord, totals: JobStatus["totals"] | undefined) => void) | undefined;
}

const workerMachine = setup({
  types: { events: {} as { type: "JOINED" } | { type: "LEAVE" } | { type: "LEFT" } | { type: "OVER" } },
}).createMachine({
  id: "worker",
  initial: "joining",
  on: { OVER: ".over" },
  states: {
    joining: { on: { JOINED: "working", LEAVE: "left" } },
    working: { on: { LEAVE: "leaving" } },
    leaving: { on: { LEFT: "left" } },
    left: { type: "final" },
    over: { type: "final" },
  },
});

/** One worker of one job. */
export class Worker {
  readonly id: string;
  readonly #platform: Platform;
  readonly #job: WorkerJob;
  readonly #options: WorkerOptions;
  readonly #actor: ActorRefFrom<typeof workerMachine>;
  readonly #view = new JobLogView();
  readonly #registry: WorkerRegistry;
  readonly #directory: LogDirectory;
  readonly #controls: ControlSender;
  readonly #lanes = new Map<string, Lane>();
  readonly #instances = new Map<string, Instance>();
  readonly #dirty = new Set<Instance>();
  readonly #cancels: (() => void)[] = [];
  readonly #host: InstanceHost;
  #jobLog: LogWriter | undefined;
  #tail: LogReader | undefined;
  #supervisor: JobSupervisor | undefined;
  #leaderSubscriptions: (() => void)[] = [];
  #isStanding = false;
  #heartbeatAtMs: number;
  #reportedAtMs = -Infinity;
  #isReportScheduled = false;
  #knownLast = 0;

  constructor(platform: Platform, job: WorkerJob, options: WorkerOptions = {}) {
    this.id = platform.random.id(workerIdLength);
    this.#platform = { ...platform, logger: platform.logger.child({ job: job.plan.job, worker: this.id }) };
    this.#job = job;
    this.#options = options;
    this.#heartbeatAtMs = platform.clock.monotonicMs();
    this.#actor = createActor(workerMachine, { clock: machineClock(platform.clock) });
    this.#registry = new WorkerRegistry(platform.clock, this.id);
    this.#directory = new LogDirectory(this.#platform, job.seams.logs);
    this.#controls = new ControlSender(this.#platform, (stage, partition) => this.#openInbox(stage, partition));
    this.#host = this.#makeHost();
  }

  /** `joining`, `working`, `leaving`, `left` or `over`. */
  get phase(): string {
    return this.#actor.getSnapshot().value;
  }

  /** Instances hosted here, failed ones too until they are reassigned. */
  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  get isLeader(): boolean {
    return this.#supervisor !== undefined;
  }

  /** Joins the job: reads the job log, listens, announces itself, and stands for leader when nobody leads. */
  async start(): Promise<void> {
    if (this.#job.plan.options.deterministicGlobals) installDeterminism();
    this.#actor.start();
    const { names, seams } = this.#job;
    const log = await seams.logs.create(names.jobLog, { maxBytes: jobLogBytes, full: "refuse" });
    this.#jobLog = new LogWriter(this.#platform, log);
    this.#subscribe();
    this.#knownLast = (await log.info()).last;
    this.#tail = log.read({ from: 1, onReadable: () => this.#readJobLog(), onBroken: () => this.#lost(log) });
    if (this.#knownLast === 0) this.#joined();
  }

  /** Takes last snapshots, releases everything and goes; fires nothing. */
  async stop(): Promise<void> {
    if (this.phase !== "working") return this.kill();
    this.#actor.send({ type: "LEAVE" });
    this.#registry.leaving();
    this.#announce();
    for (const instance of this.#instances.values()) instance.release();
    const ends = new Set(["released", "failed", "fenced"]);
    while ([...this.#instances.values()].some((instance) => !ends.has(instance.phase))) await this.#sleep(5);
    this.#flushReports();
    this.#actor.send({ type: "LEFT" });
    this.kill();
  }

  /** Ends everything at once and says nothing: what a crash leaves. */
  kill(): void {
    this.#depose();
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#tail?.close();
    const gone = new StreamError("FENCED", "the worker has gone");
    for (const instance of this.#instances.values()) instance.fail(gone);
    for (const lane of this.#lanes.values()) lane.close();
    this.#controls.close();
    this.#jobLog?.close();
  }

  /** Asks the leader to end the input: the sources stop where they are, everything fires, the job completes. */
  async drain(): Promise<void> {
    if (this.#supervisor !== undefined) this.#supervisor.drain();
    else await this.#job.seams.bus.request(`${this.#job.names.leaderSubject}.drain`, new Uint8Array(0), requestMs);
  }

  /** The job as its leader sees it. @throws NO_RESPONDERS, TIMEOUT when nobody leads */
  async status(): Promise<JobStatus> {
    if (this.#supervisor !== undefined) return this.statusHere();
    const answer = await this.#job.seams.bus.request(`${this.#job.names.leaderSubject}.status`, new Uint8Array(0), requestMs);
    return parseStatus(answer);
  }

  /** {@link status}, when this worker leads. */
  statusHere(): JobStatus {
    if (this.#supervisor === undefined) throw new StreamError("NO_RESPONDERS", `worker ${this.id} does not lead`);
    return this.#supervisor.status();
  }

  /** The process that started `worker` says that it is dead. */
  reportDead(worker: string): void {
    this.#job.seams.bus.publish(`${this.#job.names.workersSubject}.dead`, encodeAnnouncement({ worker, load: 0, isLeaving: true }));
  }

  // The job log

  #readJobLog(): void {
    for (let entry = this.#tail?.take(); entry !== undefined; entry = this.#tail?.take()) {
      try {
        this.#view.apply(entry.sequence, entry.storedAtMs, decodeJobLogRecord(entry.payload));
      } catch (error) {
        return this.#broken(StreamError.from(error, "CORRUPT", `job log, record ${entry.sequence}`));
      }
    }
    if (this.#view.position < this.#knownLast) return;
    if (this.phase === "joining") this.#joined();
    this.#follow();
  }

  /** Makes the worker do what the job log says. */
  #follow(): void {
    const { outcome, leader } = this.#view;
    if (outcome !== undefined) return this.#over(outcome);
    if (this.phase === "working") {
      for (const { instance, worker, epoch } of this.#view.assignments()) this.#obey(instanceKey(instance), worker, epoch);
    }
    if (this.#view.isDraining) for (const instance of this.#instances.values()) if (instance.stage.source !== undefined) instance.endInput();
    if (leader !== undefined && leader.epoch !== this.#supervisor?.epoch) this.#onLeader(leader.epoch, leader.worker);
    this.#supervisor?.refresh();
  }

  #obey(key: string, worker: string, epoch: number): void {
    const hosted = this.#instances.get(key);
    if (hosted !== undefined && hosted.epoch >= epoch) return;
    if (hosted !== undefined) {
      hosted.supersede(epoch);
      this.#instances.delete(key);
    }
    if (worker !== this.id) return;
    const [stageIndex = 0, partition = 0] = key.split("/").map(Number);
    const stage = this.#job.plan.stages[stageIndex];
    if (stage === undefined) return;
    const instance = new Instance(this.#host, { stage: stageIndex, partition }, stage, epoch);
    this.#instances.set(key, instance);
    instance.start();
  }

  #onLeader(epoch: number, worker: string): void {
    this.#depose();
    this.#heartbeatAtMs = this.#platform.clock.monotonicMs();
    for (const instance of this.#instances.values()) this.#dirty.add(instance);
    if (worker === this.id && this.phase === "working") this.#lead(epoch);
    this.#flushReports();
  }

  #lead(epoch: number): void {
    if (this.#jobLog === undefined) return;
    const { plan, names, seams } = this.#job;
    const world = {
      platform: this.#platform,
      plan,
      names,
      logs: seams.logs,
      bus: seams.bus,
      view: this.#view,
      registry: this.#registry,
      jobLog: this.#jobLog,
      controls: this.#controls,
      worker: this.id,
    };
    this.#platform.logger.log("info", "leading", { epoch });
    const supervisor = new JobSupervisor(world, epoch);
    this.#supervisor = supervisor;
    this.#leaderSubscriptions = this.#listenAsLeader(supervisor);
    supervisor.start();
  }

  #over(outcome: OutcomeRecord): void {
    if (this.phase === "over") return;
    const wasLeading = this.#supervisor !== undefined;
    const totals = this.#supervisor?.status().totals;
    this.#actor.send({ type: "OVER" });
    this.kill();
    const { registers, names } = this.#job;
    const tell = () => this.#options.onOutcome?.(outcome, totals);
    if (wasLeading || outcome.outcome === "completed") {
      recordState(registers, names.generation, outcome.outcome, outcome.message).then(tell, (error: unknown) => {
        this.#platform.logger.log("warn", "the job's register could not be written", { reason: messageOf(error) });
        tell();
      });
    } else tell();
  }

  #lost(log: Log): void {
    this.#broken(new StreamError("DATA_LOST", `${log.name} is not the log it was: it was trimmed, shortened or created anew`));
  }

  #broken(error: StreamError): void {
    this.#platform.logger.log("error", "the job log cannot be followed", { code: error.code, reason: error.message });
    this.#over({ kind: "outcome", leader: 0, outcome: "failed", code: error.code, message: error.message });
  }

  // The Bus

  #subscribe(): void {
    const { bus } = this.#job.seams;
    const { names } = this.#job;
    const mine = names.workerSubject(this.id);
    this.#cancels.push(
      bus.subscribe(names.workersSubject, (payload) => this.#onAnnounced(payload)),
      bus.subscribe(`${names.workersSubject}.dead`, (payload) => this.#onDead(payload)),
      bus.subscribe(names.heartbeatSubject, (payload) => this.#onHeartbeat(payload)),
      bus.subscribe(names.reportsSubject, (payload) => this.#supervisor?.onReports(decodeReportBatch(payload))),
      bus.subscribe(`${mine}.ping`, (_payload, reply) => reply?.(this.#announcement())),
      bus.subscribe(`${mine}.answers`, (payload) => this.#onAnswers(payload)),
      bus.subscribe(`${mine}.release`, (payload) => this.#onRelease(payload)),
    );
  }

  #onAnnounced(payload: Uint8Array): void {
    const announcement = decodeAnnouncement(payload);
    const isNew = !this.#registry.isAlive(announcement.worker) || announcement.isLeaving;
    this.#registry.announced(announcement);
    if (isNew) this.#supervisor?.reconcile();
  }

  #onDead(payload: Uint8Array): void {
    const { worker } = decodeAnnouncement(payload);
    if (worker === this.id) return;
    this.#registry.dead(worker);
    if (this.#view.leader?.worker === worker) this.#stand();
    this.#supervisor?.reconcile();
  }

  #onHeartbeat(payload: Uint8Array): void {
    const { leader, worker } = decodeHeartbeat(payload);
    if (leader < (this.#view.leader?.epoch ?? 0)) return;
    this.#heartbeatAtMs = this.#platform.clock.monotonicMs();
    this.#registry.heard(worker);
  }

  #onAnswers(payload: Uint8Array): void {
    const { leader, answers } = decodeReportAnswer(payload);
    if (leader < (this.#view.leader?.epoch ?? 0)) return;
    for (const { instance, epoch, n } of answers) {
      const hosted = this.#instances.get(instanceKey(instance));
      if (hosted?.epoch === epoch) hosted.answered(n);
    }
  }

  #onRelease(payload: Uint8Array): void {
    for (const { instance, epoch } of decodeReportAnswer(payload).answers) {
      const hosted = this.#instances.get(instanceKey(instance));
      if (hosted?.epoch === epoch) hosted.release();
    }
  }

  // Presence and leadership

  #joined(): void {
    this.#actor.send({ type: "JOINED" });
    this.#repeat(announceMs, () => this.#announce());
    this.#repeat(reportAgainMs, () => this.#reportAll());
    this.#repeat(electionLookMs, () => this.#considerStanding());
    this.#repeat(snapshotLookMs, () => this.#considerSnapshots());
    this.#announce();
    void this.#askForLeader();
  }

  #repeat(everyMs: number, action: () => void): void {
    let cancel: Cancel;
    const next = () => {
      cancel = this.#platform.clock.schedule(
        everyMs,
        () => {
          action();
          next();
        },
        { background: true },
      );
    };
    next();
    this.#cancels.push(() => cancel());
  }

  #announcement(): Uint8Array {
    return encodeAnnouncement({ worker: this.id, load: this.#instances.size, isLeaving: this.phase === "leaving" });
  }

  #announce(): void {
    this.#job.seams.bus.publish(this.#job.names.workersSubject, this.#announcement());
  }

  async #askForLeader(): Promise<void> {
    if (this.#view.leader !== undefined) {
      try {
        const answer = await this.#job.seams.bus.request(`${this.#job.names.leaderSubject}.who`, new Uint8Array(0), requestMs);
        return this.#onHeartbeat(answer);
      } catch (error) {
        if (!StreamError.is(error, "NO_RESPONDERS")) return;
      }
    }
    if (this.#view.outcome === undefined && !this.isLeader) this.#stand();
  }

  #considerStanding(): void {
    if (this.isLeader || this.phase !== "working") return;
    const silentMs = this.#platform.clock.monotonicMs() - this.#heartbeatAtMs;
    const decision = decideElection({ logHasLeader: this.#view.leader !== undefined, silentMs, hasAnswered: undefined });
    if (decision.kind === "stand") this.#stand();
  }

  #stand(): void {
    if (this.#isStanding || this.#jobLog === undefined || this.phase !== "working") return;
    this.#isStanding = true;
    this.#heartbeatAtMs = this.#platform.clock.monotonicMs();
    this.#jobLog.enqueue(encodeJobLogRecord({ kind: "leaderStart", worker: this.id }), () => {
      this.#isStanding = false;
    });
  }

  #depose(): void {
    this.#supervisor?.depose();
    this.#supervisor = undefined;
    for (const cancel of this.#leaderSubscriptions.splice(0)) cancel();
  }

  /** Only the leader listens on the leader's subjects, so that silence there means that nobody leads. */
  #listenAsLeader(supervisor: JobSupervisor): (() => void)[] {
    const { bus } = this.#job.seams;
    const { names } = this.#job;
    const heartbeat = () => encodeHeartbeat({ leader: supervisor.epoch, worker: this.id });
    return [
      bus.subscribe(`${names.leaderSubject}.who`, (_payload, reply) => reply?.(heartbeat())),
      bus.subscribe(`${names.leaderSubject}.status`, (_payload, reply) => reply?.(Buffer.from(JSON.stringify(supervisor.status(), replaceInfinity)))),
      bus.subscribe(`${names.leaderSubject}.drain`, (_payload, reply) => {
        supervisor.drain();
        reply?.(new Uint8Array(0));
      }),
    ];
  }

  // Reports

  #onInstanceChanged(instance: Instance): void {
    if (!instance.hasNews) return;
    this.#dirty.add(instance);
    if (this.#isReportScheduled) return;
    this.#isReportScheduled = true;
    const waitMs = Math.max(0, this.#reportedAtMs + reportMsMin - this.#platform.clock.monotonicMs());
    this.#platform.clock.schedule(waitMs, () => {
      this.#isReportScheduled = false;
      this.#flushReports();
    });
  }

  #reportAll(): void {
    for (const instance of this.#instances.values()) this.#dirty.add(instance);
    this.#flushReports();
  }

  #flushReports(): void {
    if (this.#dirty.size === 0) return;
    this.#reportedAtMs = this.#platform.clock.monotonicMs();
    const reports = [...this.#dirty].filter((instance) => instance.phase !== "fenced").map((instance) => instance.report());
    this.#dirty.clear();
    if (reports.length > 0) this.#job.seams.bus.publish(this.#job.names.reportsSubject, encodeReportBatch({ worker: this.id, reports }));
  }

  #considerSnapshots(): void {
    const { inboxBytes } = this.#job.plan.options;
    for (const instance of this.#instances.values()) {
      if (instance.bytesSinceTrim < inboxBytes / 4) instance.considerSnapshot(0);
      else void instance.storedBytes().then((bytes) => instance.considerSnapshot(bytes), () => undefined);
    }
  }

  // What instances are given

  #makeHost(): InstanceHost {
    const { plan, names, registers, blobs } = this.#job;
    const view = this.#view;
    return {
      platform: this.#platform,
      plan,
      names,
      registers,
      blobs,
      probe: this.#options.probe ?? {},
      codeVersion: plan.version,
      hasManualWatermarks: this.#options.hasManualWatermarks ?? false,
      findLane: (to, partition) => this.#lane(to, partition),
      openInbox: (stage, partition) => this.#openInbox(stage, partition),
      openIngress: (stage, split) => this.#directory.open(names.ingress(plan.stages[stage]?.name ?? "", split)),
      appendControl: (stage, partition, payload) => this.#controls.append(stage, partition, payload),
      splitOf: (stage, index) => view.split(stage, index),
      get isDraining() {
        return view.isDraining;
      },
      onChanged: (instance) => this.#onInstanceChanged(instance),
    };
  }

  #openInbox(stage: number, partition: number): Promise<Log> {
    return this.#directory.open(this.#job.names.inbox(this.#job.plan.stages[stage]?.name ?? "", partition));
  }

  readonly #lane: FindLane = (to, partition) => {
    const { names, plan } = this.#job;
    const name = to === "dead" ? names.deadLetters : to === "late" ? names.late : names.inbox(plan.stages[to]?.name ?? "", partition);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = new Lane(this.#platform, this.#directory.open(name), this.#laneOptions(typeof to === "number"), {
        onProgress: () => this.#wakeInstances(),
        lanesInto: () => Math.max(1, this.#registry.alive().length),
        onResend: (frames) => this.#platform.logger.log("debug", "lane sends again", { log: name, frames }),
      });
      this.#lanes.set(name, lane);
    }
    return lane;
  };

  #laneOptions(isInbox: boolean): LaneOptions {
    const { frameBytesTarget, frameBytesMax, lingerMs, replicas, inboxBytes } = this.#job.plan.options;
    const framesMax = replicas > 1 ? 16 : 4;
    return { frameBytesTarget, frameBytesMax, lingerMs, framesMax, laneBytesMax, dataBytesMax: isInbox ? inboxBytes : inboxMaxBytes(Infinity) };
  }

  #wakeInstances(): void {
    for (const instance of this.#instances.values()) instance.wake();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#platform.clock.schedule(ms, resolve));
  }
}

/** Infinities are no JSON: they travel as strings. */
function replaceInfinity(_key: string, value: unknown): unknown {
  return value === Infinity || value === -Infinity ? String(value) : value;
}

function parseStatus(bytes: Uint8Array): JobStatus {
  const restore = (key: string, value: unknown) => (value === "Infinity" || value === "-Infinity" ? Number(value) : value);
  return JSON.parse(Buffer.from(bytes).toString(), restore) as JobStatus;
}
