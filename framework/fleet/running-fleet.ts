/**
 * A job on the worker processes of a fleet, from its start to its end: the handle that `start` answers for it.
 *
 * Owns what the starter does besides keeping its crew: it speaks with the leader over the Bus, tells it of the dead, and closes the place at the end.
 *
 * RF1. A nats-server of the fleet's own stays when the job has been upgraded: the next generation lives on it. It goes when this process is asked to go.
 */
import { hostname } from "node:os";
import { JobBus } from "../actor/job-bus.ts";
import type { JobStatus } from "../actor/job-status.ts";
import { patiently } from "../actor/patience.ts";
import { isUpgraded } from "../actor/succession.ts";
import type { WorkerJob } from "../actor/worker-job.ts";
import { noTotals, type JobEnd, type JobEvents, type StartedJob } from "../job-handle.ts";
import type { TakenSavepoint } from "../administration/savepoint-request.ts";
import { savepointOf, type SavepointOptions } from "../job-savepoint.ts";
import type { Seams } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Plan } from "../plan/plan.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import { encodeJobLogRecord } from "../record/wire/job-log.ts";
import { Crew, type CrewEnd } from "./crew.ts";
import { LineOutlet } from "./line-outlet.ts";
import type { FleetServer } from "./membership.ts";
import { Starter, type StarterPlace } from "./starter.ts";
import type { OwnServer } from "./own-server.ts";
import { startWorkerProcess } from "./worker-process.ts";

/** What a fleet is made of. */
export interface FleetWorld {
  readonly workers: number;
  /** The program of a worker process and its arguments. */
  readonly command: readonly string[];
  readonly seams: Seams;
  /** Tries until it works. */
  readonly whenThere: <T>(open: () => Promise<T>) => Promise<T>;
  /** More workers than that it cannot keep, and why. */
  readonly most: StarterPlace["most"];
  /** The nats-server that the fleet runs itself. */
  readonly server: OwnServer | undefined;
  close(): Promise<void>;
}

/** How often the totals are looked at, ms. */
const lookMs = 1_000;

/** A fleet at work on a job. */
export class RunningFleet implements StartedJob {
  readonly plan: Plan;
  readonly done: Promise<JobEnd>;
  readonly #platform: Platform;
  readonly #world: FleetWorld;
  readonly #events: JobEvents;
  readonly #names: JobNames;
  readonly #bus: JobBus;
  readonly #crew: Crew;
  readonly #starter: Starter;
  readonly #outlets: readonly LineOutlet[];
  readonly #asked = Promise.withResolvers<void>();
  #totals = noTotals;
  #isCounted = false;
  #hasStarted = false;
  #cancelLook: Cancel | undefined;

  constructor(
    platform: Platform,
    { plan, names }: Pick<WorkerJob, "plan" | "names">,
    world: FleetWorld,
    events: JobEvents,
  ) {
    this.plan = plan;
    this.#platform = platform;
    this.#world = world;
    this.#events = events;
    this.#names = names;
    this.#bus = new JobBus(world.seams.bus, names);
    const stdout = outletTo(process.stdout);
    const stderr = outletTo(process.stderr);
    this.#outlets = [stdout, stderr].filter((outlet) => outlet !== undefined);
    const membership = { job: plan.job, generation: names.generation, workers: world.workers };
    const processes = { clock: platform.clock, command: world.command, stdout, stderr };
    this.#crew = new Crew(platform, world.workers, {
      startProcess: (index, ears) =>
        startWorkerProcess(processes, { ...membership, index, server: world.server?.address }, ears),
      onGone: (worker) => this.#bus.reportDead(worker),
    });
    const openLog = () => world.whenThere(() => world.seams.logs.open(names.jobLog));
    const place = { host: hostname(), processId: process.pid, most: world.most };
    this.#starter = new Starter(platform, this.#bus, openLog, this.#crew, place);
    this.done = this.#crew.ended.then((end) => this.#end(end));
  }

  async start(): Promise<void> {
    const { server } = this.#world;
    if (server !== undefined)
      server.onRestarted = ({ processId }: FleetServer) => this.#crew.tell({ kind: "server", processId });
    this.#crew.start();
    this.#starter.start();
    this.#look();
    const end = await this.#crew.ready;
    this.#hasStarted = end?.refusal === undefined;
    if (end?.refusal === undefined) return;
    await this.done;
    throw end.refusal;
  }

  status(): Promise<JobStatus> {
    return this.#bus.status();
  }

  /** Resolves when the job log has it. A drain that is said twice is the same as one. */
  async drain(): Promise<void> {
    const record = encodeJobLogRecord({ kind: "command", command: "drain", by: "the starter of a fleet" });
    await patiently(this.#platform, "the drain of the job", async () => {
      const log = await this.#world.seams.logs.open(this.#names.jobLog);
      await log.append(record);
    });
  }

  savepoint(name?: string, options: SavepointOptions = {}): Promise<TakenSavepoint> {
    return savepointOf(this.#platform, this.#world.seams, this.plan.job, name, options);
  }

  async stop(): Promise<void> {
    this.#crew.stop();
    this.#asked.resolve();
    await this.done;
  }

  expire(): void {
    void this.stop();
  }

  abandon(): void {
    this.#crew.kill();
  }

  async #end({ state, message, totals, refusal }: CrewEnd): Promise<JobEnd> {
    this.#cancelLook?.();
    this.#starter.close();
    for (const outlet of this.#outlets) outlet.close();
    if (isUpgraded(message)) await this.#keepServer(message);
    await this.#world.close();
    const said = refusal === undefined ? message : `${refusal.code}: ${message}`;
    const end = { state, message: said, totals: newest(totals, this.#totals) };
    // A fleet that was refused before it had started has had no end: `start` throws.
    if (this.#hasStarted || refusal === undefined) this.#events.onEnd(end);
    return end;
  }

  // RF1
  async #keepServer(why: string): Promise<void> {
    const { server } = this.#world;
    if (server === undefined) return;
    process.stderr.write(
      `${why}, which needs the nats-server of this fleet (${server.address.url}): it is kept until this process is asked to go\n`,
    );
    await this.#asked.promise;
  }

  #look(): void {
    this.#cancelLook = this.#platform.clock.schedule(lookMs, () => {
      this.status().then(
        (status) => this.#learn(status),
        // Nobody leads at the moment: the totals known last stand.
        () => undefined,
      );
      this.#look();
    });
  }

  #learn({ totals, state, instances }: JobStatus): void {
    this.#totals = totals;
    if (this.#isCounted || state !== "running") return;
    this.#isCounted = true;
    const workers = this.#crew.size;
    const idle = workers - instances.length;
    if (idle <= 0) return;
    const what = `${idle} of ${workers} workers are idle: the job has ${instances.length} instances; more partitions would share it`;
    this.#platform.logger.log("warn", what);
  }
}

/** Into pipes and files lines go through the starter; a terminal takes each write as a whole, and programs ask whether they have one. */
function outletTo(output: NodeJS.WriteStream): LineOutlet | undefined {
  return output.isTTY ? undefined : new LineOutlet(output);
}

/** Counters only grow. */
function newest(one: JobEnd["totals"], other: JobEnd["totals"]): JobEnd["totals"] {
  return one.recordsIn + one.recordsOut >= other.recordsIn + other.recordsOut ? one : other;
}
