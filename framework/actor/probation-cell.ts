/**
 * What lives in the thread of an instance on probation: that one instance, and of a worker what it needs (R15).
 *
 * Owns the instance, its lanes and its hold on the job log. It announces nothing, leads nothing, and hosts nothing else; it reports in the name of the worker that
 * the instance was assigned to.
 *
 * PC1. A step of a new message, and each step of the message in which the instance died last, is told before it is taken.
 */
import { StreamError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { installDeterminism } from "../platform/determinism.ts";
import type { CrashSite } from "../record/poison.ts";
import { ControlSender } from "./control-sender.ts";
import type { InstanceHost, Probe, TurnMarks } from "./host.ts";
import { instanceHost, openInbox } from "./instance-host.ts";
import { Instance } from "./instance.ts";
import { JobBus } from "./job-bus.ts";
import { JobLogTail } from "./job-log-tail.ts";
import { LaneSet } from "./lane-set.ts";
import { LogDirectory } from "./log-directory.ts";
import type { ProbationOrder } from "./probation.ts";
import { ReportOutbox } from "./report-outbox.ts";
import { repeat } from "./repeat.ts";
import { considerSnapshots } from "./snapshot-looks.ts";
import type { WorkerJob } from "./worker-job.ts";

const reportAgainMs = 1_000;
const snapshotLookMs = 250;
/** Other workers' lanes into the same inboxes, as far as one knows nothing of them. */
const lanesInto = 8;

/** What the thread gives to it, and is told. */
export interface CellWorld {
  readonly marks: TurnMarks;
  readonly probe?: Probe | undefined;
  readonly hasManualWatermarks?: boolean | undefined;
  /** A step is about to be taken. Returns when the worker knows of it, if `mustKnow`. */
  onStep(site: CrashSite, mustKnow: boolean): void;
  /** No turn is under way. */
  onRest(): void;
  /** The instance has let go, or is fenced. */
  onEnded(): void;
  /** The instance has failed of itself. */
  onFailed(reason: string): void;
}

/** One instance on probation. */
export class Cell {
  readonly #platform: Platform;
  readonly #job: WorkerJob;
  readonly #order: ProbationOrder;
  readonly #world: CellWorld;
  readonly #bus: JobBus;
  readonly #directory: LogDirectory;
  readonly #controls: ControlSender;
  readonly #lanes: LaneSet;
  readonly #reports: ReportOutbox;
  readonly #endings: (() => void)[] = [];
  #tail: JobLogTail | undefined;
  #instance: Instance | undefined;
  #toldSequence = 0;
  #isTold = false;

  constructor(platform: Platform, job: WorkerJob, order: ProbationOrder, world: CellWorld) {
    const { plan, names, seams } = job;
    const { instance, worker } = order;
    this.#platform = {
      ...platform,
      logger: platform.logger.child({ job: plan.job, worker, onProbation: `${instance.stage}/${instance.partition}` }),
    };
    this.#job = job;
    this.#order = order;
    this.#world = world;
    this.#bus = new JobBus(seams.bus, names);
    this.#directory = new LogDirectory(this.#platform, seams.logs);
    this.#controls = new ControlSender(this.#platform, {
      replicas: plan.options.replicas,
      openInbox: (stage, partition) => openInbox(this.#directory, job, stage, partition),
      onLost: (error) => this.#instance?.fail(error),
    });
    this.#lanes = new LaneSet(this.#platform, plan, names, (log) => this.#directory.open(log), {
      onProgress: () => this.#instance?.wake(),
      onLost: (error) => this.#instance?.fail(error),
      lanesInto: () => lanesInto,
    });
    this.#reports = new ReportOutbox(platform.clock, (reports) => this.#bus.report({ worker, reports }));
  }

  /** The instance, once the job log has been read. */
  get instance(): Instance | undefined {
    return this.#instance;
  }

  /** Reads the job log, and begins. @throws what opening it refuses with */
  async start(): Promise<void> {
    if (this.#job.plan.options.deterministicGlobals) installDeterminism();
    const { names, seams } = this.#job;
    const log = await seams.logs.open(names.jobLog);
    this.#tail = new JobLogTail(this.#platform, log, {
      onRead: () => this.#follow(),
      onBroken: (error) => this.#world.onFailed(`${error.code}: ${error.message}`),
    });
    this.#endings.push(() => this.#tail?.close());
    await this.#tail.open();
  }

  /** Takes the last snapshot and lets go. */
  release(): void {
    if (this.#instance === undefined) this.#world.onEnded();
    else this.#instance.release();
  }

  /** Ends everything at once and says nothing more. */
  kill(): void {
    this.#reports.close();
    for (const end of this.#endings.splice(0)) end();
    this.#instance?.fail(new StreamError("FENCED", "the thread has gone"));
    this.#lanes.close();
    this.#controls.close();
  }

  #follow(): void {
    const { view } = this.#tail!;
    const assignment = view.assignment(this.#order.instance);
    const isOver = view.isOver || assignment?.epoch !== this.#order.epoch;
    if (isOver && this.#instance === undefined) return this.#world.onEnded();
    if (isOver && view.life.state !== "stopped") return this.#instance?.fail(new StreamError("FENCED", "it is over"));
    if (this.#instance === undefined) this.#begin();
    if (view.isDraining && this.#instance?.stage.source !== undefined) this.#instance.endInput();
    this.#instance?.wake();
  }

  #begin(): void {
    const { instance: id, epoch, worker } = this.#order;
    const stage = this.#job.plan.stages[id.stage];
    if (stage === undefined) return this.#world.onEnded();
    const instance = new Instance(this.#host(), id, stage, epoch);
    this.#instance = instance;
    const mine = <A extends { readonly epoch: number }>(said: readonly A[]) =>
      said.filter((each) => each.epoch === epoch);
    const stop = this.#bus.listenApart(worker, {
      onHeartbeat: (heartbeat) => instance.heardLeader(heartbeat),
      onPause: ({ splits, forMs }) => mine(splits).forEach(() => instance.pauseReading(forMs)),
      onAnswers: ({ answers }) => mine(answers).forEach(({ n }) => instance.answered(n)),
      onLimits: ({ limits }) => mine(limits).forEach(({ watermark }) => instance.mayReadTo(watermark)),
      onRelease: ({ answers }) => mine(answers).forEach(() => instance.release()),
    });
    const { clock, logger } = this.#platform;
    this.#endings.push(
      stop,
      repeat(clock, reportAgainMs, () => this.#reports.reportAll([instance])),
      repeat(clock, snapshotLookMs, () => considerSnapshots(logger, [instance])),
    );
    instance.start();
  }

  #host(): InstanceHost {
    const { marks, probe = {}, hasManualWatermarks = false } = this.#world;
    return instanceHost({
      platform: this.#platform,
      job: this.#job,
      tail: this.#tail!,
      lanes: this.#lanes,
      directory: this.#directory,
      controls: this.#controls,
      probe,
      hasManualWatermarks,
      marks: { begin: (...turn) => marks.begin(...turn), rest: () => this.#rest() },
      watchStep: (site) => this.#step(site),
      onChanged: (instance) => this.#changed(instance.phase),
    });
  }

  // PC1
  #step(site: CrashSite): void {
    const mustKnow = site.sequence !== this.#toldSequence || site.sequence === this.#order.site?.sequence;
    this.#toldSequence = site.sequence;
    this.#isTold ||= mustKnow;
    this.#world.onStep(site, mustKnow);
  }

  #rest(): void {
    this.#world.marks.rest();
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#toldSequence = 0;
    this.#world.onRest();
  }

  #changed(phase: string): void {
    const instance = this.#instance;
    if (instance === undefined) return;
    if (phase === "failed") return this.#world.onFailed(instance.report().failure);
    this.#reports.changed(instance);
    if (phase !== "released" && phase !== "fenced") return;
    this.#reports.flush();
    this.#world.onEnded();
  }
}
