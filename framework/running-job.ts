/**
 * A worker of a job in this process, from its start to its end: the handle that `start` answers for it.
 *
 * Owns the end: whatever ends the job here (its outcome, a stop, its duration) ends it once, closes the place and says so.
 */
import { usualGatherMs } from "./actor/gathering.ts";
import { hostname } from "node:os";
import type { Probe } from "./actor/host.ts";
import type { JobStatus } from "./actor/job-status.ts";
import { discardGeneration } from "./administration/job-deletion.ts";
import type { TakenSavepoint } from "./administration/savepoint-request.ts";
import { RollCall } from "./administration/roll-call.ts";
import { followSideStream, type SideRecord } from "./actor/side-stream.ts";
import { Worker } from "./actor/worker.ts";
import type { WorkerJob } from "./actor/worker-job.ts";
import { messageOf, StreamError } from "./errors.ts";
import type { HomePlace } from "./home.ts";
import { savepointOf, type SavepointOptions } from "./job-savepoint.ts";
import { noTotals, type JobEnd, type JobEvents, type StartedJob } from "./job-handle.ts";
import type { Log } from "./log/contracts.ts";
import type { Plan } from "./plan/plan.ts";
import type { Cancel, Platform } from "./platform/platform.ts";
import type { ScopedClock } from "./platform/scoped-clock.ts";
import type { Measured, WorkerMeasures } from "./telemetry/measures.ts";
import { loopShareMeter } from "./telemetry/loop-share.ts";
import type { ResolvedHints } from "./worker-hints.ts";
import type { Guards } from "./threads/guards.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** How often the totals are looked at, so that a stopped worker can still say them, ms. */
const lookMs = 1_000;
/** How long a worker that was asked to go waits for the totals, ms. */
const lastLookMsMax = 300;
/** After this long a worker that was asked to go does, released or not: what comes after it recovers as from a crash. */
const leaveMsMax = 7_000;
/** Time for the other workers to read that the job has completed, before it is deleted under them, ms. */
const othersGoneMsMax = 5_000;
const notReleased =
  "the server did not answer: not everything was released, and the next start goes on from the last snapshots";

/** What a worker is started with besides its job. */
export interface JobTools {
  /** The clock of all that works here: closed when it has ended. */
  readonly scope: ScopedClock;
  readonly probe?: Probe | undefined;
  /** @default none: a program that does not end ends nothing */
  readonly guards?: Guards | undefined;
  /** @default nothing in particular */
  readonly hints?: ResolvedHints | undefined;
}

/** A worker of a job, in its place, from its start to its end. */
export class RunningJob implements StartedJob, Measured {
  readonly plan: Plan;
  readonly done: Promise<JobEnd>;
  readonly #place: HomePlace;
  readonly #platform: Platform;
  readonly #events: JobEvents;
  readonly #worker: Worker;
  readonly #scope: ScopedClock;
  readonly #job: WorkerJob;
  readonly #resolve: (end: JobEnd) => void;
  #unwatch = (): void => undefined;
  #telemetry: Telemetry | undefined;
  #cancelWatch: Cancel | undefined;
  /** How far the dead-letter stream of an embedded job has been told. */
  #letters: { read: number } | undefined;
  #totals = noTotals;
  #hasEnded = false;
  /** Calls that have not been answered. */
  readonly #waiting = new Set<() => void>();
  #stopReason = "";

