/**
 * A whole job in a test: the real runtime on memory and on one virtual clock, with sources fed by hand and sinks that keep what they get.
 *
 * Owns the clock, the place, and the simulated processes of the workers. Each call resolves when nothing is runnable any more: no sleeps. Processing time moves
 * by `clock` alone: starting, recovering and ending take none.
 */
import { takeSavepoint, type SavepointWish, type TakenSavepoint } from "../administration/savepoint-request.ts";
import { followSideStream, type SideRecord } from "../actor/side-stream.ts";
import type { Probe } from "../actor/host.ts";
import type { Instance } from "../actor/instance.ts";
import type { JobStatus } from "../actor/job-status.ts";
import { unknownPlace } from "../actor/worker-registry.ts";
import { Worker } from "../actor/worker.ts";
import type { WorkerJob } from "../actor/worker-job.ts";
import type { Job } from "../api/job.ts";
import { StreamError, invariant } from "../errors.ts";
import type { Seams } from "../log/contracts.ts";
import { MemorySeams } from "../log/memory-seams.ts";
import { compile } from "../plan/compile.ts";
import { embeddedDefaults } from "../plan/options.ts";
import type { Plan } from "../plan/plan.ts";
import { silentLogger } from "../platform/logger.ts";
import type { Platform, Random } from "../platform/platform.ts";
import { seededRandom } from "../platform/random.ts";
import type { Origin } from "../record/snapshot-record.ts";
import { VirtualClock } from "../platform/virtual-clock.ts";
import type { CollectingSink, TakenRow } from "./collecting-sink.ts";
import { replaceEnds } from "./manual-ends.ts";
import type { ManualSource } from "./manual-source.ts";
import { ProcessScope } from "./process-scope.ts";
import { TestCells } from "./test-cells.ts";
import { carryOver, joinTest } from "./test-joining.ts";
import type { TestJobOptions, TestTurn } from "./test-job-options.ts";

export type { CrashKind, TestJobOptions, TestTurn } from "./test-job-options.ts";

interface Process {
  readonly worker: Worker;
  readonly scope: ProcessScope;
}

/** Whose turn it is. */
interface Turning extends Process {
  /** Ends the thread of an instance on probation; of any other one, the process. */
  dieApart(): void;
}

/** Virtual time within which a job must recover from whatever a test does to it, ms. */
const recoveryMsMax = 60_000;

/** A dead letter as a test reads it. */
export type TestDeadLetter = SideRecord["value"];

/**
 * Starts `job` for a test.
 *
 * @example
 * const t = await testJob(monitor, { partitions: 2 });
 * await t.feed("metrics", [{ at: 0, host: "a", cpu: 10 }]);
 * await t.endOfInput();
 * expect(t.take("average CPU")).toEqual([…]);
 *
 * @throws PLAN_INVALID, and what the job has failed with before it ran
 */
export async function testJob(job: Job, options: TestJobOptions = {}): Promise<TestJob> {
  const test = new TestJob(job, options);
  await test.begin(options.workers ?? 1);
  return test;
}

/** A running test. */
export class TestJob {
  readonly virtualClock: VirtualClock;
  readonly plan: Plan;
  readonly seams: Seams;
  readonly #platform: Platform;
  readonly #random: Random;
  readonly #options: TestJobOptions;
  readonly #sources: ReadonlyMap<string, ManualSource>;
  readonly #sinks: ReadonlyMap<string, CollectingSink>;
  readonly #processes: Process[] = [];
  readonly #down = new Set<string>();
  readonly #deadLetters: unknown[] = [];
  readonly #late: SideRecord[] = [];
  readonly #cells = new TestCells();
  #turning: Turning | undefined;
  #spawned = 0;
  #outcome: "completed" | "failed" | undefined;
  #failure: StreamError | undefined;
  #origin: Origin | undefined;

