/**
 * Everything that can be hurt: servers, links and workers, and what an observer from outside knows of them.
 *
 * Owns the processes. Each worker sits on a *seat* with links of its own to every server; whoever dies is replaced on the same seat, as the starter of a
 * fleet would. Looks at the job as any observer could, over connections that nobody hurts.
 */
import { JobBus } from "../../actor/job-bus.ts";
import type { JobStatus } from "../../actor/job-status.ts";
import type { Administrator } from "../../administration/administrator.ts";
import { JobNames } from "../../log/names.ts";
import { connectNats } from "../../nats/connect.ts";
import type { NatsSeams } from "../../nats/nats-seams.ts";
import { silentLogger } from "../../platform/logger.ts";
import { systemRandom } from "../../platform/random.ts";
import { realClock } from "../../platform/real-clock.ts";
import { pause, wallMs, type Line } from "../recovery/cluster.ts";
import type { LoadShape } from "../recovery/load.ts";
import type { Said, WorkerOrder } from "../recovery/messages.ts";
import { WorkerProcess } from "../recovery/worker-process.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";
import { results, ResultsStream } from "./results-stream.ts";
import { type Servers, startServers } from "./servers.ts";

/** What a scene consists of. */
export interface SceneOptions {
  readonly job: string;
  readonly shape: LoadShape;
  readonly workers: number;
  readonly replicas: number;
}

/** A place for a worker. */
export interface Seat {
  readonly index: number;
  /** One link per server. */
  readonly links: readonly LinkProxy[];
  worker: WorkerProcess | undefined;
  /** A fault of a process or link that has not been put right. */
  isHurt: boolean;
}

const spareSeats = 1;
const dismissMsMax = 20_000;
const inboxBytes = 4 * 1024 * 1024;
const lookMs = 250;
const linesMax = 200_000;
const againMs = 500;

/** The scene. Made by {@link Scene.open}. */
export class Scene {
  readonly servers: Servers;
  readonly seats: readonly Seat[];
  /** Empty at first: for workers that come and go. */
  readonly spareSeats: readonly Seat[];
  /** That were asked for. */
  readonly savepoints: { readonly name: string; readonly isTaken: boolean }[] = [];
  /** Who commands the job, over connections that nobody hurts. */
  readonly administrator: Administrator;
  readonly names: JobNames;
  readonly shape: LoadShape;
  readonly results: ResultsStream;
  readonly lines: Line[] = [];
  /** Ends of worker processes that nobody had asked for. */
  readonly accidents: string[] = [];
  /** A fault of a server that has not been put right. */
  isServerHurt = false;
  /** Resolves with the reason when the job has failed. */
  readonly failed: Promise<string>;
  readonly #fail: (reason: string) => void;
  readonly #options: SceneOptions;
  readonly #seams: NatsSeams;
  readonly #bus: JobBus;
  #status: JobStatus | undefined;
  #endMs: number | undefined;
  #isClosed = false;

  private constructor(
    options: SceneOptions,
    servers: Servers,
    seats: readonly Seat[],
    seams: NatsSeams,
    stream: ResultsStream,
  ) {
    this.results = stream;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.failed = promise;
    this.#fail = resolve;
    this.#options = options;
    this.shape = options.shape;
    this.servers = servers;
    this.seats = seats;
    this.spareSeats = seats.slice(options.workers);
    this.#seams = seams;
    this.administrator = {
      platform: { clock: realClock(), random: systemRandom(), logger: silentLogger },
      seams,
      by: "chaos",
    };
    this.names = new JobNames(options.job, 1);
    this.#bus = new JobBus(seams.bus, this.names);
    void this.#watch();
  }

