/**
 * Measures one kind of window: `node framework/scripts/windows-case.ts NAME`. Prints the figures as one line of JSON.
 *
 * A process of its own per kind, as in `operators-case.ts`. Ten devices report a hundred times a second of event time each; the warm-up is longer than the largest
 * window, so that the rounds that count have windows full, firing and going. Sessions have their own readings: ten of a device, then a pause.
 */
import {
  count,
  countWindow,
  discard,
  everyCount,
  generator,
  globalWindow,
  job,
  onTime,
  plan,
  session,
  sliding,
  tumbling,
  type FiringWindows,
  type Job,
} from "../index.ts";
import { nanosPerRecord, ProgramRun } from "./program-run.ts";

/** A reading of a device. */
interface Reading {
  readonly device: string;
  readonly at: number;
  readonly celsius: number;
}

const deviceCount = 10;
const devices = Array.from({ length: deviceCount }, (_, device) => `device-${device}`);
const begin = 1_760_000_000_000;

/** Number `index`: one per millisecond. */
function steady(index: number): Reading {
  return { device: devices[index % deviceCount] ?? "", at: begin + index, celsius: 20 + (index % 64) / 8 };
}

/** Ten readings of each device within 100 ms, then nothing for a second. */
function inBursts(index: number): Reading {
  return { ...steady(index), at: begin + Math.floor(index / 100) * 1_100 + (index % 100) };
}

const roundRecords = 400_000;
const rounds = 7;
/** More than an hour of event time. */
const warmUpRounds = 10;

interface Case {
  readonly make: (index: number) => Reading;
  readonly build: (bench: Job) => unknown;
  /** Panes (or windows) that a key holds. */
  readonly panes: number;
}

function aggregated(windows: FiringWindows<Reading>, panes = 1, make: Case["make"] = steady): Case {
  const build = (bench: Job) => keyed(bench, make).window(windows).aggregate(count()).to(discard());
  return { make, build, panes };
}

function keyed(bench: Job, make: Case["make"]) {
  return bench
    .source("readings", generator({ make }))
    .timestamps((r) => r.at)
    .keyBy((r) => r.device);
}

const cases: Readonly<Record<string, Case>> = {
  "tumbling-1h": aggregated(tumbling("1h")),
  "sliding-1h-1h": aggregated(sliding("1h", "1h")),
  "sliding-1h-6m": aggregated(sliding("1h", "6m"), 10),
  "sliding-1h-36s": aggregated(sliding("1h", "36s"), 100),
  "sliding-1h-1s": aggregated(sliding("1h", "1s"), 3600),
  "tumbling-100ms": aggregated(tumbling("100ms")),
  "tumbling-100ms-processing": aggregated(tumbling("100ms", { time: "processing" })),
  session: aggregated(session("50ms"), 1, inBursts),
  "session-own-gap": aggregated(
    session((r) => (r.celsius > 24 ? 50 : 60)),
    1,
    inBursts,
  ),
  "count-100": aggregated(countWindow(100)),
  "count-100-10": aggregated(countWindow(100, 10)),
  "global-every-100": {
    make: steady,
    panes: 1,
    build: (bench) =>
      keyed(bench, steady).window(globalWindow()).trigger(everyCount(100).purging()).aggregate(count()).to(discard()),
  },
  "tumbling-1s-early": {
    make: steady,
    panes: 1,
    build: (bench) =>
      keyed(bench, steady)
        .window(tumbling("1s"))
        .trigger(onTime().withEarly({ count: 50 }))
        .aggregate(count(), { fire: true })
        .to(discard()),
  },
  "tumbling-1s-process": {
    make: steady,
    panes: 1,
    build: (bench) =>
      keyed(bench, steady)
        .window(tumbling("1s"))
        .process({ process: (readings, { key }) => [{ key, n: readings.length }] })
        .to(discard()),
  },
  "all-100ms": {
    make: steady,
    panes: 1,
    build: (bench) =>
      bench
        .source("readings", generator({ make: steady }))
        .timestamps((r) => r.at)
        .windowAll(tumbling("100ms"))
        .aggregate(count())
        .to(discard()),
  },
};

/** Bytes of keyed state that a snapshot has. */
function stateBytes({ programs }: ProgramRun): number {
  const cut = programs.at(-1)?.cut();
  if (cut === undefined) return 0;
  while (!cut.encodeSome(Infinity)) continue;
  return cut.segments().reduce((sum, { bytes }) => sum + (bytes?.byteLength ?? 0), 0);
}

const name = process.argv[2] ?? "";
const chosen = cases[name];
if (chosen === undefined) {
  process.stdout.write(`${JSON.stringify(Object.keys(cases))}\n`);
} else {
  const bench = job("bench-windows", { partitions: 1, version: "bench" });
  chosen.build(bench);
  const program = new ProgramRun(plan(bench));
  program.feed(chosen.make, 0, warmUpRounds * roundRecords);
  const measured: number[] = [];
  for (let round = warmUpRounds; round < warmUpRounds + rounds; round += 1) {
    const [from, to] = [round * roundRecords, (round + 1) * roundRecords];
    measured.push(nanosPerRecord(roundRecords, () => program.feed(chosen.make, from, to)));
  }
  // One record more, so that every window is open.
  const end = (warmUpRounds + rounds) * roundRecords;
  program.feed(chosen.make, end, end + deviceCount);
  const keys = name.startsWith("all-") ? 1 : deviceCount;
  const bytesPerKey = stateBytes(program) / keys;
  // The least of several equal rounds: what the neighbours on the machine take away is no cost of the program.
  const figures = { ns: Math.min(...measured), bytesPerKey, bytesPerPane: bytesPerKey / chosen.panes };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
