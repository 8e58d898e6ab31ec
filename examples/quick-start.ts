/**
 * The smallest program: readings out of order, and their average per device and minute.
 *
 * node examples/quick-start.ts
 */
import { average, fromArray, job, print, run, tumbling } from "tidemark";

const readings = fromArray([
  { device: "boiler", at: 5_000, celsius: 70 },
  { device: "boiler", at: 61_000, celsius: 90 },
  { device: "boiler", at: 58_000, celsius: 80 },
  { device: "cellar", at: 90_000, celsius: 12 },
]);

const plant = job("quick-start");

plant
  .source("readings", readings)
  .timestamps((reading) => reading.at, { outOfOrderness: "5s" })
  .keyBy((reading) => reading.device)
  .window(tumbling("1m"))
  .aggregate(average((reading) => reading.celsius))
  .to(print("average per minute"));

export default plant;
if (import.meta.main) await run(plant);
