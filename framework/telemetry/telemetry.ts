/**
 * Metrics and health of one worker, from before it starts until it has gone.
 *
 * Owns what has been opened for that. Where nothing is asked for, nothing is loaded: the instruments go to the meter provider that the user's program has
 * registered with the API of OpenTelemetry, if there is one, and otherwise nowhere.
 */
import type { Meter } from "@opentelemetry/api";
import type { Platform } from "../platform/platform.ts";
import { openEndpoint, type Endpoint } from "./endpoint.ts";
import type { Exporters } from "./exporters.ts";
import { meterName, observeOn } from "./instruments.ts";
import { LoopDelay } from "./loop-delay.ts";
import type { Measured } from "./measures.ts";
import type { ResolvedEndpoint, ResolvedTelemetry } from "./options.ts";

/** Where every copy of the API keeps what has been registered with it. */
const registered = Symbol.for("opentelemetry.js.api.1");

const notStarted = "the worker has not been started";

/** Opens what is asked for. @throws OPTION_INVALID when the endpoint's address cannot be had; nothing is left open then */
export async function openTelemetry(wanted: ResolvedTelemetry, job: string, platform: Platform): Promise<Telemetry> {
  if (wanted.endpoint === undefined && wanted.otlp === undefined)
    return new Telemetry(platform, { meters: await registeredMeters() });
  const { openExporters } = await import("./exporters.ts");
  const exporters = openExporters(wanted, job, platform.logger);
  const telemetry = new Telemetry(platform, exporters);
  try {
    if (wanted.endpoint !== undefined) await telemetry.listen(wanted.endpoint, exporters);
    return telemetry;
  } catch (error) {
    await telemetry.close();
    throw error;
  }
}

/** Where instruments go. */
export interface Outlet {
  readonly meters: readonly Meter[];
  close?(): Promise<void>;
}

/** Open telemetry. */
export class Telemetry {
  readonly #platform: Platform;
  readonly #outlet: Outlet;
  #endpoint: Endpoint | undefined;
  #measured: Measured | undefined;
  readonly #stops: (() => void)[] = [];

  constructor(platform: Platform, outlet: Outlet) {
    this.#platform = platform;
    this.#outlet = outlet;
  }

  /** Of `/metrics`; undefined where nobody listens. */
  get url(): string | undefined {
    return this.#endpoint?.url;
  }

  /** Serves `/metrics` and health. @throws OPTION_INVALID */
  async listen(where: ResolvedEndpoint, exporters: Exporters): Promise<void> {
    this.#endpoint = await openEndpoint(where, {
      obstacles: () => this.#measured?.obstacles() ?? [notStarted],
      scrape: (request, response) => exporters.scrape(request, response),
    });
    this.#platform.logger.log("info", "metrics are served", { url: this.#endpoint.url });
  }

  /** From here on this is what is shown. */
  observe(measured: Measured): void {
    this.#measured = measured;
    for (const meter of this.#outlet.meters) {
      const loop = new LoopDelay();
      const unobserve = observeOn(meter, () => ({ worker: measured.measures(), loop: loop.read() }));
      this.#stops.push(unobserve, () => loop.close());
    }
  }

  /** Sends the last values, where they are sent, and shows nothing any more; takes a second at most, and never rejects. */
  async close(): Promise<void> {
    await this.#outlet.close?.();
    for (const stop of this.#stops.splice(0)) stop();
    await this.#endpoint?.close();
  }
}

/** The meter of the provider that the program has registered; the API is not loaded where nothing has been. */
async function registeredMeters(): Promise<Meter[]> {
  if (!(registered in globalThis)) return [];
  const { createNoopMeter, metrics } = await import("@opentelemetry/api");
  const meter = metrics.getMeter(meterName);
  return meter === createNoopMeter() ? [] : [meter];
}
