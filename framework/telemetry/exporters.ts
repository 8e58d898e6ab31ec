/**
 * The SDK of OpenTelemetry and its exporters: the one file that knows them, loaded when metrics are asked for.
 *
 * Owns meter providers of its own, never the global one: that belongs to the user's program.
 *
 * E1. What goes wrong while sending is said once per outage, and holds nothing up.
 * E2. A gauge that is not observed any more (its instance has moved, the job has another state) is not shown any more. The SDK would repeat its last value
 *     for ever, unless it is told that gauges begin anew at each collection.
 * E3. One provider per reader: the SDK keeps what one reader has collected for every other reader of the provider, without bound when one never reads.
 */
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type IMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Meter } from "@opentelemetry/api";
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../errors.ts";
import type { Logger } from "../platform/platform.ts";
import { meterName } from "./instruments.ts";
import type { ResolvedOtlp, ResolvedTelemetry } from "./options.ts";

/** Time for the last values on their way out, ms. */
const closeMsMax = 1_000;

/** Who reads the instruments. */
export interface Exporters {
  /** One per reader: every instrument belongs on each. */
  readonly meters: readonly Meter[];
  /** Answers one scrape, where an endpoint is asked for. */
  scrape(request: IncomingMessage, response: ServerResponse): void;
  /** Sends what is to be sent a last time; takes a second at most, and never rejects. */
  close(): Promise<void>;
}

/** Makes the readers that are asked for; `job` names the service where the environment does not. */
export function openExporters({ endpoint, otlp }: ResolvedTelemetry, job: string, logger: Logger): Exporters {
  // All instruments have one scope: it would be a label that says nothing, on every line.
  const scraped = new ScrapedReader({ preventServerStart: true, withoutScopeInfo: true });
  const readers: IMetricReader[] = [];
  if (endpoint !== undefined) readers.push(scraped);
  if (otlp !== undefined) readers.push(periodicReader(otlp, logger));
  const fromEnvironment = detectResources({ detectors: [envDetector] });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": job }))
    .merge(fromEnvironment);
  const providers = readers.map((reader) => new MeterProvider({ resource, readers: [reader] }));
  const shutDown = (provider: MeterProvider) =>
    provider.shutdown({ timeoutMillis: closeMsMax }).catch((error: unknown) => {
      logger.log("debug", "the last metrics were not sent", { reason: messageOf(error) });
    });
  return {
    meters: providers.map((provider) => provider.getMeter(meterName)),
    scrape: (request, response) => scraped.getMetricsRequestHandler(request, response),
    close: async () => void (await Promise.all(providers.map(shutDown))),
  };
}

/** Prometheus, with E2. */
class ScrapedReader extends PrometheusExporter {
  override selectAggregationTemporality(instrument: InstrumentType): AggregationTemporality {
    return isGauge(instrument) ? AggregationTemporality.DELTA : super.selectAggregationTemporality(instrument);
  }
}

function isGauge(instrument: InstrumentType): boolean {
  return instrument === InstrumentType.OBSERVABLE_GAUGE;
}

function periodicReader({ url, headers, intervalMs }: ResolvedOtlp, logger: Logger): PeriodicExportingMetricReader {
  const exporter = new OTLPMetricExporter({
    ...(url !== undefined && { url }),
    ...(headers !== undefined && { headers: { ...headers } }),
  });
  return new PeriodicExportingMetricReader({
    exporter: new SpokenExporter(exporter, logger),
    exportIntervalMillis: intervalMs,
  });
}

/** OTLP, with E2, and an exporter that says when it begins to fail and when it works again (E1). */
class SpokenExporter implements PushMetricExporter {
  readonly #inner: OTLPMetricExporter;
  readonly #logger: Logger;
  #isFailing = false;

  constructor(inner: OTLPMetricExporter, logger: Logger) {
    this.#inner = inner;
    this.#logger = logger;
  }

  export(metrics: ResourceMetrics, done: Parameters<PushMetricExporter["export"]>[1]): void {
    this.#inner.export(metrics, (result) => {
      this.#say(result.error);
      done(result);
    });
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  selectAggregationTemporality(instrument: InstrumentType): AggregationTemporality {
    return isGauge(instrument) ? AggregationTemporality.DELTA : this.#inner.selectAggregationTemporality(instrument);
  }

  #say(error: Error | undefined): void {
    const isFailing = error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    if (isFailing) this.#logger.log("warn", "metrics cannot be sent", { reason: messageOf(error) });
    else this.#logger.log("info", "metrics are sent again");
  }
}
