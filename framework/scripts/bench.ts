/**
 * The benchmarks: `npm run bench -- NAME [--seconds N] [--partitions N] [--json]`.
 *
 * `operators`: what the operators of several programs cost per record, alone, each as a ratio to a bare loop; see `operators-case.ts`.
 *
 * `exchange`: generator, keyBy, windowed count, discard, through a real nats-server with file storage: what one exchange of 100-byte records costs in
 * the worker and in the server. Figures of a small noisy machine: compare within one run, quote CPU per record.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  count,
  discard,
  generator,
  job,
  nats,
  plan,
  start,
  tumbling,
  type Job,
  type JobStatus,
  type Plan,
} from "../index.ts";
import type { Outlet } from "../operator/outlet.ts";
import { StageProgram } from "../operator/program.ts";
import { connectNats } from "../nats/connect.ts";
import { startNatsServer } from "../nats/server.ts";
import { operators } from "./operators-bench.ts";
import { reading } from "./readings.ts";

interface Figures {
  readonly bench: string;
  readonly seconds: number;
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly workerMicrosPerRecord: number;
  /** Of those: the generator and the operators of both stages, measured in the same process without an exchange between them. */
  readonly operatorsMicrosPerRecord: number;
  /** What is left: encode, append, read, decode, route. */
  readonly exchangeMicrosPerRecord: number;
  readonly serverMicrosPerRecord: number;
  readonly frameBytes: number;
  readonly recordsPerFrame: number;
  readonly bytesPerRecord: number;
}

interface Measure {
  readonly records: number;
  readonly workerMicros: number;
  readonly serverMicros: number;
  readonly frames: number;
  readonly atMs: number;
}

const alone = { warmUp: 500_000, records: 2_000_000 } as const;
/** Clock ticks per second of /proc/PID/stat on Linux. */
const ticksPerSecond = 100;
const warmUpMs = 3_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "10" },
    partitions: { type: "string", default: "4" },
  },
});

function countingJob(partitions: number): Job {
  const bench = job("bench-exchange", { partitions, version: "bench" });
  bench
    .source("readings", generator({ make: reading }))
    .timestamps((r) => r.at)
    .keyBy((r) => r.device)
    .window(tumbling("10s"))
    .aggregate(count())
    .to(discard());
  return bench;
}

/** CPU per record of the generator and the operators alone: both stages' programs, joined by a function call. */
function operatorsAlone({ stages, edges }: Plan): number {
  const options = { onError: "deadLetter", seed: 1 } as const;
  const silent: Outlet = {
    emit: () => undefined,
    write: () => undefined,
    deadLetter: () => undefined,
    mark: () => undefined,
    undo: () => undefined,
  };
  const [first, second] = stages;
  const key = edges[0]?.key;
  if (first === undefined || second === undefined || key === undefined)
    throw new Error("the bench has two stages and a keyed edge");
  const counting = new StageProgram(second, silent, options);
  const emit: Outlet["emit"] = (_edge, value, timestamp) => {
    counting.select(key(value));
    counting.process(value, timestamp);
  };
  const source = new StageProgram(first, { ...silent, emit }, options);
  const run = (from: number, to: number) => {
    for (let index = from; index < to; index += 1) source.process(reading(index), undefined);
  };
  run(0, alone.warmUp);
  const before = process.cpuUsage();
  run(alone.warmUp, alone.warmUp + alone.records);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / alone.records;
}

async function exchange(seconds: number, partitions: number): Promise<Figures> {
  const operatorsMicrosPerRecord = operatorsAlone(plan(countingJob(partitions)));
  const server = await startNatsServer();
  const handle = await start(countingJob(partitions), nats({ servers: server.url }));
  const seams = await connectNats({ servers: server.url });
  const measure = async (): Promise<Measure> => {
    const { user, system } = process.cpuUsage();
    const status = await handle.status();
    const infos = await seams.logs.list("TM_bench-exchange_1_IN_");
    return {
      records: counted(status),
      workerMicros: user + system,
      serverMicros: cpuMicrosOf(server.processId ?? 0),
      frames: infos.reduce((sum, { last }) => sum + last, 0),
      atMs: performance.now(),
    };
  };
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  const before = await measure();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const after = await measure();
  const bytes = (await seams.logs.list("TM_bench-exchange_1_IN_")).map(
    ({ bytes: held, first, last }) => held / Math.max(1, last - first + 1),
  );
  await handle.stop();
  await seams.close();
  await server.stop();
  const records = after.records - before.records;
  const frameBytes = bytes.reduce((sum, size) => sum + size, 0) / bytes.length;
  const workerMicrosPerRecord = (after.workerMicros - before.workerMicros) / records;
  const recordsPerFrame = records / (after.frames - before.frames);
  return {
    bench: "exchange",
    seconds: (after.atMs - before.atMs) / 1_000,
    records,
    recordsPerSecond: records / ((after.atMs - before.atMs) / 1_000),
    workerMicrosPerRecord,
    operatorsMicrosPerRecord,
    exchangeMicrosPerRecord: workerMicrosPerRecord - operatorsMicrosPerRecord,
    serverMicrosPerRecord: (after.serverMicros - before.serverMicros) / records,
    frameBytes,
    recordsPerFrame,
    bytesPerRecord: frameBytes / recordsPerFrame,
  };
}

/** Records that the counting stage has taken. */
function counted(status: JobStatus): number {
  return status.instances
    .filter(({ name }) => !name.startsWith("readings/"))
    .reduce((sum, { counts }) => sum + counts.recordsIn, 0);
}

function cpuMicrosOf(processId: number): number {
  const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
}

const benches: Readonly<Record<string, (seconds: number, partitions: number) => object | Promise<object>>> = {
  exchange,
  operators: () => operators(),
};
const name = positionals[0] ?? "exchange";
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`no bench ${name}; there are: ${Object.keys(benches).join(", ")}\n`);
  process.exitCode = 2;
} else {
  const figures = await bench(Number(flags.seconds), Number(flags.partitions));
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(figures)}\n`
      : `${Object.entries(figures)
          .map(([what, figure]) => `${what.padEnd(24)} ${String(figure)}`)
          .join("\n")}\n`,
  );
}
