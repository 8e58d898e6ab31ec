/**
 * The metrics as instruments of OpenTelemetry: observed when a reader collects, at no other time.
 */
import type { BatchObservableCallback, Meter, Observable } from "@opentelemetry/api";
import { metrics, type Metric, type Moment } from "./metrics.ts";

/** Name of the meter: the scope of every instrument. */
export const meterName = "tidemark";

/** Makes the instruments on `meter` and lets them observe what `moment` answers; undefined observes nothing. Answers how to stop. */
export function observeOn(meter: Meter, moment: () => Moment | undefined): () => void {
  const instruments = metrics.map((metric) => ({ metric, instrument: instrumentOf(meter, metric) }));
  const observables = instruments.map(({ instrument }) => instrument);
  const callback: BatchObservableCallback = (result) => {
    const seen = moment();
    if (seen === undefined) return;
    const { job, generation, worker } = seen.worker;
    const whose = { "tidemark.job": job, "tidemark.generation": generation, "tidemark.worker": worker };
    for (const { metric, instrument } of instruments)
      for (const { value, attributes } of metric.points(seen))
        result.observe(instrument, value, { ...whose, ...attributes });
  };
  meter.addBatchObservableCallback(callback, observables);
  return () => meter.removeBatchObservableCallback(callback, observables);
}

function instrumentOf(meter: Meter, { name, kind, unit, description }: Metric): Observable {
  const options = { unit, description };
  return kind === "counter" ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options);
}
