/**
 * Functions over windows: all of a window's records with state per window and per key, an aggregate whose result a function takes, and a fold.
 *
 * node examples/features/window-functions.ts
 */
import { average, fromArray, job, print, run, tumbling, value } from "tidemark";

const readings = fromArray([
  { at: 1_000, device: "boiler", celsius: 70 },
  { at: 2_000, device: "boiler", celsius: 74 },
  { at: 61_000, device: "boiler", celsius: 90 },
  { at: 121_000, device: "boiler", celsius: 60 },
]);

const plant = job("window-functions");
const perMinute = plant
  .source("readings", readings)
  .timestamps((reading) => reading.at)
  .keyBy((reading) => reading.device)
  .window(tumbling("1m"));

perMinute
  .process({
    state: { windows: value<number>() },
    process(all, { key, window, state }) {
      state.windows.set((state.windows.get() ?? 0) + 1);
      return [{ device: key, until: window.end, celsius: all.map((one) => one.celsius), number: state.windows.get() }];
    },
  })
  .to(print("all records"));
perMinute
  .aggregate(
    average((reading) => reading.celsius),
    {
      state: { before: value<number>() },
      process(mean, { key, state }) {
        const change = mean - (state.before.get() ?? mean);
        state.before.set(mean);
        return [{ device: key, mean, change }];
      },
    },
  )
  .to(print("change of the mean"));
perMinute.reduce((a, b) => (b.celsius > a.celsius ? b : a)).to(print("hottest reading"));

export default plant;
if (import.meta.main) await run(plant);
