/**
 * The flags of commands that run a program: where, on how many workers, and what is told to the job.
 *
 * Owns what they come to; what they do is `run.ts`'s business.
 */
import type { Command } from "commander";
import { injectionGrammar } from "../actor/injection.ts";
import { StreamError } from "../errors.ts";
import { fleet, workersAskedFor } from "../fleet.ts";
import type { Home } from "../home.ts";
import type { SyncInterval } from "../nats/server-config.ts";
import { nats } from "../home-nats.ts";
import { parseLogLevel } from "../platform/logger.ts";
import type { RunOptions } from "../run.ts";
import { parsePort, type TelemetryOptions } from "../telemetry/options.ts";
import { type ConnectionFlags, connectionOf, homeOf, withConnection } from "./connection-flags.ts";
import { parseCapacity } from "../worker-hints.ts";

/** What the flags say. */
export interface RunFlags extends ConnectionFlags {
  readonly workers?: string;
  readonly directory?: string;
  readonly port?: string;
  readonly syncInterval?: string;
  readonly capacity?: string;
  readonly zone?: string;
  readonly duration?: string;
  readonly logLevel?: string;
  readonly metricsPort?: string;
  readonly metricsHost?: string;
  readonly otlp?: string;
  readonly inject?: readonly string[];
  readonly injectInProduction?: boolean;
}

/** Adds the flags to a command. */
export function withRunFlags(command: Command): Command {
  return withConnection(command)
    .option("--replicas <n>", "copies that the cluster keeps of every stream: 1, 3 or 5 (or TIDEMARK_REPLICAS)")
    .option("--embedded", "run in this process even when TIDEMARK_NATS is set")
    .option("--workers <n>", "a fleet of worker processes, and a nats-server if none is named (or TIDEMARK_WORKERS)")
    .option("--directory <path>", "keeps what the fleet's own nats-server stores")
    .option("--port <n>", "port of the fleet's own nats-server")
    .option("--sync-interval <duration>", "how often that forces to disk what it has acknowledged: 1s, or always")
    .option("--capacity <n>", "how much a worker can carry, relative to the others (or TIDEMARK_CAPACITY)")
    .option("--zone <name>", "workers of one zone may fail together: stages are spread over zones (or TIDEMARK_ZONE)")
    .option("--duration <duration>", "drain an embedded job, stop a worker or a fleet, after this long")
    .option("--log-level <level>", "debug, info, warn or error: lines on stderr (or TIDEMARK_LOG)")
    .option(
      "--metrics-port <port>",
      "serve /metrics, /healthz and /readyz; 0 takes a free port (or TIDEMARK_METRICS_PORT)",
    )
    .option("--metrics-host <address>", "where, if not on loopback alone (or TIDEMARK_METRICS_HOST)")
    .option(
      "--otlp <url>",
      "send metrics to an OTLP collector, like http://localhost:4318 (more by OTEL_EXPORTER_OTLP_*)",
    )
    .option("--inject <fault>", `a fault on purpose, once; repeatable: ${injectionGrammar}`, collect)
    .option("--inject-in-production", "inject faults though NODE_ENV is production");
}

/** Values of a flag that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function telemetryOf({ metricsPort, metricsHost, otlp }: RunFlags): TelemetryOptions {
  const isServed = metricsPort !== undefined || metricsHost !== undefined;
  const port = metricsPort === undefined ? undefined : parsePort(metricsPort, "--metrics-port");
  return {
    prometheus: isServed ? { port, host: metricsHost } : undefined,
    otlp: otlp === undefined ? undefined : { url: otlp },
  };
}

/** What the flags tell `run`, of the program at `path`. @throws OPTION_INVALID */
export function runOptionsOf(path: string, args: readonly string[], flags: RunFlags): RunOptions {
  return {
    program: path,
    programArguments: args,
    logLevel: flags.logLevel === undefined ? undefined : parseLogLevel(flags.logLevel, "--log-level"),
    telemetry: telemetryOf(flags),
    inject: flags.inject,
    injectInProduction: flags.injectInProduction,
    ...(flags.duration === undefined ? {} : { duration: flags.duration as `${number}s` }),
  };
}

/** The home that the flags, or else the environment, ask for. @throws OPTION_INVALID */
export function homeToRun(flags: RunFlags): Home {
  const { embedded = false, directory, port, syncInterval, zone } = flags;
  const capacity = parseCapacity(flags.capacity, "--capacity");
  if (embedded && flags.workers !== undefined)
    throw new StreamError("OPTION_INVALID", "--embedded and --workers: a job runs in this process, or in several");
  if (flags.replicas !== undefined && (embedded || connectionOf(flags) === undefined))
    throw new StreamError("OPTION_INVALID", "--replicas is for a cluster: name one with --nats or --context");
  const workers = embedded ? undefined : workersAskedFor(flags.workers);
  if (workers !== undefined)
    return fleet({
      workers,
      nats: connectionOf(flags),
      capacity,
      zone,
      directory,
      port: port === undefined ? undefined : Number(port),
      syncInterval: syncInterval as SyncInterval | undefined,
    });
  if (directory !== undefined || port !== undefined || syncInterval !== undefined)
    throw new StreamError(
      "OPTION_INVALID",
      "--directory, --port and --sync-interval are those of a fleet's own nats-server: add --workers",
    );
  const connection = embedded ? undefined : connectionOf(flags);
  if (connection !== undefined) return nats({ ...connection, capacity, zone });
  if (capacity === undefined && zone === undefined) return homeOf(flags);
  throw new StreamError(
    "OPTION_INVALID",
    "--capacity and --zone are for the workers of a cluster: add --nats or --workers",
  );
}
