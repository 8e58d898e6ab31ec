/**
 * `tidemark run FILE`.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { injectionGrammar } from "../actor/injection.ts";
import { parseLogLevel } from "../platform/logger.ts";
import { run } from "../run.ts";
import { parsePort, type TelemetryOptions } from "../telemetry/options.ts";
import { type ConnectionFlags, homeOf, withConnection } from "./connection-flags.ts";
import { loadJob } from "./program-file.ts";

interface RunFlags extends ConnectionFlags {
  readonly duration?: string;
  readonly new?: boolean;
  readonly logLevel?: string;
  readonly metricsPort?: string;
  readonly metricsHost?: string;
  readonly otlp?: string;
  readonly inject?: readonly string[];
  readonly injectInProduction?: boolean;
}

/** Adds the command. */
export function addRunCommand(program: Command): void {
  const command = program
    .command("run")
    .description("run the job of a program file; what follows -- are its arguments")
    .argument("<file>", "program file: default-exports a job, or a function from arguments to a job")
    .argument("[args...]", "arguments of the program");
  withConnection(command)
    .option("--embedded", "run in this process even when TIDEMARK_NATS is set")
    .option("--duration <duration>", "drain an embedded job, stop a worker of a cluster, after this long")
    .option("--new", "begin the next generation of the job, with empty state")
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
    .option("--inject-in-production", "inject faults though NODE_ENV is production")
    .exitOverride()
    .action(runFile);
}

/** Values of a flag that may be given several times. */
function collect(value: string, before: readonly string[] | undefined): readonly string[] {
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

async function runFile(file: string, args: string[], flags: RunFlags): Promise<void> {
  const path = resolve(file);
  const job = await loadJob(path, args);
  await run(job, homeOf(flags), {
    program: path,
    startNew: flags.new ?? false,
    logLevel: flags.logLevel === undefined ? undefined : parseLogLevel(flags.logLevel, "--log-level"),
    telemetry: telemetryOf(flags),
    inject: flags.inject,
    injectInProduction: flags.injectInProduction,
    ...(flags.duration === undefined ? {} : { duration: flags.duration as `${number}s` }),
  });
}
