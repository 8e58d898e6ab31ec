/**
 * What lives in a thread of a worker: instances, and of a worker what they need.
 *
 * Owns the instances, the lanes that they share, and their hold on the job log. It announces nothing, leads nothing, and hosts nothing but what it is told to; it
 * reports in the name of the worker that the instances were assigned to. One on probation lives alone in its cell (R15).
 *
 * PC1. Of one on probation a step of a new message, and each step of the message in which it died last, is told before it is taken.
 */
import { StreamError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { installDeterminism } from "../platform/determinism.ts";
import { instanceKey } from "../protocol/job-log.ts";
import type { InstanceId } from "../record/messages.ts";
import type { CrashSite } from "../record/poison.ts";
import { ControlSender } from "./control-sender.ts";
import type { CellOrder } from "./cell-contract.ts";
import type { InstanceHost, Probe, TurnMarks } from "./host.ts";
import { InboxRounds } from "./inbox-rounds.ts";
import { instanceHost, openInbox } from "./instance-host.ts";
import { Instance } from "./instance.ts";
import { JobBus } from "./job-bus.ts";
import { JobLogTail } from "./job-log-tail.ts";
import { LaneSet } from "./lane-set.ts";
import { LogDirectory } from "./log-directory.ts";
import { ReportOutbox } from "./report-outbox.ts";
import { repeat } from "./repeat.ts";
import { considerSnapshots } from "./snapshot-looks.ts";
import type { WorkerJob } from "./worker-job.ts";

const reportAgainMs = 1_000;
const snapshotLookMs = 250;
/** Other workers' lanes into the same inboxes, as far as one knows nothing of them. */
const lanesInto = 8;

/** Names one incarnation. */
export interface CellIncarnation {
  readonly instance: InstanceId;
  readonly epoch: number;
}

/** What the thread gives to it, and is told. */
export interface CellWorld {
  readonly marks: TurnMarks;
  readonly probe?: Probe | undefined;
  readonly hasManualWatermarks?: boolean | undefined;
  /** One on probation is about to take a step. Returns when the worker knows of it, if `mustKnow`. */
  onStep(site: CrashSite, mustKnow: boolean): void;
  /** No turn of the one on probation is under way. */
  onRest(): void;
  /** The instance has let go, or is fenced. */
  onEnded(which: CellIncarnation): void;
  /** The instance has failed of itself. */
  onFailed(which: CellIncarnation, reason: string): void;
  /** The job log cannot be followed: nothing can live here. */
  onBroken(reason: string): void;
}

/** Who is hosted; its instance, once the job log has been read so far. */
interface Hosted {
  readonly order: CellOrder;
  instance: Instance | undefined;
}

/** The instances of one thread. */
export class Cell {
  readonly #platform: Platform;
  readonly #job: WorkerJob;
  readonly #worker: string;
  readonly #world: CellWorld;
  readonly #bus: JobBus;
  readonly #directory: LogDirectory;
  readonly #controls: ControlSender;
  readonly #lanes: LaneSet;
  readonly #reports: ReportOutbox;
  readonly #rounds: InboxRounds;
  readonly #hosted = new Map<string, Hosted>();
  readonly #endings: (() => void)[] = [];
  #tail: JobLogTail | undefined;
  #hasRead = false;
  #toldSequence = 0;
  #isTold = false;

  /** @param worker id of the worker in whose name they report */
  constructor(platform: Platform, job: WorkerJob, worker: string, world: CellWorld) {
    const { plan, names, seams } = job;
    this.#platform = { ...platform, logger: platform.logger.child({ job: plan.job, worker, isThread: true }) };
    this.#job = job;
    this.#worker = worker;
    this.#world = world;
    this.#bus = new JobBus(seams.bus, names);
    this.#directory = new LogDirectory(this.#platform, seams.logs);
    this.#controls = new ControlSender(this.#platform, {
      replicas: plan.options.replicas,
      openInbox: (stage, partition) => openInbox(this.#directory, job, stage, partition),
      onLost: (error) => this.#fail(error),
    });
    this.#lanes = new LaneSet(this.#platform, plan, names, (log) => this.#directory.open(log), {
      onLost: (error) => this.#fail(error),
      lanesInto: () => lanesInto,
    });
    this.#reports = new ReportOutbox(platform.clock, (reports) => this.#bus.report({ worker, reports }));
    this.#rounds = new InboxRounds(this.#platform, () => this.instances);
  }

  /** The instances that have begun. */
  get instances(): readonly Instance[] {
    return [...this.#hosted.values()].flatMap(({ instance }) => instance ?? []);
  }

  /** Reads the job log, and begins. @throws what opening it refuses with */
  async start(): Promise<void> {
    if (this.#job.plan.options.deterministicGlobals) installDeterminism();
    const { names, seams } = this.#job;
    const log = await seams.logs.open(names.jobLog);
    this.#tail = new JobLogTail(this.#platform, log, {
      onRead: () => this.#follow(),
      onBroken: (error) => this.#world.onBroken(`${error.code}: ${error.message}`),
    });
    this.#endings.push(() => this.#tail?.close());
    this.#listen();
    await this.#tail.open();
  }

  /** Hosts an instance from the assignment on that the order names. */
  host(order: CellOrder): void {
    this.#hosted.set(instanceKey(order.instance), { order, instance: undefined });
    if (this.#hasRead) this.#follow();
  }

  /** The instance takes its last snapshot and lets go. */
  release(which: CellIncarnation): void {
    const hosted = this.#find(which);
    if (hosted === undefined) return;
    if (hosted.instance === undefined) this.#ended(hosted);
    else hosted.instance.release();
  }

  /** Ends one incarnation at once; nothing is said of it. */
  drop(which: CellIncarnation): void {
    const hosted = this.#find(which);
    if (hosted === undefined) return;
    this.#hosted.delete(instanceKey(which.instance));
    hosted.instance?.fail(new StreamError("FENCED", "its worker has dropped it"));
  }

  /** Ends everything at once and says nothing more. */
  kill(): void {
    this.#reports.close();
    this.#rounds.close();
    for (const end of this.#endings.splice(0)) end();
    this.#fail(new StreamError("FENCED", "the thread has gone"));
    this.#lanes.close();
    this.#controls.close();
  }

  #find({ instance, epoch }: CellIncarnation): Hosted | undefined {
    const hosted = this.#hosted.get(instanceKey(instance));
    return hosted?.order.epoch === epoch ? hosted : undefined;
  }

  #fail(error: StreamError): void {
    for (const instance of this.instances) instance.fail(error);
  }

  #follow(): void {
    this.#hasRead = true;
    for (const hosted of this.#hosted.values()) this.#obey(hosted);
  }

  /** What it is told to host may not have been read yet. */
  #obey(hosted: Hosted): void {
    const { view } = this.#tail!;
    const { instance: id, epoch } = hosted.order;
    const read = view.assignment(id)?.epoch ?? 0;
    const isOver = view.isOver || read > epoch;
    if (isOver && hosted.instance === undefined) return this.#ended(hosted);
    if (isOver && view.life.state !== "stopped") return hosted.instance?.fail(new StreamError("FENCED", "it is over"));
    if (hosted.instance === undefined && read === epoch) this.#begin(hosted);
    if (view.isDraining && hosted.instance?.stage.source !== undefined) hosted.instance.endInput();
    hosted.instance?.wake();
  }

  #begin(hosted: Hosted): void {
    const { order } = hosted;
    const stage = this.#job.plan.stages[order.instance.stage];
    if (stage === undefined) return this.#ended(hosted);
    hosted.instance = new Instance(this.#host(hosted), order.instance, stage, order.epoch);
    hosted.instance.start();
  }

  #listen(): void {
    const addressed = <A extends CellIncarnation>(said: readonly A[], action: (instance: Instance, one: A) => void) => {
      for (const one of said) {
        const instance = this.#find(one)?.instance;
        if (instance !== undefined) action(instance, one);
      }
    };
    const { clock, logger } = this.#platform;
    this.#endings.push(
      this.#bus.listenApart(this.#worker, {
        onHeartbeat: (heartbeat) => {
          for (const instance of this.instances) instance.heardLeader(heartbeat);
        },
        onPause: ({ splits, forMs }) => addressed(splits, (instance) => instance.pauseReading(forMs)),
        onAnswers: ({ answers }) => addressed(answers, (instance, { n }) => instance.answered(n)),
        onLimits: ({ limits }) => addressed(limits, (instance, { watermark }) => instance.mayReadTo(watermark)),
        onRelease: ({ answers }) => addressed(answers, (instance) => instance.release()),
      }),
      repeat(clock, reportAgainMs, () =>
        this.#reports.reportAll(this.instances.filter(({ phase }) => phase !== "failed")),
      ),
      repeat(clock, snapshotLookMs, () => considerSnapshots(logger, this.instances)),
    );
    void this.#rounds.run();
  }

  #host(hosted: Hosted): InstanceHost {
    const { marks, probe = {}, hasManualWatermarks = false } = this.#world;
    const { order } = hosted;
    return instanceHost({
      platform: this.#platform,
      job: this.#job,
      tail: this.#tail!,
      lanes: this.#lanes,
      directory: this.#directory,
      controls: this.#controls,
      probe,
      hasManualWatermarks,
      marks: order.isOnProbation ? { begin: (...turn) => marks.begin(...turn), rest: () => this.#rest() } : marks,
      watchStep: order.isOnProbation ? (site) => this.#step(order, site) : undefined,
      onChanged: () => this.#changed(hosted),
    });
  }

  // PC1
  #step(order: CellOrder, site: CrashSite): void {
    const mustKnow = site.sequence !== this.#toldSequence || site.sequence === order.site?.sequence;
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

  #changed(hosted: Hosted): void {
    const { instance, order } = hosted;
    if (instance === undefined || this.#find(order) !== hosted) return;
    if (instance.phase === "failed") {
      this.#hosted.delete(instanceKey(order.instance));
      return this.#world.onFailed(order, instance.report().failure);
    }
    this.#reports.changed(instance);
    if (instance.phase !== "released" && instance.phase !== "fenced") return;
    this.#reports.flush();
    this.#ended(hosted);
  }

  #ended({ order }: Hosted): void {
    this.#hosted.delete(instanceKey(order.instance));
    this.#world.onEnded(order);
  }
}
