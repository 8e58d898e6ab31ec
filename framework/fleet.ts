/**
 * The home of worker processes: `fleet({ workers })`.
 *
 * Owns the options, and the two sides of the same program: in the process that a user starts, the *starter*, it opens the place and starts the
 * workers; in each of those, which run the same command line again, it is the home of that one worker.
 *
 * The starter is no worker. It checks the program, joins (or begins) the job's generation and hands it to its workers, so that one that is started
 * again never begins a new life; it starts a nats-server when none is named, replaces what dies, and ends with the job's exit code. It gives a worker
 * what it needs in `TIDEMARK_FLEET` (`fleet/membership.ts`), with its index: 0 to workers - 1, the same after every restart.
 */
import { StreamError } from "./errors.ts";
import { natsConnection } from "./environment.ts";
import { serve } from "./fleet/member.ts";
import { type Membership, membershipOf } from "./fleet/membership.ts";
import { type OwnServer, startOwnServer } from "./fleet/own-server.ts";
import { RunningFleet } from "./fleet/running-fleet.ts";
import { mostWorkers, telemetryOfStarter, telemetryOfWorker } from "./fleet/telemetry.ts";
import { ownCommand } from "./fleet/worker-process.ts";
import { type SyncInterval, syncText } from "./nats/server-config.ts";
import type { Home, HomePlace } from "./home.ts";
import { nats, type NatsHomeOptions } from "./home-nats.ts";
import { checkKnownOptions } from "./known-options.ts";
import { jobDefaults } from "./plan/options.ts";
import type { Plan } from "./plan/plan.ts";
import { resolveHints, type WorkerHints } from "./worker-hints.ts";

/** How many workers, and where. */
export interface FleetOptions extends WorkerHints {
  /** Worker processes: 1 to 256. */
  readonly workers: number;
  /** The cluster. @default the one that the environment names (`TIDEMARK_NATS`, `TIDEMARK_CONTEXT`); else a nats-server of the fleet's own, on loopback */
  readonly nats?: NatsHomeOptions | undefined;
  /** Keeps what the fleet's own nats-server stores, from one run to the next. @default a temporary directory, removed at the end */
  readonly directory?: string | undefined;
  /** Port of the fleet's own nats-server. @default a free one */
  readonly port?: number | undefined;
  /**
   * How often the fleet's own nats-server forces to disk what it has acknowledged: what is younger is lost when the power fails, not when processes die.
   * `always`: before each acknowledgement.
   * @default "1s"
   */
  readonly syncInterval?: SyncInterval | undefined;
  /** The program of a worker and its arguments; it must start the same job on a fleet. @default the command line of this process */
  readonly command?: readonly string[] | undefined;
}

const workersMax = 256;
const portMax = 65_535;
const known = ["workers", "nats", "directory", "port", "syncInterval", "command", "capacity", "zone"];

/** The job that this process has started a fleet of. */
let started: string | undefined;

/**
 * Worker processes of this program: as many as asked for, replaced when they die.
 *
 * Each runs the same command line again, up to `run` or `start`, which do not return there: what follows them is this process's alone. A process
 * starts one fleet.
 *
 * @example
 * await run(job, fleet({ workers: 4 }));
 *
 * @throws OPTION_INVALID
 */
export function fleet(options: FleetOptions): Home {
  checkOptions(options);
  const connection = options.nats ?? natsConnection();
  const membership = membershipOf();
  if (membership !== undefined) return homeOfWorker(membership, connection, options);
  const isForOwnServer = [options.directory, options.port, options.syncInterval].some((option) => option !== undefined);
  if (connection !== undefined && isForOwnServer)
    throw new StreamError(
      "OPTION_INVALID",
      "directory, port and syncInterval are those of a nats-server that the fleet starts, but one is named",
    );
  return homeOfStarter(options, connection);
}

/** How many workers a command line (`given`, the value of `--workers`) or else the environment (`TIDEMARK_WORKERS`) asks for. @throws OPTION_INVALID */
export function workersAskedFor(given?: string): number | undefined {
  const inEnvironment = process.env["TIDEMARK_WORKERS"] || undefined;
  const text = given ?? inEnvironment;
  if (text === undefined) return undefined;
  const workers = /^\s*$/.test(text) ? Number.NaN : Number(text);
  checkWorkers(workers, `${given === undefined ? "TIDEMARK_WORKERS" : "--workers"} is ${JSON.stringify(text)}`);
  return workers;
}

