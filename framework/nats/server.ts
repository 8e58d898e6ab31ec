/**
 * A nats-server as a child process: what `fleet` and the tests run on when no server is given.
 *
 * Owns the process and, if it made it, the directory of its data. Configured by the project's own `nats.conf`, so that what is tested is what is
 * deployed; only port, name, directory and the interval of syncs are set from outside.
 *
 * N3. It listens on loopback only.
 * N4. `restart` brings back the same port and data, whatever became of the process before.
 * N5. It ends with this process, unless that is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { StreamError } from "../errors.ts";
import { freePorts } from "./free-ports.ts";
import { findNatsServer } from "./server-binary.ts";
import { configWithSync, projectConfig, type SyncInterval } from "./server-config.ts";

/** The cluster that a server is part of. */
export interface ClusterPlace {
  readonly name: string;
  /** Where the others reach it, on loopback. */
  readonly routePort: number;
  /** `routePort` of all of them. */
  readonly routePorts: readonly number[];
  /** Where the others are told to reach it, `host:port`. @default where it listens */
  readonly advertised?: string | undefined;
}

/** How a server is started. */
export interface NatsServerOptions {
  /** The binary. @default {@link findNatsServer} decides */
  readonly binary?: string | undefined;
  /** @default a free one */
  readonly port?: number | undefined;
  /**
   * The directory the server runs in; `nats.conf` keeps the streams below it, in `.tidemark/jetstream`.
   * @default a new one below the system's temporary directory, removed by `stop`
   */
  readonly directory?: string | undefined;
  /** The configuration file. @default the project's `nats.conf` */
  readonly config?: string | undefined;
  /** How often it forces to disk what it has acknowledged; where `config` is the default. @default what the configuration says: 1 s */
  readonly syncInterval?: SyncInterval | undefined;
  /** @default "tidemark" */
  readonly name?: string | undefined;
  /** Memory at which the server's garbage collector works harder. @default 1024 */
  readonly memoryMiB?: number | undefined;
  /** A server that has been asked to end and has not after so long is killed, ms. @default 10000 */
  readonly endMsMax?: number | undefined;
  /** In a process group of its own, where Ctrl-C in the terminal does not reach it. @default false */
  readonly isDetached?: boolean | undefined;
  /** @default it is alone */
  readonly cluster?: ClusterPlace | undefined;
  /** The file that the server writes its process id to. @default none */
  readonly processIdFile?: string | undefined;
  /** Called when the process has ended without having been asked to. @default nobody is told */
  readonly onDeath?: ((how: string) => void) | undefined;
}

const defaultName = "tidemark";
const endMsDefault = 10_000;

/** How long a server may take until it answers; a large store is read first. */
const startMsMax = 30_000;

/** A free port may be taken by another server before this one has it. */
const triesMax = 3;

/** Lines of the server's log kept for the message of a failed start. */
const keptLines = 20;

/** Starts a nats-server and waits until it accepts connections. @throws SERVER_UNREACHABLE with the server's own last words */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = options.binary ?? (await findNatsServer());
  const ownDirectory =
    options.directory === undefined ? await files.mkdtemp(join(tmpdir(), "tidemark-nats-")) : undefined;
  const directory = options.directory ?? ownDirectory ?? "";
  const config =
    options.syncInterval === undefined ? options.config : await configWithSync(options.syncInterval, directory);
  for (let tries = 1; ; tries++) {
    const [free] = options.port === undefined ? await freePorts(1) : [];
    const server = new NatsServer(binary, { ...options, port: options.port ?? free, config, directory }, ownDirectory);
    try {
      await server.restart();
      return server;
    } catch (error) {
      const wasTaken = free !== undefined && StreamError.is(error) && /address already in use/.test(error.message);
      if (wasTaken && tries < triesMax) continue;
      await server.stop();
      throw error;
    }
  }
}

/** A nats-server of this process. Made by {@link startNatsServer}. */
export class NatsServer {
  readonly #binary: string;
  readonly #options: NatsServerOptions & { readonly directory: string };
  readonly #ownDirectory: string | undefined;
  #port: number;
  #process: ChildProcess | undefined;
  #lines: string[] = [];
  /** Processes that this one has told to end. */
  readonly #asked = new WeakSet<ChildProcess>();

  constructor(
    binary: string,
    options: NatsServerOptions & { readonly directory: string },
    ownDirectory: string | undefined,
  ) {
    this.#binary = binary;
    this.#options = options;
    this.#ownDirectory = ownDirectory;
    this.#port = options.port ?? -1;
  }

  get port(): number {
    return this.#port;
  }

