/**
 * Several nats-servers as one cluster, on loopback: for tests and measurements of jobs with replicas.
 *
 * Owns which ports the servers meet at, and when the cluster counts as there. Each server has a directory of its own, and goes, comes back and is paused
 * like one that is alone.
 *
 * N6. A started cluster takes streams with a copy on every server: their common leader has been elected and knows all of them.
 */
import { StreamError } from "../errors.ts";
import { JetStreamApi } from "./api.ts";
import { connectLink } from "./connect.ts";
import { freePorts } from "./free-ports.ts";
import { afterMs } from "./link.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "./server.ts";
import { logStream } from "./stream-config.ts";
import { Streams } from "./streams.ts";
import { systemMonotonicMs } from "./system-time.ts";

/** How a cluster is started. */
export interface NatsClusterOptions extends Pick<
  NatsServerOptions,
  "binary" | "config" | "memoryMiB" | "syncInterval"
> {
  /** Servers. @default 3 */
  readonly size?: number | undefined;
  /** The directories that the servers run in, one each. @default new ones, removed by `stop` */
  readonly directories?: readonly string[] | undefined;
  /**
   * Makes the way between each two servers, on which one reaches the other's `port`; answers the port to take instead. Nothing else is between them.
   * @default they reach each other directly
   */
  readonly between?: ((one: number, other: number, port: number) => Promise<number>) | undefined;
}

/** Nobody: a server that is told to be reached there is reached by those alone who have been given another way. */
const nowhere = "127.0.0.1:1";

const clusterName = "tidemark";
const readyMsMax = 30_000;
const lookMs = 100;
const probe = "TIDEMARK_READY";

/** Starts the servers and waits until they are a cluster (N6). @throws SERVER_UNREACHABLE */
export async function startNatsCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  const { size = 3, directories, between, ...given } = options;
  const routePorts = await freePorts(size);
  const starting = routePorts.map(async (routePort, index) =>
    startNatsServer({
      ...given,
      name: `${clusterName}-${index + 1}`,
      directory: directories?.[index],
      cluster: {
        name: clusterName,
        routePort,
        routePorts: between === undefined ? routePorts : await waysOf(index, routePorts, between),
        advertised: between === undefined ? undefined : nowhere,
      },
    }),
  );
  const started = await Promise.allSettled(starting);
  const servers = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const cluster = new NatsCluster(servers);
  try {
    const failed = started.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    await cluster.ready();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Servers that are one cluster. Made by {@link startNatsCluster}. */
export class NatsCluster {
  readonly servers: readonly NatsServer[];

  constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
  }

  /** What `connectNats` takes. */
  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url);
  }

  /** Waits until streams with a copy on every server can be created. @throws SERVER_UNREACHABLE with the last reason */
  async ready(): Promise<void> {
    const lateMs = systemMonotonicMs() + readyMsMax;
    for (;;) {
      try {
        return await this.#tryOut();
      } catch (error) {
        if (!StreamError.is(error)) throw error;
        if (systemMonotonicMs() > lateMs)
          throw new StreamError("SERVER_UNREACHABLE", `no cluster within ${readyMsMax} ms: ${error.message}`);
      }
      await afterMs(lookMs);
    }
  }

  /** Ends all of them and removes the directories that were made for them. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #tryOut(): Promise<void> {
    const link = await connectLink({ servers: this.urls, name: "tidemark launcher" });
    try {
      const streams = new Streams(new JetStreamApi(link), this.servers.length);
      await streams.create(logStream(probe, { maxBytes: 1_024, full: "refuse" }));
      await streams.delete(probe);
    } finally {
      await link.close();
    }
  }
}

/** One way between each two: the server with the lower number takes it. A server that knows nobody would be no cluster, so each knows itself. */
async function waysOf(
  index: number,
  routePorts: readonly number[],
  between: NonNullable<NatsClusterOptions["between"]>,
): Promise<readonly number[]> {
  const own = routePorts.slice(index, index + 1);
  const others = routePorts.slice(index + 1).map((port, at) => between(index, index + 1 + at, port));
  return [...own, ...(await Promise.all(others))];
}
