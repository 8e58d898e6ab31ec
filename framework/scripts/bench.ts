/**
 * The benchmarks: `npm run bench -- NAME [--seconds N] [--partitions N] [--workers 1|2] [--flink] [--json]`.
 *
 * `operators`: what the operators of several programs cost per record, alone, each as a ratio to a bare loop; see `operators-case.ts`.
 *
 * `windows`: the same for each kind of window, and for sliding ones at several ratios of size to slide, with the bytes that a snapshot has of a key; see
 * `windows-case.ts`.
 *
 * `durability`: acknowledgements and throughput of one server and of three, by how often they force to disk what they have acknowledged; see
 * `durability-bench.ts`.
 *
 * `shapes`: what records of the first shape in a process cost to write and to read, and those of later ones; see `shapes-bench.ts`.
 *
 * `threads`: a map that keeps a core busy, in one worker process without threads and with two; see `threads-bench.ts`.
 *
 * `exchange`: generator, keyBy, windowed count, discard, through a real nats-server with file storage: what one exchange of 100-byte records costs in
 * the workers and in the server. `keyed-count`: the same of whole bids of the Nexmark benchmark, with a running count per bidder. `--workers 2` runs
 * with one worker process, then with two, and compares. `--flink` runs the same program on Flink too, where that is at hand.
 *
 * Figures of a small noisy machine: compare within one run, quote CPU per record.
 */
import { StreamError } from "../errors.ts";
import { operatorsAlone } from "./bench-alone.ts";
import { measureFlink } from "./bench-flink.ts";
import { benchJobs, type BenchJob } from "./bench-jobs.ts";
import { measureExchange, type RunFigures } from "./bench-run.ts";
import { exitWith, positiveNumber, readCommandLine, wholeNumber } from "./command-line.ts";
import { durability } from "./durability-bench.ts";
import { operators, windows } from "./operators-bench.ts";
import { measureShapes } from "./shapes-bench.ts";
import { threads } from "./threads-bench.ts";

const names = ["operators", "windows", "durability", "shapes", "threads", ...Object.keys(benchJobs)];

const { values: flags, positionals } = readCommandLine({
  command: "npm run bench",
  operands: "[NAME]",
  about: `What things cost: NAME is one of ${names.join(", ")} (else exchange).`,
  flags: {
    seconds: { type: "string", default: "10", takes: "N", help: "how long, behind the warm-up" },
    partitions: { type: "string", default: "4", takes: "N", help: "of the keyed stage" },
    workers: { type: "string", default: "1", takes: "N", help: "2: with one worker process, then with two" },
    flink: { type: "boolean", default: false, help: "the same program on Flink too, where that is at hand" },
    json: { type: "boolean", default: false, help: "one JSON object" },
  },
});

/** Flink warms up for the first half of its run. */
const flinkSeconds = 30;

/** Runs one benchmark of the data path as the flags say. */
async function dataPath(
  bench: string,
  program: BenchJob,
  options: { readonly seconds: number; readonly partitions: number },
): Promise<object> {
  const operatorsMicrosPerRecord = operatorsAlone(program);
  const run = (workers: number) => measureExchange({ bench, workers, ...options });
  const one = await run(1);
  const two = flags.workers === "2" ? await run(2) : undefined;
  return {
    bench,
    ...one,
    /** Of the worker's: the generator and the operators of both stages, without an exchange between them. */
    operatorsMicrosPerRecord,
    /** What is left: encode, append, read, decode, route. */
    exchangeMicrosPerRecord: one.workerMicrosPerRecord - operatorsMicrosPerRecord,
    cpuSecondsPerMillionEvents: cpuPerEvent(one, program),
    ...(two === undefined ? {} : { two, ...scaling(one, two) }),
    ...(flags.flink ? beside(cpuPerEvent(one, program)) : {}),
  };
}

/** Workers and server together, per record of the source. */
function cpuPerEvent(figures: RunFigures, { eventsPerRecord }: BenchJob): number {
  return (figures.workerMicrosPerRecord + figures.serverMicrosPerRecord) / eventsPerRecord;
}

/** Two workers against one. A machine that does other things has room for less than two of them: then the CPU per record says more. */
function scaling(one: RunFigures, two: RunFigures): object {
  const cpuOf = (figures: RunFigures) => figures.workerMicrosPerRecord + figures.serverMicrosPerRecord;
  return {
    throughputRatioTwoToOne: two.recordsPerSecond / one.recordsPerSecond,
    cpuPerRecordRatioTwoToOne: cpuOf(two) / cpuOf(one),
  };
}

function beside(ownSecondsPerMillion: number): object {
  const flink = measureFlink(flinkSeconds);
  return typeof flink === "string"
    ? { flink }
    : { flink, cpuRatioToFlink: ownSecondsPerMillion / flink.cpuSecondsPerMillion };
}

function print(figures: object): void {
  const lines = Object.entries(figures).map(([what, figure]) => {
    if (Array.isArray(figure)) return figure.map((row) => JSON.stringify(row)).join("\n");
    const text = typeof figure === "object" ? JSON.stringify(figure) : String(figure);
    return `${what.padEnd(28)} ${text}`;
  });
  process.stdout.write(flags.json ? `${JSON.stringify(figures)}\n` : `${lines.join("\n")}\n`);
}

function figuresOf(name: string): object | Promise<object> {
  const seconds = positiveNumber("seconds", flags.seconds);
  if (flags.workers !== "1" && flags.workers !== "2")
    throw new StreamError("OPTION_INVALID", `--workers is ${flags.workers}; it takes 1 or 2`);
  if (name === "operators") return operators();
  if (name === "windows") return windows();
  if (name === "durability") return durability(seconds).then((rows) => ({ bench: name, rows }));
  if (name === "shapes") return measureShapes();
  if (name === "threads") return threads();
  const program = benchJobs[name];
  if (program === undefined)
    throw new StreamError("OPTION_INVALID", `no bench ${name}; there are: ${names.join(", ")}`);
  return dataPath(name, program, { seconds, partitions: wholeNumber("partitions", flags.partitions, 1) });
}

await exitWith(async () => {
  print(await figuresOf(positionals[0] ?? "exchange"));
  return 0;
});
