/**
 * Measures one program's operators: `node framework/scripts/operators-case.ts NAME`. Prints the figures as one line of JSON.
 *
 * A process of its own per program, so that the engine has seen nothing else. The program's stages are joined by function calls, without an exchange;
 * the source's watermark moves on every 1,000 records, so windows fire. In turns with it runs a bare loop, which makes the same readings and counts them
 * per device in a `Map`: the floor that the figures are compared with.
 */
import { average, count, discard, generator, job, plan, sliding, tumbling, value, type Job } from "../index.ts";
import { nanosPerRecord, ProgramRun } from "./program-run.ts";
import { reading, type Reading } from "./readings.ts";

const rounds = 13;
/** Of the first rounds, which are the compiler's. */
const warmUpRounds = 5;
/** As many as a window of 4 s has: each round fires each key's window once. */
const recordsPerRound = 400_000;

function readingsOf(bench: Job) {
  return bench.source("readings", generator({ make: reading })).timestamps((r) => r.at);
}

function keyedOf(bench: Job) {
  return readingsOf(bench).keyBy((r) => r.device);
}

const programs: Readonly<Record<string, (bench: Job) => unknown>> = {
  "map-filter": (bench) =>
    readingsOf(bench)
      .map((r) => ({ device: r.device, fahrenheit: r.celsius * 1.8 + 32 }))
      .filter((r) => r.fahrenheit > 60)
      .to(discard()),
  "tumbling-count": (bench) => keyedOf(bench).window(tumbling("4s")).aggregate(count()).to(discard()),
  "tumbling-average": (bench) =>
    keyedOf(bench)
      .window(tumbling("4s"))
      .aggregate(average((r) => r.celsius))
      .to(discard()),
  "tumbling-two": (bench) =>
    keyedOf(bench)
      .window(tumbling("4s"))
      .aggregate((of) => ({ warmth: of.average((r) => r.celsius), damp: of.average((r) => r.humidity) }))
      .to(discard()),
  sliding: (bench) =>
    keyedOf(bench)
      .window(sliding("1m", "4s"))
      .aggregate(average((r) => r.celsius))
      .to(discard()),
  "window-reduce": (bench) =>
    keyedOf(bench)
      .window(tumbling("4s"))
      .reduce((held, r) => (r.celsius > held.celsius ? r : held))
      .to(discard()),
  reduce: (bench) =>
    keyedOf(bench)
      .reduce((held, r) => (r.celsius > held.celsius ? r : held))
      .to(discard()),
  "process-number": (bench) =>
    keyedOf(bench)
      .process({
        state: { seen: value<number>() },
        process(_reading, { state }) {
          state.seen.set((state.seen.get() ?? 0) + 1);
        },
      })
      .to(discard()),
  "process-object": (bench) =>
    keyedOf(bench)
      .process({
        state: { last: value<Reading>() },
        process(r, { state }) {
          const last = state.last.get();
          state.last.set(r);
          return last === undefined || last.celsius < r.celsius ? [r.celsius] : [];
        },
      })
      .to(discard()),
};

/** Runs the records [from, to). */
type Run = (from: number, to: number) => void;

function runBare(): Run {
  const counts = new Map<string, number>();
  return (from, to) => {
    for (let index = from; index < to; index += 1) {
      const { device } = reading(index);
      counts.set(device, (counts.get(device) ?? 0) + 1);
    }
  };
}

const name = process.argv[2] ?? "";
const describe = programs[name];
if (describe === undefined) {
  process.stdout.write(`${JSON.stringify(Object.keys(programs))}\n`);
} else {
  const bench = job("bench-operators", { partitions: 1, version: "bench" });
  describe(bench);
  const program = new ProgramRun(plan(bench));
  const bare = runBare();
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [from, to] = [round * recordsPerRound, (round + 1) * recordsPerRound];
    floor.push(nanosPerRecord(recordsPerRound, () => bare(from, to)));
    measured.push(nanosPerRecord(recordsPerRound, () => program.feed(reading, from, to)));
  }
  // The least of several equal rounds: what the neighbours on the machine take away is no cost of the program.
  const [programNs, bareNs] = [Math.min(...measured.slice(warmUpRounds)), Math.min(...floor.slice(warmUpRounds))];
  process.stdout.write(`${JSON.stringify({ program: name, programNs, bareNs, ratio: programNs / bareNs })}\n`);
}
