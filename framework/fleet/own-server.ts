/**
 * The nats-server of a fleet that was given none.
 *
 * Owns the process and that it is there again when it dies, on the same port and data; what it stores is the job's business.
 *
 * O1. A directory belongs to one server at a time: two would destroy each other's streams.
 * O2. It ends with the fleet. A directory that nobody named goes with it.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, StreamError } from "../errors.ts";
import { findNatsServer } from "../nats/server-binary.ts";
import type { SyncInterval } from "../nats/server-config.ts";
import { type NatsServer, startNatsServer } from "../nats/server.ts";
import type { Platform } from "../platform/platform.ts";
import type { FleetServer } from "./membership.ts";

/** Where the server runs. */
export interface OwnServerOptions {
  /** Keeps the streams. @default a temporary one, removed at the end */
  readonly directory?: string | undefined;
  /** @default a free one */
  readonly port?: number | undefined;
  /** How often what is acknowledged is forced to disk. @default "1s" */
  readonly syncInterval?: SyncInterval | undefined;
}

const againMsMin = 100;
const againMsMax = 10_000;
const portInUse = /address already in use/;

/** Starts the server. @throws SERVER_UNREACHABLE, PATH_UNUSABLE, OPTION_INVALID */
export async function startOwnServer(platform: Platform, options: OwnServerOptions = {}): Promise<OwnServer> {
  const directory = options.directory === undefined ? undefined : ownedDirectory(options.directory);
  const binary = await findNatsServer({ onProgress: (message) => platform.logger.log("warn", message) });
  const server = new OwnServer(platform);
  const place = directory === undefined ? {} : { directory, processIdFile: join(directory, processIdName) };
  const started = startNatsServer({
    binary,
    port: options.port,
    syncInterval: options.syncInterval,
    ...place,
    isDetached: true,
    onDeath: (how) => server.died(how),
  });
  server.runs(await started.catch((error: unknown) => explain(error, options.port)));
  return server;
}

/** A fleet's own nats-server. Made by {@link startOwnServer}. */
export class OwnServer {
  /** Called with the server's new process whenever it has been started again. */
  onRestarted: (server: FleetServer) => void = () => undefined;
  readonly #platform: Platform;
  #server: NatsServer | undefined;
  #isClosed = false;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** What the fleet's workers connect to. */
  get address(): FleetServer {
    return { url: this.#server?.url ?? "", processId: this.#server?.processId ?? 0 };
  }

  /** The server has been started. */
  runs(server: NatsServer): void {
    this.#server = server;
  }

  /** The server's process has ended, unasked: starts it again, for ever. */
  died(how: string): void {
    if (this.#isClosed) return;
    const { url } = this.address;
    this.#platform.logger.log("warn", "the fleet's nats-server has died and is started again", { url, how });
    void this.#startAgain(againMsMin);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#server?.stop();
  }

  async #startAgain(againMs: number): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#server?.restart();
      this.onRestarted(this.address);
    } catch (error) {
      const reason = messageOf(error);
      this.#platform.logger.log("error", "the fleet's nats-server does not start", { reason, againMs });
      const again = () => void this.#startAgain(Math.min(againMsMax, 2 * againMs));
      this.#platform.clock.schedule(againMs, again);
    }
  }
}

const processIdName = "nats-server.pid";

/** The directory, there and free. */
function ownedDirectory(given: string): string {
  const directory = resolve(given);
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new StreamError("PATH_UNUSABLE", `directory ${directory}: ${messageOf(error)}`, { cause: error });
  }
  const path = join(directory, processIdName);
  const processId = processIn(path);
  if (processId === undefined || !isAlive(processId)) return directory;
  throw new StreamError(
    "PATH_UNUSABLE",
    `directory ${directory} belongs to the nats-server of process ${processId}: name that server instead, take another directory, or, ` +
      `if that process is no nats-server, remove ${path}`,
  );
}

function processIn(path: string): number | undefined {
  try {
    const processId = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(processId) && processId > 0 ? processId : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function explain(error: unknown, port: number | undefined): never {
  if (port === undefined || !portInUse.test(messageOf(error))) throw error;
  throw new StreamError(
    "SERVER_UNREACHABLE",
    `port ${port} is in use: name the server that listens there (nats://127.0.0.1:${port}), or take another port`,
    { cause: error },
  );
}
