/** A program without end: 2,000 readings a second, counted per device and second. */
import { count, discard, generator, job, tumbling } from "tidemark";

const steady = job("steady", { partitions: 4, version: "test" });

steady
  .source("readings", generator({ make: (at) => ({ at, device: at % 100 }), rate: 2_000 }))
  .timestamps((reading) => reading.at)
  .keyBy((reading) => reading.device)
  .window(tumbling("1s"))
  .aggregate(count())
  .named("counts")
  .to(discard());

export default steady;