  constructor(platform: Platform, job: WorkerJob, place: HomePlace, events: JobEvents, tools: JobTools) {
    this.plan = job.plan;
    this.#job = job;
    this.#place = place;
    this.#platform = platform;
    this.#events = events;
    const { promise, resolve } = Promise.withResolvers<JobEnd>();
    this.done = promise;
    this.#resolve = resolve;
    this.#scope = tools.scope;
    this.#worker = new Worker({ ...platform, clock: tools.scope.clock }, job, {
      place: { host: hostname(), processId: process.pid, ...(tools.hints ?? { capacity: 1, zone: "" }) },
      loopShare: loopShareMeter(),
      probe: tools.probe,
      startCell: tools.guards?.startCell,
      usesThreads: true,
      gatherMs: place.isEmbedded || job.isSuccessor === true ? 0 : usualGatherMs,
      marks: tools.guards?.marks,
      onStopped: (reason) => {
        this.#stopReason = reason;
        void this.stop();
      },
      onOutcome: ({ outcome, message }, totals) => void this.end(outcome, message, totals),
    });
    this.#unwatch = tools.guards?.watch(this.#worker.id) ?? this.#unwatch;
    events.onWorker?.(this.#worker.id);
    this.#watch();
  }

  /** Starts the worker. @throws what joining the job log refuses with */
  async start(): Promise<void> {
    try {
      await this.#worker.start();
    } catch (error) {
      this.#cancelWatch?.();
      this.#unwatch();
      throw error;
    }
    if (this.#place.isEmbedded) void this.#followDeadLetters();
  }

  /** Nothing of it outlives the process. */
  abandon(): void {}

  status(): Promise<JobStatus> {
    return this.#whileItLasts(
      () => this.#worker.status(),
      () => Promise.reject(this.#over()),
    );
  }

  drain(): Promise<void> {
    return this.#whileItLasts(
      () => this.#worker.drain(),
      () => Promise.resolve(),
    );
  }

  savepoint(name?: string, options: SavepointOptions = {}): Promise<TakenSavepoint> {
    return savepointOf(this.#platform, this.#place.seams, this.plan.job, name, options);
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    if (!(await this.#leavesInTime())) {
      this.#worker.kill();
      this.#platform.logger.log("warn", notReleased, { waitedMs: leaveMsMax });
    }
    await this.end("stopped", this.#stopReason, undefined);
  }

  /** Whether everything was released within the time a worker that was asked to go has. */
  #leavesInTime(): Promise<boolean> {
    // A leader that stands still is not waited for: who goes is given nothing more.
    const looked = Promise.race([this.#look(), this.#after(lastLookMsMax)]);
    const leaving = looked.then(() => this.#worker.stop());
    return Promise.race([leaving.then(() => true), this.#after(leaveMsMax).then(() => false)]);
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => this.#platform.clock.schedule(ms, resolve, { background: true }));
  }

  /** From here on `telemetry` shows this worker. */
  shownBy(telemetry: Telemetry): void {
    this.#telemetry = telemetry;
    telemetry.observe(this);
  }

  get metricsUrl(): string | undefined {
    return this.#telemetry?.url;
  }

  measures(): WorkerMeasures {
    return this.#worker.measures();
  }

  obstacles(): readonly string[] {
    if (!this.#place.isConnected()) return ["the connection to the NATS server is down"];
    return this.#worker.obstacles();
  }

  /** The duration is over: an embedded job is drained, a worker of a fleet stopped. */
  expire(): void {
    const ending = this.#place.isEmbedded ? this.drain() : this.stop();
    ending.catch((error: unknown) =>
      this.#platform.logger.log("error", "the job could not be ended", { reason: messageOf(error) }),
    );
  }

  /** Ends the job here, once. */
  async end(state: JobEnd["state"], message: string, totals: JobStatus["totals"] | undefined): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelWatch?.();
    await this.#readLetters();
    // Totals are known to the worker that led.
    if (state === "completed" && totals !== undefined) await this.#discard();
    this.#unwatch();
    await this.#place.close();
    this.#scope.close();
    for (const tell of this.#waiting) tell();
    const end = { state, message, totals: totals ?? this.#totals };
    this.#events.onEnd(end);
    this.#resolve(end);
  }

  /** `retain: "none"`: the generation goes, when the other workers have; what is not deleted here, the next start of the program deletes. */
  async #discard(): Promise<void> {
    const { plan, names, seams, registers } = this.#job;
    if (plan.options.retain !== "none" || this.#place.isEmbedded) return;
    const administrator = { platform: this.#platform, seams, by: names.job };
    const roll = new RollCall(administrator, names);
    try {
      await roll.silence(othersGoneMsMax);
      await discardGeneration(administrator, names, registers);
    } catch (error) {
      this.#platform.logger.log("warn", "not everything of the completed job could be deleted", {
        reason: messageOf(error),
      });
    } finally {
      roll.close();
    }
  }

  /** Keeps the process alive, too, while a job waits for input. */
  #watch(): void {
    this.#cancelWatch = this.#platform.clock.schedule(lookMs, () => {
      void this.#look();
      this.#watch();
    });
  }

  async #look(): Promise<void> {
    try {
      this.#totals = (await this.#worker.status()).totals;
    } catch {
      // Nobody leads at the moment: the totals known last stand.
    }
  }

  /** What is not answered before the end never is: then it is what `atEnd` answers. @throws UNAVAILABLE when the job has ended before the call */
  #whileItLasts<T>(call: () => Promise<T>, atEnd: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#hasEnded) throw this.#over();
      const end = (): void => void atEnd().then(resolve, reject);
      this.#waiting.add(end);
      void call()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(end));
    });
  }

  #over(): StreamError {
    return new StreamError("UNAVAILABLE", `job ${this.plan.job} has ended in this process: handle.done says how`);
  }

  /** Nothing survives an embedded job: what is in its dead-letter stream is told before the end. */
  async #readLetters(): Promise<void> {
    if (!this.#place.isEmbedded) return;
    const { logs } = this.#place.seams;
    const [found] = await logs.list(this.#job.names.deadLetters);
    if (found === undefined) return;
    if (this.#letters === undefined) this.#followLetters(await logs.open(found.name));
    while ((this.#letters?.read ?? 0) < found.last) {
      await new Promise<void>((resolve) => this.#platform.clock.schedule(1, resolve));
    }
  }

  async #followDeadLetters(): Promise<void> {
    const { seams, whenThere } = this.#place;
    const log = await whenThere(() => seams.logs.open(this.#job.names.deadLetters));
    if (this.#letters === undefined) this.#followLetters(log);
  }

  #followLetters(log: Log): void {
    const letters = { read: 0 };
    this.#letters = letters;
    const tell = ({ value }: SideRecord) => this.#events.onDeadLetter(value);
    followSideStream(log, this.plan, 1, tell, (sequence) => {
      letters.read = sequence;
    });
  }
}
