/**
 * Windows by time: tumbling with an offset, sliding, sessions with a gap of their own per record, and windows over all keys.
 *
 * node examples/features/windows.ts
 */
import { average, count, fromArray, job, max, print, run, session, sliding, sum, tumbling } from "tidemark";

const trips = fromArray([
  { at: 0, bus: "14", passengers: 3, stopSeconds: 30 },
  { at: 20_000, bus: "14", passengers: 5, stopSeconds: 30 },
  { at: 40_000, bus: "7", passengers: 2, stopSeconds: 30 },
  { at: 95_000, bus: "14", passengers: 8, stopSeconds: 60 },
  { at: 150_000, bus: "14", passengers: 1, stopSeconds: 10 },
]);

const lines = job("windows");
const seen = lines.source("trips", trips).timestamps((trip) => trip.at);
const byBus = seen.keyBy((trip) => trip.bus);

byBus
  .window(tumbling("1m", { offset: "30s" }))
  .aggregate(sum((trip) => trip.passengers))
  .to(print("tumbling"));
byBus
  .window(sliding("2m", "1m"))
  .aggregate(max((trip) => trip.passengers))
  .to(print("sliding"));
byBus.window(session("30s")).aggregate(count()).to(print("session"));
byBus
  .window(session((trip) => trip.stopSeconds * 1_000))
  .aggregate(count())
  .to(print("session with a gap per record"));
seen
  .windowAll(tumbling("1m"))
  .aggregate(average((trip) => trip.passengers))
  .to(print("of all keys"));

export default lines;
if (import.meta.main) await run(lines);