  /** As it calls itself. */
  get name(): string {
    return this.#options.name ?? defaultName;
  }

  /** What `connectNats` takes. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Undefined while it is not running. */
  get processId(): number | undefined {
    return this.#process?.pid;
  }

  /** Sends a signal and waits for the end of the process, which is killed when it takes too long; not for one that only pauses or resumes, or begins a slow end (SIGUSR2, the lame duck). */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const isPause = signal === "SIGSTOP" || signal === "SIGCONT";
    if (!isPause) this.#asked.add(child);
    child.kill(signal);
    if (isPause || signal === "SIGUSR2") return;
    if (child.exitCode !== null || child.signalCode !== null) return;
    // One whose disk was full may never end.
    const patience = setTimeout(() => child.kill("SIGKILL"), this.#options.endMsMax ?? endMsDefault);
    await once(child, "exit");
    clearTimeout(patience);
  }

  /** Ends the process if it runs, and starts it on the same port and data. @throws SERVER_UNREACHABLE */
  async restart(): Promise<void> {
    await this.kill("SIGTERM");
    this.#lines = [];
    const child = spawn(this.#binary, this.#arguments(), {
      cwd: this.#options.directory,
      stdio: ["ignore", "ignore", "pipe"],
      detached: this.#options.isDetached ?? false,
      env: { ...process.env, GOMEMLIMIT: `${this.#options.memoryMiB ?? 1024}MiB` },
    });
    this.#process = child;
    const endWithUs = (): void => void child.kill("SIGTERM");
    process.once("exit", endWithUs);
    child.once("exit", () => {
      process.off("exit", endWithUs);
      if (this.#process === child) this.#process = undefined;
    });
    await this.#ready(child);
    this.#watch(child);
  }

  #watch(child: ChildProcess): void {
    const tell = () => {
      if (!this.#asked.has(child)) this.#options.onDeath?.(child.signalCode ?? `exit code ${child.exitCode}`);
    };
    if (child.exitCode !== null || child.signalCode !== null) tell();
    else child.once("exit", tell);
  }

  /** Ends the process and removes the directory, if it was made for this server. */
  async stop(): Promise<void> {
    await this.kill("SIGCONT");
    await this.kill("SIGTERM");
    if (this.#ownDirectory !== undefined)
      await files.rm(this.#ownDirectory, { recursive: true, force: true, maxRetries: 3 });
  }

  #arguments(): string[] {
    const { config, processIdFile, cluster } = this.#options;
    const pid = processIdFile === undefined ? [] : ["--pid", processIdFile];
    const place = ["--addr", "127.0.0.1", "--port", String(this.#port), "--http_port", "-1"];
    const given = [...place, "--name", this.name, ...pid, ...(cluster === undefined ? [] : routesOf(cluster))];
    return ["--config", resolve(config ?? projectConfig()), ...given];
  }

  #ready(child: ChildProcess): Promise<void> {
    return new Promise((ready, reject) => {
      const failed = (reason: string): void => {
        clearTimeout(late);
        reject(new StreamError("SERVER_UNREACHABLE", `nats-server ${reason}: ${this.#lastWords()}`));
      };
      const late = setTimeout(() => {
        child.kill("SIGKILL");
        failed(`did not answer within ${startMsMax} ms`);
      }, startMsMax);
      child.once("error", (error) => failed(`does not start (${error.message})`));
      child.once("exit", (code, signal) => failed(`ended at once (${signal ?? `code ${code}`})`));
      if (child.stderr === null) return;
      createInterface({ input: child.stderr }).on("line", (line) => {
        this.#read(line);
        if (!line.includes("Server is ready")) return;
        clearTimeout(late);
        ready();
      });
    });
  }

  #read(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    const port = /Listening for client connections on \S+:(\d+)/.exec(line)?.[1];
    if (port !== undefined) this.#port = Number(port);
  }

  #lastWords(): string {
    const errors = this.#lines.filter((line) => /\[(ERR|FTL)\]|nats-server:/.test(line));
    return (errors.length > 0 ? errors : this.#lines).slice(-3).join(" | ") || "it said nothing";
  }
}

/** Clients know the servers that they were given, and no others: what stands between them and a server stays there. */
function routesOf({ name, routePort, routePorts, advertised }: ClusterPlace): readonly string[] {
  const urlOf = (port: number) => `nats://127.0.0.1:${port}`;
  const routes = routePorts.map(urlOf).join(",");
  const meeting = advertised === undefined ? [] : ["--cluster_advertise", advertised];
  return ["--cluster", urlOf(routePort), "--cluster_name", name, "--routes", routes, "--no_advertise", ...meeting];
}