function checkOptions(options: FleetOptions): void {
  checkKnownOptions(options, known, "fleet");
  const { workers, port, directory, syncInterval, command } = options;
  resolveHints(options);
  checkWorkers(workers, `workers is ${String(workers)}`);
  if (port !== undefined && !(Number.isSafeInteger(port) && port >= 1 && port <= portMax))
    throw new StreamError("OPTION_INVALID", `port is ${port}; it takes 1 to ${portMax}`);
  if (directory === "") throw new StreamError("OPTION_INVALID", "directory is empty; it takes a path");
  if (syncInterval !== undefined) syncText(syncInterval);
  if (command?.length === 0)
    throw new StreamError("OPTION_INVALID", "command is empty; it takes a program and its arguments");
}

function checkWorkers(workers: number, found: string): void {
  if (Number.isSafeInteger(workers) && workers >= 1 && workers <= workersMax) return;
  throw new StreamError(
    "OPTION_INVALID",
    `${found}; a fleet has 1 to ${workersMax} workers, each a process on this machine`,
  );
}

function homeOfStarter(options: FleetOptions, connection: NatsHomeOptions | undefined): Home {
  const { workers, command } = options;
  const home = connection === undefined ? undefined : nats(connection);
  let most = mostWorkers({ endpoint: undefined, otlp: undefined }, workersMax);
  return {
    description: `fleet of ${workers} on ${home === undefined ? "a nats-server of its own" : home.description}`,
    defaults: home?.defaults ?? jobDefaults,
    cluster: home?.cluster,
    telemetryHere: (asked) => {
      most = mostWorkers(asked, workersMax);
      return telemetryOfStarter(asked, workers);
    },
    async open(plan, platform, intent) {
      if (command === undefined) claimProcess(plan);
      const server = connection === undefined ? await startOwnServer(platform, options) : undefined;
      const place = await openOn(server, () =>
        nats(server === undefined ? (connection ?? {}) : { servers: server.address.url }).open(plan, platform, intent),
      );
      const close = async () => {
        await place.close();
        await server?.close();
      };
      if (server !== undefined) process.stderr.write(announcement(server, options.directory));
      const world = {
        workers,
        command: command ?? ownCommand(),
        seams: place.seams,
        whenThere: place.whenThere,
        most,
        server,
        close,
      };
      return { ...place, close, fleetOf: (job, events) => new RunningFleet(platform, job, world, events) };
    },
  };
}

/** The command line is the workers': it cannot mean two fleets. */
function claimProcess({ job }: Plan): void {
  if (started !== undefined && started !== job) {
    throw new StreamError(
      "OPTION_INVALID",
      `this process has started a fleet of job ${started} and cannot start one of job ${job}: one process, one fleet (or name the command of its workers)`,
    );
  }
  started = job;
}

async function openOn(server: OwnServer | undefined, open: () => Promise<HomePlace>): Promise<HomePlace> {
  try {
    return await open();
  } catch (error) {
    await server?.close();
    throw error;
  }
}

function announcement({ address }: OwnServer, directory: string | undefined): string {
  const kept =
    directory === undefined ? "it ends with this run, and keeps nothing" : `its streams are kept in ${directory}`;
  return `nats-server of this fleet: ${address.url} (${kept})\n`;
}

function homeOfWorker(membership: Membership, connection: NatsHomeOptions | undefined, options: WorkerHints): Home {
  const { server, generation, index } = membership;
  const home = nats(server === undefined ? (connection ?? {}) : { servers: server.url });
  const { capacity = connection?.capacity, zone = connection?.zone } = options;
  return {
    ...home,
    hints: resolveHints({ capacity, zone }),
    telemetryHere: (asked) => telemetryOfWorker(asked, index),
    serve: (clock, startWorker) => serve(membership, clock, startWorker),
    async open(plan, platform, intent) {
      if (plan.job !== membership.job)
        throw new StreamError(
          "OPTION_INVALID",
          `this process is a worker of job ${membership.job} and runs no fleet of job ${plan.job}`,
        );
      return { ...(await home.open(plan, platform, intent)), generation };
    },
  };
}
