/**
 * Everything that can be hurt: servers, links and workers, and what an observer from outside knows of them.
 *
 * Owns the processes. Each worker sits on a *seat* with links of its own to every server; whoever dies is replaced on the same seat, as the starter of a
 * fleet would. Looks at the job as any observer could, over connections that nobody hurts. How one generation follows another is in `generations.ts`.
 *
 * SC1. While a generation is prepared beside the running one, a seat has a worker of each: one dies with the other.
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
  /** Gets every line that workers say, of level debug too. @default only those from level info on are kept, in `lines` */
  readonly onLine?: ((line: Line) => void) | undefined;
}

/** A place for a worker. */
export interface Seat {
  readonly index: number;
  /** One link per server. */
  readonly links: readonly LinkProxy[];
  worker: WorkerProcess | undefined;
  /** Of the generation that is prepared. */
  next: WorkerProcess | undefined;
  /** A fault of a process or link that has not been put right. */
  isHurt: boolean;
  /** Nobody is to sit there: whoever did was killed or dismissed, or is still to come. */
  isVacant: boolean;
}

/** A generation of the job, for those who start workers of it. */
export interface Life {
  readonly generation: number;
  readonly version: number;
  readonly partitions: number;
  /** The savepoint that it goes on from: `JOB/NAME`. */
  readonly from?: string | undefined;
}

