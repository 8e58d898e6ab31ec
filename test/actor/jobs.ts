/** Jobs that the tests of the runtime run. */
import { callback, count, discard, fromArray, job, sum, tumbling, value, type Job } from "tidemark";

/** A reading of a device. */
export interface Reading {
  readonly at: number;
  readonly device: string;
  readonly celsius: number;
}

/** Windowed sums per device, then a running total per device over a second exchange. */
export function twoExchanges(partitions = 2): Job {
  const plant = job("two-exchanges", { partitions, version: "test" });
  plant
    .source("readings", fromArray<Reading>([]))
    .timestamps((r) => r.at, { outOfOrderness: 0 })
    .keyBy((r) => r.device)
    .window(tumbling("1s"))
    .aggregate((of) => ({ total: of.sum((r) => r.celsius), n: of.count() }))
    .named("sums")
    .keyBy((w) => w.key)
    .process({
      state: { total: value<number>() },
      process(window, { state }) {
        const total = (state.total.get() ?? 0) + window.value.total;
        state.total.set(total);
        return [{ device: window.key, end: window.window.end, sum: window.value.total, n: window.value.n, total }];
      },
    })
    .named("totals")
    .to(callback("out", () => undefined));
  return plant;
}

/** Counts and sums per device and second, one exchange. */
export function oneExchange(): Job {
  const plant = job("one-exchange", { partitions: 4, version: "test" });
  const windows = plant
    .source("readings", fromArray<Reading>([]))
    .timestamps((r) => r.at)
    .keyBy((r) => r.device)
    .window(tumbling("1s"));
  windows
    .aggregate(sum((r) => r.celsius))
    .named("sums")
    .to(callback("sums", () => undefined));
  windows.aggregate(count()).named("counts").to(discard());
  return plant;
}

/** Readings of `devices` devices, one every 100 ms each. */
export function readings(devices: number, from: number, to: number): Reading[] {
  const all: Reading[] = [];
  for (let at = from; at < to; at += 100) {
    for (let device = 0; device < devices; device += 1)
      all.push({ at, device: `device-${device}`, celsius: (at / 100) * 10 + device });
  }
  return all;
}