  static async open(options: SceneOptions): Promise<Scene> {
    const servers = await startServers(options.replicas);
    try {
      const seats = await Promise.all(
        Array.from({ length: options.workers + spareSeats }, async (_, index) => ({
          index,
          links: await Promise.all(servers.all.map(({ port }) => openLinkProxy(port))),
          worker: undefined,
          isHurt: false,
        })),
      );
      const seams = await connectNats({ servers: servers.urls, name: "observer" });
      const stream = await ResultsStream.create(servers.urls, options.replicas);
      return new Scene(options, servers, seats, seams, stream);
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  /** Name of the job. */
  get job(): string {
    return this.#options.job;
  }

  /** The newest that a leader has said. */
  get status(): JobStatus | undefined {
    return this.#status;
  }

  /** The seat of a worker id. */
  seatOf(id: string): Seat | undefined {
    const processId = this.#status?.workers.find(({ worker }) => worker === id)?.processId;
    return this.seats.find(({ worker }) => worker?.id === id || worker?.processId === processId);
  }

  /** Names of the instances that the worker on a seat hosts, as far as is known. */
  hostedOn(seat: Seat): readonly string[] {
    const instances = this.#status?.instances ?? [];
    return instances.filter(({ worker }) => this.seatOf(worker) === seat).map(({ name }) => name);
  }

  isLeader(seat: Seat): boolean {
    const leader = this.#status?.leader;
    return leader !== undefined && leader !== "none" && this.seatOf(leader.worker) === seat;
  }

  /** The job, for a worker or a command that reaches it over `servers`. */
  orderFor(servers: string): WorkerOrder {
    const { job, shape, replicas } = this.#options;
    return { servers, job, shape, results: results.subject, replicas, inboxBytes, endMs: this.#endMs };
  }

  /** Starts a worker on an empty seat and lets it join. */
  async seatWorker(seat: Seat): Promise<void> {
    const servers = seat.links.map(({ port }) => `nats://127.0.0.1:${port}`).join(",");
    const worker = new WorkerProcess(this.orderFor(servers), (_, said) => this.#hear(seat, said));
    seat.worker = worker;
    void worker.ended.then(() => this.#ended(seat, worker));
    await worker.ready;
    if (this.#endMs !== undefined) worker.tell({ kind: "end", atMs: this.#endMs });
    worker.tell({ kind: "join" });
  }

  /** Kills the worker on a seat; whoever started it says so, or nobody. The seat is empty then. */
  async killWorker(seat: Seat, isReported: boolean): Promise<void> {
    const { worker } = seat;
    if (worker === undefined) return;
    seat.worker = undefined;
    worker.signal("SIGKILL");
    await worker.ended;
    if (isReported && worker.id !== undefined) this.#bus.reportDead(worker.id);
  }

  /** Asks the worker on a seat to go, and waits for it; one that does not go is killed. The seat is empty then. */
  async dismissWorker(seat: Seat): Promise<void> {
    const { worker } = seat;
    if (worker === undefined) return;
    seat.worker = undefined;
    worker.signal("SIGTERM");
    const late = setTimeout(() => worker.signal("SIGKILL"), dismissMsMax);
    await worker.ended;
    clearTimeout(late);
  }

  /** Index of the server that leads a stream; undefined when none is known. */
  async leaderOf(stream: string): Promise<number | undefined> {
    const leader = await this.results.leaderOf(stream);
    const index = this.servers.all.findIndex(({ name }) => name === leader);
    return index < 0 ? undefined : index;
  }

  /** Ends the load and waits until every worker has come to the end of the job. Answers where the load ends. @throws after `limitMs` */
  async complete(limitMs: number): Promise<number> {
    const { beginMs, windowMs } = this.shape;
    const endMs = beginMs + (Math.floor((wallMs() + 1_000 - beginMs) / windowMs) + 1) * windowMs;
    this.#endMs = endMs;
    for (const { worker } of this.seats) worker?.tell({ kind: "end", atMs: endMs });
    const lateMs = endMs + limitMs;
    while (this.seats.some(({ worker }) => worker !== undefined)) {
      if (wallMs() > lateMs) throw new Error(`the job did not complete within ${limitMs} ms: ${this.describe()}`);
      await pause(lookMs);
    }
    return endMs;
  }

  /** Where things are, for an error. */
  describe(): string {
    const instances = this.#status?.instances ?? [];
    const at = instances
      .map(({ name, state, worker, failure }) => `${name} ${state} on ${worker} ${failure}`)
      .join(", ");
    return `${this.#status?.state ?? "no status"} ${this.#status?.lastFailure ?? ""}; ${at}; accidents: ${this.accidents.join("; ")}`;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const seat of this.seats) await this.killWorker(seat, false);
    await Promise.all(this.seats.flatMap(({ links }) => links.map((link) => link.close())));
    await this.results.close();
    await this.#seams.close();
    await this.servers.stop();
  }

  #hear(seat: Seat, said: Said): void {
    if (said.kind !== "line" || this.lines.length >= linesMax) return;
    this.lines.push({ ...said, fields: { seat: seat.index, ...said.fields } });
  }

  /** A worker that ends unasked is replaced, unless the job is over. */
  #ended(seat: Seat, worker: WorkerProcess): void {
    if (seat.worker !== worker) return;
    seat.worker = undefined;
    if (this.#isClosed || (this.#endMs !== undefined && worker.exitCode === 0)) return;
    this.accidents.push(`seat ${seat.index} ended (${worker.exitCode})`);
    const again = async () => {
      await pause(againMs);
      if (!this.#isClosed && seat.worker === undefined) await this.seatWorker(seat);
    };
    void again();
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#status = await this.#bus.status();
        if (this.#status.state === "failed") this.#fail(this.#status.lastFailure);
      } catch {
        // Nobody leads, or cannot be asked: what was known is still the best guess.
      }
      await pause(lookMs);
    }
  }
}
