/**
 * Timers: a device that has said nothing for a minute of event time is reported, at the time at which it fell silent.
 *
 * node examples/features/timers.ts
 */
import { fromArray, job, print, run, value } from "tidemark";

const beats = fromArray([
  { at: 0, device: "pump" },
  { at: 30_000, device: "pump" },
  { at: 40_000, device: "fan" },
  { at: 120_000, device: "pump" },
]);

const watch = job("timers");

watch
  .source("beats", beats)
  .timestamps((beat) => beat.at)
  .keyBy((beat) => beat.device)
  .process({
    state: { alarm: value<number>() },
    process(_beat, { state, timers, timestamp }) {
      timers.cancelEventTime(state.alarm.get());
      state.alarm.set(timers.onEventTime(timestamp + 60_000));
    },
    onTimer: (time, { key }) => [{ device: key, silentSince: time - 60_000 }],
  })
  .to(print("silent"));

export default watch;
if (import.meta.main) await run(watch);
