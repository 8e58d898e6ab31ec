/**
 * Readings of a JetStream stream, averaged per device and minute into another one.
 */
import { job, json, run, tumbling } from "tidemark";
import { jetstream } from "tidemark/connectors/jetstream";
import type { Reading } from "../readings-place.ts";

const plant = job("averages", { partitions: 4, snapshotInterval: "200ms", version: "1" });

plant
  .source("readings", jetstream({ stream: "READINGS", codec: json<Reading>() }))
  .timestamps((reading) => reading.at, { outOfOrderness: "5s" })
  .keyBy((reading) => reading.device)
  .window(tumbling("1m"))
  .aggregate((of) => ({ mean: of.average((r) => r.celsius), peak: of.max((r) => r.celsius), n: of.count() }))
  .to(jetstream({ subject: "averages", codec: json() }));

export default plant;
if (import.meta.main) await run(plant);
