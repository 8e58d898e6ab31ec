/**
 * What a caller may say about metrics, and what comes of it together with the environment.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { parseDuration, type Duration } from "../time/duration.ts";

/** The HTTP endpoint: `/metrics` for Prometheus, `/healthz`, `/readyz`. */
export interface PrometheusOptions {
  /** 0 takes a free one, which is said on stderr. Each worker of a machine needs its own. @default `TIDEMARK_METRICS_PORT` */
  readonly port?: number | undefined;
  /** Address to listen on. @default 127.0.0.1, or `TIDEMARK_METRICS_HOST` */
  readonly host?: string | undefined;
}

/** Where metrics are sent by OTLP over HTTP. What is not said here comes from the standard variables `OTEL_EXPORTER_OTLP_*`. */
export interface OtlpOptions {
  /** Collector; the path `/v1/metrics` is added where the URL has none. @default `OTEL_EXPORTER_OTLP_ENDPOINT`, else http://localhost:4318 */
  readonly url?: string | undefined;
  /** Headers of each request; never logged. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often: 100ms to 1d. @default 60s */
  readonly interval?: Duration | undefined;
}

/** Metrics and health of a worker. Nothing is loaded, listened on or sent where nothing is asked for. */
export interface TelemetryOptions {
  /** A number is a port on loopback. @default `TIDEMARK_METRICS_PORT`, else no endpoint */
  readonly prometheus?: number | PrometheusOptions | undefined;
  /** @default nothing is sent */
  readonly otlp?: OtlpOptions | undefined;
}

/** The endpoint as it will be. */
export interface ResolvedEndpoint {
  readonly port: number;
  readonly host: string;
}

/** The sending as it will be; undefined where the standard variables or their defaults decide. */
export interface ResolvedOtlp {
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly intervalMs: number;
}

/** What is asked for. */
export interface ResolvedTelemetry {
  readonly endpoint: ResolvedEndpoint | undefined;
  readonly otlp: ResolvedOtlp | undefined;
}

/** The variable that asks for an endpoint where nothing else does. */
const metricsPortVariable = "TIDEMARK_METRICS_PORT";

const portMax = 65_535;
const loopback = "127.0.0.1";
const metricsPath = "/v1/metrics";
const intervalDefault = "60s";
const intervalMsMin = 100;
const intervalMsMax = 86_400_000;

/** Checks `options`, and adds what `environment` says. @throws OPTION_INVALID, PLAN_INVALID for an option that does not exist */
export function resolveTelemetry(
  options: TelemetryOptions,
  environment: Readonly<Record<string, string | undefined>>,
): ResolvedTelemetry {
  checkKnownOptions(options, ["prometheus", "otlp"], "telemetry");
  return {
    endpoint: endpointOf(options.prometheus, environment),
    otlp: options.otlp === undefined ? undefined : otlpOf(options.otlp),
  };
}

function endpointOf(
  given: TelemetryOptions["prometheus"],
  environment: Readonly<Record<string, string | undefined>>,
): ResolvedEndpoint | undefined {
  const { port, host } = typeof given === "number" ? { port: given } : (given ?? {});
  if (typeof given === "object") checkKnownOptions(given, ["port", "host"], "telemetry.prometheus");
  const variable = environment[metricsPortVariable] || undefined;
  const where = host ?? (environment["TIDEMARK_METRICS_HOST"] || loopback);
  if (port !== undefined) return { port: checkPort(port, "telemetry.prometheus"), host: where };
  if (variable !== undefined) return { port: parsePort(variable, metricsPortVariable), host: where };
  if (given === undefined) return undefined;
  const what = `telemetry.prometheus has no port: give one (--metrics-port, ${metricsPortVariable}), 0 for a free one`;
  throw new StreamError("OPTION_INVALID", what);
}

/** The port in `text`. @throws OPTION_INVALID naming `what` */
export function parsePort(text: string, what: string): number {
  return checkPort(/^\d+$/.test(text) ? Number(text) : Number.NaN, what, text);
}

function checkPort(port: number, what: string, said: string = String(port)): number {
  if (Number.isInteger(port) && port >= 0 && port <= portMax) return port;
  throw new StreamError(
    "OPTION_INVALID",
    `${what} is ${said}: a port is a whole number up to ${portMax}, 0 for a free one`,
  );
}

function otlpOf(options: OtlpOptions): ResolvedOtlp {
  checkKnownOptions(options, ["url", "headers", "interval"], "telemetry.otlp");
  const what = "telemetry.otlp.interval";
  const intervalMs = parseDuration(options.interval ?? intervalDefault, what, { minMs: intervalMsMin });
  if (intervalMs > intervalMsMax)
    throw new StreamError("OPTION_INVALID", `${what} is ${String(options.interval)}, and must be at most 1d`);
  return {
    url: options.url === undefined ? undefined : collectorUrl(options.url),
    headers: options.headers,
    intervalMs,
  };
}

function collectorUrl(given: string): string {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new StreamError(
      "OPTION_INVALID",
      `telemetry.otlp.url is no http or https URL; expected one like http://localhost:4318`,
    );
  if (url.pathname === "/") url.pathname = metricsPath;
  return url.href;
}