const spareSeats = 1;
const dismissMsMax = 20_000;
const inboxBytes = 4 * 1024 * 1024;
const lookMs = 250;
const linesMax = 200_000;
const againMs = 500;
/** A worker of a generation that is over goes on after this, if it was stopped, and is killed after that, ms. */
const wakeMs = 10_000;
const retireMsMax = 30_000;

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
  readonly shape: LoadShape;
  readonly results: ResultsStream;
  readonly lines: Line[] = [];
  /** Ends of worker processes that nobody had asked for. */
  readonly accidents: string[] = [];
  /** A fault of a server that has not been put right. */
  isServerHurt = false;
  /** One generation is about to follow another. */
  isChanging = false;
  /** Generations that were tried to be followed by another one, and how. */
  readonly changes: { readonly kind: string; readonly isMade: boolean }[] = [];
  /** Why some of them did not come about. */
  readonly refusals: string[] = [];
  /** Generations that are over, and not deleted yet. */
  readonly stale = new Set<number>();
  /** Resolves with the reason when the job has failed. */
  readonly failed: Promise<string>;
  readonly #fail: (reason: string) => void;
  readonly #options: SceneOptions;
  readonly #seams: NatsSeams;
  readonly #retired: Promise<void>[] = [];
  #life: Life;
  #nextLife: Life | undefined;
  /** Resolves when workers may be started: while the job is stopped they would be refused. */
  #open: Promise<void> = Promise.resolve();
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
    this.#life = { generation: 1, version: 1, partitions: options.shape.partitions };
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
          next: undefined,
          isHurt: false,
          isVacant: true,
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

  /** The generation that runs. */
  get life(): Life {
    return this.#life;
  }

  get names(): JobNames {
    return new JobNames(this.job, this.#life.generation);
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
  orderFor(servers: string, { version, partitions, from }: Life = this.#life): WorkerOrder {
    const { job, shape, replicas, onLine } = this.#options;
    const own = { shape: { ...shape, partitions }, version: `chaos-${version}`, from };
    return {
      servers,
      job,
      results: results.subject,
      replicas,
      inboxBytes,
      endMs: this.#endMs,
      isVerbose: onLine !== undefined,
      ...own,
    };
  }

  /** Starts a worker on an empty seat and lets it join; one of the generation that is being prepared, too. */
  async seatWorker(seat: Seat): Promise<void> {
    await this.#open;
    seat.isVacant = false;
    const isWanted = () => !seat.isVacant && !this.#isClosed;
    if (seat.worker === undefined && isWanted()) {
      const worker = this.#startWorker(seat, this.orderFor(linksOf(seat)));
      seat.worker = worker;
      await this.#letJoin(worker);
    }
    if (this.#nextLife !== undefined && isWanted()) await this.#seatNext(seat, this.#nextLife);
  }

  /** Starts workers of a generation that is prepared, on every seat that has one of the other (SC1). */
  async seatSuccessors(life: Life): Promise<void> {
    this.#nextLife = life;
    await Promise.all(this.seats.filter(({ isVacant }) => !isVacant).map((seat) => this.#seatNext(seat, life)));
  }

  /** The generation that was prepared is the job: its workers are those of the seats. */
  succeed(life: Life): void {
    this.#nextLife = undefined;
    this.#life = life;
    for (const seat of this.seats) {
      this.#retire(seat.worker);
      seat.worker = seat.next;
      seat.next = undefined;
    }
    this.#fill();
  }

  /** The generation that was prepared is none. */
  forgetSuccessors(): void {
    this.#nextLife = undefined;
    for (const seat of this.seats) {
      const { next } = seat;
      seat.next = undefined;
      next?.signal("SIGKILL");
    }
    this.#fill();
  }

  /** The job is about to be stopped: nobody takes the place of those who go until it is known which generation runs then. */
  closeUntil(following: Promise<Life>): void {
    this.#open = following.then((life) => {
      if (life === this.#life) return;
      this.#life = life;
      for (const seat of this.seats) {
        this.#retire(seat.worker);
        seat.worker = undefined;
      }
    });
    void this.#open.then(() => this.#fill());
  }

  /** Resolves when the workers of generations that are over have ended. */
  async retired(): Promise<void> {
    await Promise.all(this.#retired.splice(0));
  }

  /** Kills the worker on a seat; whoever started it says so, or nobody. The seat is empty then. */
  async killWorker(seat: Seat, isReported: boolean): Promise<void> {
    const { worker, next } = seat;
    Object.assign(seat, { worker: undefined, next: undefined, isVacant: true });
    for (const each of [worker, next]) each?.signal("SIGKILL");
    await Promise.all([worker?.ended, next?.ended]);
    if (isReported && worker?.id !== undefined) this.#bus.reportDead(worker.id);
  }

  /** Asks the worker on a seat to go, and waits for it; one that does not go is killed. The seat is empty then. */
  async dismissWorker(seat: Seat): Promise<void> {
    const { worker, next } = seat;
    Object.assign(seat, { worker: undefined, next: undefined, isVacant: true });
    const signal = (what: NodeJS.Signals) => [worker, next].forEach((each) => each?.signal(what));
    signal("SIGTERM");
    const late = setTimeout(() => signal("SIGKILL"), dismissMsMax);
    await Promise.all([worker?.ended, next?.ended]);
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
    await this.retired();
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
    await this.retired();
    await Promise.all(this.seats.flatMap(({ links }) => links.map((link) => link.close())));
    await this.results.close();
    await this.#seams.close();
    await this.servers.stop();
  }

  #hear(seat: Seat, said: Said): void {
    if (said.kind !== "line") return;
    const line = { ...said, fields: { seat: seat.index, ...said.fields } };
    this.#options.onLine?.(line);
    if (said.fields["level"] !== "debug" && this.lines.length < linesMax) this.lines.push(line);
  }

  get #bus(): JobBus {
    return new JobBus(this.#seams.bus, this.names);
  }

  #startWorker(seat: Seat, order: WorkerOrder): WorkerProcess {
    const worker = new WorkerProcess(order, (_, said) => this.#hear(seat, said));
    void worker.ended.then(() => this.#ended(seat, worker, order));
    return worker;
  }

  async #letJoin(worker: WorkerProcess): Promise<void> {
    await worker.ready;
    if (this.#endMs !== undefined) worker.tell({ kind: "end", atMs: this.#endMs });
    worker.tell({ kind: "join" });
  }

  async #seatNext(seat: Seat, life: Life): Promise<void> {
    if (seat.next !== undefined) return;
    const worker = this.#startWorker(seat, { ...this.orderFor(linksOf(seat), life), successor: life.generation });
    seat.next = worker;
    await this.#letJoin(worker);
  }

  /** A worker that ends unasked is replaced, unless the job is over; those of another generation than the one that runs end by themselves. */
  #ended(seat: Seat, worker: WorkerProcess, { version, successor }: WorkerOrder): void {
    if (seat.next === worker) seat.next = undefined;
    else if (seat.worker === worker) seat.worker = undefined;
    else return;
    if (this.#isClosed || (this.#endMs !== undefined && worker.exitCode === 0)) return;
    const isCurrent = version === this.orderFor("").version && successor === undefined;
    if (isCurrent && !this.isChanging) this.accidents.push(`seat ${seat.index} ended (${worker.exitCode})`);
    if (successor !== undefined && this.#nextLife === undefined) return;
    void pause(againMs).then(() => (seat.isVacant ? undefined : this.seatWorker(seat)));
  }

  /** Whoever should sit there. */
  #fill(): void {
    for (const seat of this.seats) if (!seat.isVacant) void this.seatWorker(seat);
  }

  #retire(worker: WorkerProcess | undefined): void {
    if (worker === undefined) return;
    const wake = setTimeout(() => worker.signal("SIGCONT"), wakeMs);
    const late = setTimeout(() => worker.signal("SIGKILL"), retireMsMax);
    const ended = worker.ended.then(() => {
      clearTimeout(wake);
      clearTimeout(late);
    });
    this.#retired.push(ended);
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

function linksOf({ links }: Seat): string {
  return links.map(({ port }) => `nats://127.0.0.1:${port}`).join(",");
}
