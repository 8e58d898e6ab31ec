/**
 * The jobs of the benchmarks of the data path: one keyed exchange each, and little else.
 */
import { count, discard, generator, job, tumbling, value, type Job } from "../index.ts";
import { nexmarkEvent } from "./nexmark.ts";
import { reading } from "./readings.ts";

/** A job whose exchange is measured. */
export interface BenchJob {
  /** Name of the job: `bench-exchange`. */
  readonly job: string;
  /** Makes the source's record number `index`. */
  readonly make: (index: number) => unknown;
  /** Records of the source for each one that travels. */
  readonly eventsPerRecord: number;
  /** The program; `splits` instances generate, `partitions` count. */
  build(partitions: number, splits: number): Job;
}

const version = "bench";
const snapshotInterval = "10s";
/** 10,000 events per second of event time, as the same program on Flink has them. */
const eventDelayUs = 100;
const bidsPerOutput = 1_000;

const exchange: BenchJob = {
  job: "bench-exchange",
  make: reading,
  eventsPerRecord: 1,
  build(partitions, splits) {
    const bench = job(exchange.job, { partitions, version, snapshotInterval });
    bench
      .source("input", generator({ make: reading, splits }))
      .timestamps((r) => r.at)
      .keyBy((r) => r.device)
      .window(tumbling("10s"))
      .aggregate(count())
      .to(discard());
    return bench;
  },
};

/** The whole bid travels, keyed by its bidder; each bidder's bids are counted, and every thousandth count comes out. */
const keyedCount: BenchJob = {
  job: "bench-keyed-count",
  make: (index) => nexmarkEvent(index, eventDelayUs),
  eventsPerRecord: 50 / 46,
  build(partitions, splits) {
    const bench = job(keyedCount.job, { partitions, version, snapshotInterval });
    bench
      .source("input", generator({ make: (index) => nexmarkEvent(index, eventDelayUs), splits }))
      .filter((event) => event.type === "bid")
      .map((event) => event.bid)
      .timestamps((bid) => bid.dateTime)
      .keyBy((bid) => bid.bidder)
      .process({
        state: { count: value<number>() },
        process(_bid, { key, state }) {
          const counted = (state.count.get() ?? 0) + 1;
          state.count.set(counted);
          if (counted % bidsPerOutput === 0) return [{ bidder: key, counted }];
          return [];
        },
      })
      .to(discard());
    return bench;
  },
};

/** By the name of the benchmark. */
export const benchJobs: Readonly<Record<string, BenchJob>> = { exchange, "keyed-count": keyedCount };