  constructor(job: Job, options: TestJobOptions) {
    const {
      now = 0,
      seed,
      workers: _workers,
      splits,
      crashAt: _crashAt,
      places: _places,
      threads: _threads,
      from: _from,
      logger = silentLogger,
      seams,
      ...jobOptions
    } = options;
    this.#options = options;
    this.#random = seededRandom(seed ?? 1);
    this.virtualClock = new VirtualClock({
      wallMs: now,
      random: seed === undefined ? undefined : this.#random.fork("schedule"),
    });
    this.#platform = { clock: this.virtualClock, random: this.#random, logger };
    this.seams = seams?.(this.virtualClock) ?? new MemorySeams(this.virtualClock);
    const compiled = compile(
      { ...job, options: { ...(now > 0 ? {} : { farFuture: Infinity }), ...job.options, ...jobOptions } },
      { defaults: embeddedDefaults, version: "test" },
    );
    const { plan, sources, sinks } = replaceEnds(compiled, splits ?? {}, this.virtualClock);
    this.plan = plan;
    this.#sources = sources;
    this.#sinks = sinks;
  }

  /** Starts the workers; called by {@link testJob}. */
  async begin(workers: number): Promise<void> {
    const { from } = this.#options;
    if (from !== undefined) this.#origin = await carryOver(from, this);
    for (let count = 0; count < workers; count += 1) await this.startWorker();
    await this.#untilRunning();
    if (this.#failure !== undefined) throw this.#failure;
    await this.#follow();
  }

  /** Gives records to a source. */
  feed(source: string, values: readonly unknown[], options: { readonly split?: number } = {}): Promise<void> {
    this.source(source).feed(values, options.split ?? 0);
    return this.settle();
  }

  /** Event time of a source comes to `watermark`. */
  watermark(source: string, watermark: number): Promise<void> {
    this.source(source).watermark(watermark);
    return this.settle();
  }

  /** Lets `ms` of processing time pass. */
  async clock(ms: number): Promise<void> {
    await this.virtualClock.advance(ms);
    await this.settle();
  }

  /**
   * Crashes an instance (`average/1`), the leader's worker (`leader`), or a worker by its id; a new worker takes a dead one's place when none is left. With
   * `stayDown`, an instance is not started again before `revive`.
   */
  async crash(name: string, options: { readonly stayDown?: boolean } = {}): Promise<void> {
    const instance = this.#instance(name);
    if (instance !== undefined) {
      if (options.stayDown === true) this.#down.add(name);
      instance.fail(new StreamError("UNAVAILABLE", "crashed by the test"));
      return options.stayDown === true ? this.settle() : this.#untilRunning();
    }
    this.#kill(name === "leader" ? this.leader : this.#process(name));
    await this.#untilRunning();
  }

  /**
   * Ends what is running, in the midst of a turn: called by a function of the program, and never returns. As `process.exit` would, it ends the process, or the
   * thread of an instance on probation alone; with `process`, as a SIGKILL would, always the process.
   */
  die(what?: "process"): never {
    const turning = this.#turning;
    invariant(turning !== undefined, "nothing is in a turn");
    if (what === "process") this.#kill(turning);
    else turning.dieApart();
    throw new StreamError("UNAVAILABLE", "it has died");
  }

  /** Takes a snapshot of an instance (`average/1`) where it stands; answers whether there was something new to take. */
  async snapshot(name: string): Promise<boolean> {
    return this.#settling(this.#instance(name)?.snapshotNow() ?? Promise.resolve(false));
  }

  /**
   * Takes a savepoint of the whole job, called `name`, and resolves when it is there. `stop`: the job is stopped by it; `hold`: nothing moves until it is resumed.
   *
   * @throws SAVEPOINT_CANCELLED with the reason, and whatever a request is refused with
   */
  async savepoint(name: string, wish: Omit<SavepointWish, "name"> = {}): Promise<TakenSavepoint> {
    const administrator = { platform: this.#platform, seams: this.seams, by: "test" };
    const taken = takeSavepoint(administrator, this.plan.job, { name, ...wish }).finally(() => {
      progress.isOver = true;
    });
    const progress = { isOver: false };
    taken.catch(() => undefined);
    await this.virtualClock.recover(() => progress.isOver, 2 * recoveryMsMax);
    await this.settle();
    return taken;
  }

  /** Lets an instance that stays down start again. */
  async revive(name: string): Promise<void> {
    this.#down.delete(name);
    await this.#untilRunning();
  }

  /** One more worker joins. */
  startWorker(): Promise<Worker> {
    return this.#settling(this.#spawn());
  }

  /** All sources end; resolves when the job has completed. @throws when it does not complete, or has failed */
  async endOfInput(): Promise<void> {
    for (const source of this.#sources.values()) source.end();
    await this.virtualClock.recover(() => this.#outcome !== undefined, recoveryMsMax);
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when nothing is runnable any more. */
  settle(): Promise<void> {
    return this.virtualClock.settle();
  }

  /** What a sink has got since the last take, each row once. */
  take(sink: string): TakenRow[] {
    return this.sink(sink).take();
  }

  /** A source, to speak for one of its splits; `settle` afterwards. @throws RangeError when there is none */
  source(name: string): ManualSource {
    const source = this.#sources.get(name);
    if (source === undefined)
      throw new RangeError(`the job has no source ${name}; it has ${[...this.#sources.keys()].join(", ")}`);
    return source;
  }

  /** A sink, to pause and resume it. */
  sink(name: string): CollectingSink {
    const sink = this.#sinks.get(name);
    if (sink === undefined)
      throw new RangeError(`the job has no sink ${name}; it has ${[...this.#sinks.keys()].join(", ")}`);
    return sink;
  }

  /** Event time published for a stage; -Infinity before the first. */
  watermarkOf(stage: string): number {
    return this.status().watermarks[stage] ?? -Infinity;
  }

  /** The job as its leader sees it. */
  status(): JobStatus {
    const status = this.leader.worker.statusHere();
    invariant(status !== undefined, "the leader has a status");
    return status;
  }

  /** `completed` or `failed`, once the job is over. */
  get outcome(): "completed" | "failed" | undefined {
    return this.#outcome;
  }

  get failure(): StreamError | undefined {
    return this.#failure;
  }

  /** Records that could not be processed, with the reason, since the beginning. */
  deadLetters(): readonly unknown[] {
    return this.#deadLetters;
  }

  /** Late records that no `late()` stream took, since the beginning. */
  lateRecords(): readonly SideRecord[] {
    return this.#late;
  }

  /** The living workers. */
  get workers(): readonly Worker[] {
    return this.#alive().map(({ worker }) => worker);
  }

  /** The process that leads. */
  get leader(): Process {
    const found = this.#alive().find(({ worker }) => worker.isLeader);
    invariant(found !== undefined, "nobody leads");
    return found;
  }

  #alive(): Process[] {
    return this.#processes.filter(({ scope }) => !scope.isDead);
  }

  /** Starts a worker without driving the clock: also from within a turn. */
  async #spawn(): Promise<Worker> {
    const scope = new ProcessScope();
    const index = this.#spawned;
    const platform = scope.platform({ ...this.#platform, random: this.#random.fork(`worker ${index}`) });
    this.#spawned += 1;
    const job = await this.#join(scope);
    const probe = (dieApart: () => void): Probe => ({
      beforeTurn: (stage, partition, position) =>
        this.#beforeTurn({ worker, scope, dieApart }, { stage, partition, position, worker: index }),
      isHeld: (name) => this.#down.has(name),
    });
    const { seams } = this;
    const cells = { platform, seams, join: (inner: ProcessScope) => this.#join(inner), probe };
    const worker: Worker = new Worker(platform, job, {
      hasManualWatermarks: true,
      usesThreads: this.#options.threads ?? false,
      place: { ...unknownPlace, ...this.#options.places?.[index] },
      probe: probe(() => this.#kill({ worker, scope })),
      startCell: (order, ears) => this.#cells.start(cells, scope, order, ears),
      onOutcome: ({ outcome, code, message }) => {
        this.#outcome = outcome;
        if (outcome === "failed") this.#failure = new StreamError(code as StreamError["code"], message);
      },
    });
    this.#processes.push({ worker, scope });
    await worker.start();
    return worker;
  }

  #beforeTurn(process: Turning, turn: TestTurn): void {
    this.#turning = process;
    const kind = this.#options.crashAt?.(turn);
    if (kind === undefined) return;
    const victim = kind === "leader" ? this.#alive().find(({ worker }) => worker.isLeader) : process;
    if (kind !== "actor" && victim !== undefined) this.#kill(victim);
    if (kind === "actor" || process.scope.isDead) throw new StreamError("UNAVAILABLE", "crashed by the test");
  }

  /** SIGKILL; what started the process says so to the others, or starts another one. */
  #kill({ worker, scope }: Process): void {
    scope.kill();
    void this.#cells.killWith(scope).then(() => this.#tellOfDeath(worker));
  }

  #tellOfDeath(worker: Worker): void {
    const [other] = this.#alive();
    if (other === undefined) void this.#spawn();
    else other.worker.reportDead(worker.id);
  }

  #process(id: string): Process {
    const found = this.#alive().find(({ worker }) => worker.id === id);
    if (found === undefined) throw new RangeError(`there is neither an instance nor a worker ${id}`);
    return found;
  }

  #instance(name: string): Instance | undefined {
    const ends = new Set(["failed", "fenced", "released"]);
    const hosted = [...this.#alive().flatMap(({ worker }) => worker.instances), ...this.#cells.instances];
    return hosted
      .filter((instance) => instance.name === name && !ends.has(instance.phase))
      .toSorted((a, b) => b.epoch - a.epoch)[0];
  }

  /** Runs until every instance takes turns under a leader that knows it, or the job is over. */
  async #untilRunning(): Promise<void> {
    await this.virtualClock.recover(() => this.#outcome !== undefined || this.#isRunning(), recoveryMsMax);
    await this.settle();
  }

  #isRunning(): boolean {
    const status = this.#alive()
      .find(({ worker }) => worker.isLeader)
      ?.worker.statusHere();
    if (status === undefined) return false;
    const { instances, state } = status;
    const isUp = (instance: JobStatus["instances"][number]) =>
      turning.has(instance.state) || this.#down.has(instance.name);
    return state !== "starting" && instances.every((instance) => isUp(instance) && this.#workersHave(instance));
  }

  #workersHave({ name, epoch }: JobStatus["instances"][number]): boolean {
    return this.#down.has(name) || this.#instance(name)?.epoch === epoch;
  }

  #join(scope: ProcessScope): Promise<WorkerJob> {
    return joinTest(scope.seams(this.seams), this.plan, this.#origin);
  }

  /** Drives the clock until what is waited for should be there. */
  async #settling<T>(promise: Promise<T>): Promise<T> {
    // Awaited below: until then a rejection has somebody who knows of it.
    promise.catch(() => undefined);
    await this.settle();
    return promise;
  }

  async #follow(): Promise<void> {
    const { names } = await this.#settling(this.#join(new ProcessScope()));
    const dead = await this.#settling(this.seams.logs.open(names.deadLetters));
    const late = await this.#settling(this.seams.logs.open(names.late));
    followSideStream(dead, this.plan, 1, ({ value }) => this.#deadLetters.push(value));
    followSideStream(late, this.plan, 1, (record) => this.#late.push(record));
  }
}

const turning = new Set(["replaying", "running", "snapshotting", "frozen"]);
