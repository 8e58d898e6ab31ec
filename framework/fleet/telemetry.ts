/**
 * Metrics and health of a fleet: each worker shows itself, the starter shows nothing.
 *
 * A1. Worker `index` serves at the port that was asked for plus its index, also when it is started again; 0 stays a free one.
 */
import { StreamError } from "../errors.ts";
import type { ResolvedTelemetry } from "../telemetry/options.ts";

const portMax = 65_535;

/** What worker `index` has of the telemetry that is asked for. */
export function telemetryOfWorker({ endpoint, otlp }: ResolvedTelemetry, index: number): ResolvedTelemetry {
  if (endpoint === undefined || endpoint.port === 0) return { endpoint, otlp };
  return { endpoint: { ...endpoint, port: endpoint.port + index }, otlp };
}

/** What the starter of `workers` has of it: nothing. @throws OPTION_INVALID when there are not enough ports for its workers */
export function telemetryOfStarter({ endpoint }: ResolvedTelemetry, workers: number): ResolvedTelemetry {
  const last = (endpoint?.port ?? 0) + workers - 1;
  if (last <= portMax) return { endpoint: undefined, otlp: undefined };
  throw new StreamError(
    "OPTION_INVALID",
    `metrics of ${workers} workers take the ports ${endpoint?.port} to ${last}, and ${portMax} is the last there is`,
  );
}

/** How many workers a starter can keep, and why not more: each serves its metrics at a port of its own. */
export function mostWorkers(
  { endpoint }: ResolvedTelemetry,
  workersMax: number,
): { readonly workers: number; readonly reason: string } {
  const ports = endpoint === undefined || endpoint.port === 0 ? Infinity : portMax - endpoint.port + 1;
  if (ports >= workersMax) return { workers: workersMax, reason: `a fleet has ${workersMax} workers at most` };
  return { workers: ports, reason: `metrics begin at port ${endpoint?.port}, and ${portMax} is the last there is` };
}
