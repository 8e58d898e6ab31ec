/**
 * The job that is measured: a nats-server, worker processes, and what they have said.
 *
 * Owns the processes and the ledger. Speaks to the leader as any observer could: status and reported deaths over the Bus.
 */
import { JobBus } from "../../actor/job-bus.ts";
import type { JobStatus } from "../../actor/job-status.ts";
import { JobNames } from "../../log/names.ts";
import { connectNats } from "../../nats/connect.ts";
import type { NatsSeams } from "../../nats/nats-seams.ts";
import { startNatsServer, type NatsServer } from "../../nats/server.ts";
import { Ledger } from "./ledger.ts";
import type { LoadShape } from "./load.ts";
import type { Said } from "./messages.ts";
import { WorkerProcess } from "./worker-process.ts";

/** A line of a worker's log. */
export interface Line {
  readonly atMs: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const lookMs = 25;
const steadyMsMax = 60_000;
/** Nothing has moved for this long: it is steady. */
const quietMs = 1_000;
const workingStates = new Set(["running", "snapshotting"]);

/** Wall clock with fractions, ms since the epoch. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Resolves after `ms`. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/** Resolves at `atMs` on the wall clock, a little more precisely than a timer does. */
export async function until(atMs: number): Promise<void> {
  while (atMs - wallMs() > 2) await pause(atMs - wallMs() - 2);
  while (wallMs() < atMs) await new Promise((resolve) => setImmediate(resolve));
}

/** The job and everything it runs on. */
export class Cluster {
  readonly shape: LoadShape;
  readonly ledger: Ledger;
  readonly names: JobNames;
  readonly server: NatsServer;
  readonly seams: NatsSeams;
  readonly lines: Line[] = [];
  readonly #bus: JobBus;
  #workers: WorkerProcess[] = [];
  #endMs: number | undefined;

  private constructor(server: NatsServer, seams: NatsSeams, job: string, shape: LoadShape) {
    this.server = server;
    this.seams = seams;
    this.shape = shape;
    this.ledger = new Ledger(shape);
    this.names = new JobNames(job, 1);
    this.#bus = new JobBus(seams.bus, this.names);
  }

  /** Starts the server; workers come by {@link Cluster.spawn}. */
  static async start(job: string, shape: LoadShape): Promise<Cluster> {
    const server = await startNatsServer();
    return new Cluster(server, await connectNats({ servers: server.url }), job, shape);
  }

  /** Those that have not ended. */
  get workers(): readonly WorkerProcess[] {
    return this.#workers.filter(({ isAlive }) => isAlive);
  }

  /** A new worker process that is loaded and waits for the word to join. */
  async spawn(): Promise<WorkerProcess> {
    const { url: servers } = this.server;
    const worker = new WorkerProcess(
      { servers, job: this.names.job, shape: this.shape, endMs: this.#endMs },
      (_, said) => this.#hear(said),
    );
    this.#workers = [...this.workers, worker];
    await worker.ready;
    if (!worker.isAlive) throw new Error(`a worker process ended at once (${worker.exitCode})`);
    return worker;
  }

  /** What the leader says; undefined when nobody leads. */
  async status(): Promise<JobStatus | undefined> {
    try {
      return await this.#bus.status();
    } catch {
      return undefined;
    }
  }

  /** The process of a worker id. */
  processOf(status: JobStatus, id: string): WorkerProcess | undefined {
    const processId = status.workers.find(({ worker }) => worker === id)?.processId;
    return this.workers.find((worker) => worker.id === id || worker.processId === processId);
  }

  /** Says that a worker is dead, as the process that started it would. */
  reportDead(id: string): void {
    this.#bus.reportDead(id);
  }

  /** Waits until every worker process is a living worker, everything runs, nobody is idle, and nothing moves any more. */
  async steady(workers = this.workers.length): Promise<JobStatus> {
    const lateMs = wallMs() + steadyMsMax;
    let before = "";
    let sinceMs = wallMs();
    for (;;) {
      const status = await this.status();
      const now = status === undefined || !isSteady(status, workers) ? "" : placesOf(status);
      if (now === "" || now !== before) sinceMs = wallMs();
      before = now;
      if (status !== undefined && now !== "" && wallMs() - sinceMs >= quietMs) return status;
      if (wallMs() > lateMs) throw new Error(`not steady within ${steadyMsMax} ms: ${describe(status)}`);
      await pause(lookMs);
    }
  }

  /** Waits until the window beginning at `startMs` has all its results. */
  async whole(startMs: number): Promise<void> {
    const lateMs = startMs + this.shape.windowMs + steadyMsMax;
    while (!this.ledger.isWhole(startMs)) {
      if (wallMs() > lateMs) throw new Error(`window ${startMs} has no result for some keys`);
      await pause(lookMs);
    }
  }

  /** The end of the next window after `atMs`. */
  windowEndAfter(atMs: number): number {
    const { beginMs, windowMs } = this.shape;
    return beginMs + (Math.floor((atMs - beginMs) / windowMs) + 1) * windowMs;
  }

  /** Ends the load and waits until the job has completed and every worker is gone. Answers where the load ended. */
  async complete(): Promise<number> {
    const endMs = this.windowEndAfter(wallMs() + 2 * this.shape.windowMs);
    this.#endMs = endMs;
    for (const worker of this.workers) worker.tell({ kind: "end", atMs: endMs });
    const ended = Promise.all(this.workers.map((worker) => worker.ended));
    const overdue = Promise.withResolvers<never>();
    const fail = () => overdue.reject(new Error("the job did not complete"));
    const timer = setTimeout(fail, endMs - wallMs() + steadyMsMax);
    try {
      await Promise.race([ended, overdue.promise]);
    } finally {
      clearTimeout(timer);
    }
    return endMs;
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    for (const worker of this.workers) worker.signal("SIGKILL");
    await Promise.all(this.workers.map((worker) => worker.ended));
    await this.seams.close();
    await this.server.stop();
  }

  #hear(said: Said): void {
    if (said.kind === "rows") {
      for (const row of said.rows) this.ledger.add(said.partition, row, said.atMs);
    } else if (said.kind === "passed") this.ledger.passed(said.split, said.endMs, said.atMs);
    else if (said.kind === "line") this.lines.push(said);
  }
}

function isSteady(status: JobStatus, workers: number): boolean {
  const loads = status.workers.map(({ instances }) => instances);
  return (
    status.workers.length === workers &&
    status.workers.every(({ isLeaving }) => !isLeaving) &&
    status.instances.length > 0 &&
    status.instances.every(({ state }) => workingStates.has(state)) &&
    // By load, not by count: a worker may have one instance that weighs as much as several of another one.
    Math.min(...loads) > 0
  );
}

function placesOf({ instances, leader }: JobStatus): string {
  return `${JSON.stringify(leader)} ${instances.map(({ name, epoch }) => `${name}@${epoch}`).join(" ")}`;
}

function describe(status: JobStatus | undefined): string {
  if (status === undefined) return "nobody leads";
  const workers = status.workers.map(({ worker, instances }) => `${worker}: ${instances}`).join(", ");
  return `${workers}; ${status.instances.map(({ name, state, worker }) => `${name} ${state} on ${worker}`).join(", ")}`;
}
