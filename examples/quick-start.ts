/**
 * The smallest program: readings out of order, and their average per device and minute.
 *
 * node examples/quick-start.ts
 */
import { average, fromArray, job, print, run, tumbling } from "tidemark";

const plant = job("quick-start");

const readings = plant
  .source(
    "readings",
    fromArray([
      { device: "boiler", at: Date.UTC(2026, 0, 1, 10, 0, 5), celsius: 70 },
      { device: "boiler", at: Date.UTC(2026, 0, 1, 10, 1, 1), celsius: 90 },
      { device: "boiler", at: Date.UTC(2026, 0, 1, 10, 0, 58), celsius: 80 },
      { device: "cellar", at: Date.UTC(2026, 0, 1, 10, 1, 30), celsius: 12 },
    ]),
  )
  .timestamps((reading) => reading.at, { outOfOrderness: "5s" });

readings
  .keyBy((reading) => reading.device)
  .window(tumbling("1m"))
  .aggregate(average((reading) => reading.celsius))
  .to(print("average"));

export default plant;
if (import.meta.main) await run(plant);
