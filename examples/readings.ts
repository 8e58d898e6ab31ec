/**
 * Readings from a JetStream stream, their mean and peak per device and minute into another: event time, disorder, lateness.
 *
 * node examples/readings.ts     with TIDEMARK_NATS=nats://127.0.0.1:4222 and two streams: READINGS, and one that takes averages.*
 */
import { file, job, json, run, tumbling } from "tidemark";
import { jetstream } from "tidemark/connectors/jetstream";

/** A message of READINGS. */
interface Reading {
  readonly device: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly celsius: number;
  readonly ok: boolean;
}

const plant = job("readings");

const perMinute = plant
  .source("readings", jetstream({ stream: "READINGS", from: "first", codec: json<Reading>() }))
  .timestamps((reading) => reading.at, { outOfOrderness: "5s" })
  .filter((reading) => reading.ok)
  .keyBy((reading) => reading.device)
  .window(tumbling("1m"))
  .allowedLateness("30s")
  .aggregate((of) => ({ mean: of.average((r) => r.celsius), peak: of.max((r) => r.celsius), n: of.count() }));

perMinute.to(jetstream({ subject: "averages", codec: json() }));
perMinute.late().to(file("late.jsonl"));

export default plant;
if (import.meta.main) await run(plant);
