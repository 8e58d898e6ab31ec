/**
 * Runs a benchmark's job in worker processes over a nats-server of its own, and measures what a record costs all of them.
 *
 * Owns the processes: all of them have ended when `measureExchange` returns, however it does.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectNats } from "../nats/connect.ts";
import { startNatsServer, type NatsServer } from "../nats/server.ts";
import { benchJobs } from "./bench-jobs.ts";
import type { BenchWorkerAnswer, BenchWorkerOptions } from "./bench-worker.ts";

/** What one run came to. CPU is user and system time of whole processes. */
export interface RunFigures {
  readonly workers: number;
  readonly seconds: number;
  /** Records that have been counted. */
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly workerMicrosPerRecord: number;
  readonly serverMicrosPerRecord: number;
  /** The same of the second in which the workers' records cost least: on a machine with others, the closest to what they cost alone. */
  readonly quietest: { readonly workerMicrosPerRecord: number; readonly serverMicrosPerRecord: number };
  /** Bytes of the workers' heaps given out per record. */
  readonly allocatedBytesPerRecord: number;
  readonly frameBytes: number;
  readonly recordsPerFrame: number;
  readonly bytesPerRecord: number;
  /** Instances per worker: whether the work was spread. */
  readonly instances: readonly number[];
}

/** How to run. */
export interface RunOptions {
  readonly bench: string;
  readonly workers: number;
  readonly seconds: number;
  readonly partitions: number;
}

interface Measure {
  readonly records: number;
  readonly workerMicros: number;
  readonly serverMicros: number;
  readonly allocatedBytes: number;
  readonly frames: number;
  readonly atMs: number;
  readonly instances: readonly number[];
}

/** Clock ticks per second of /proc/PID/stat on Linux. */
const ticksPerSecond = 100;
const warmUpMs = 5_000;
const stopMsMax = 10_000;
const script = join(import.meta.dirname, "bench-worker.ts");

/** Runs for so many seconds after a warm-up. @throws when a worker ends by itself */
export async function measureExchange(options: RunOptions): Promise<RunFigures> {
  const server = await startNatsServer();
  const workers: ChildProcess[] = [];
  try {
    const own = { bench: options.bench, partitions: options.partitions, splits: options.workers, servers: server.url };
    for (let at = 0; at < options.workers; at += 1) workers.push(forkWorker(own));
    await Promise.all(workers.map(said));
    return await measureRunning(options, server, workers);
  } finally {
    await Promise.all(workers.map(stop));
    await server.stop();
  }
}

async function measureRunning(
  { bench, seconds }: RunOptions,
  server: NatsServer,
  workers: readonly ChildProcess[],
): Promise<RunFigures> {
  const seams = await connectNats({ servers: server.url });
  const inboxes = `TM_${benchJobs[bench]?.job}_1_IN_`;
  try {
    const measure = async () => {
      const infos = await seams.logs.list(inboxes);
      const frames = infos.reduce((sum, { last }) => sum + last, 0);
      return measured(await Promise.all(workers.map(ask)), server, frames);
    };
    await sleep(warmUpMs);
    const measures = [await measure()];
    for (let second = 0; second < seconds; second += 1) {
      await sleep(1_000);
      measures.push(await measure());
    }
    const sizes = (await seams.logs.list(inboxes)).map(
      ({ bytes, first, last }) => bytes / Math.max(1, last - first + 1),
    );
    return figures(measures, sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
  } finally {
    await seams.close();
  }
}

function figures(measures: readonly Measure[], frameBytes: number): RunFigures {
  const [before, after] = [measures[0], measures.at(-1)];
  if (before === undefined || after === undefined) throw new Error("a run of no seconds has no figures");
  const records = after.records - before.records;
  const seconds = (after.atMs - before.atMs) / 1_000;
  const recordsPerFrame = records / (after.frames - before.frames);
  return {
    workers: after.instances.length,
    seconds,
    records,
    recordsPerSecond: records / seconds,
    workerMicrosPerRecord: (after.workerMicros - before.workerMicros) / records,
    serverMicrosPerRecord: (after.serverMicros - before.serverMicros) / records,
    quietest: quietest(measures),
    allocatedBytesPerRecord: (after.allocatedBytes - before.allocatedBytes) / records,
    frameBytes,
    recordsPerFrame,
    bytesPerRecord: frameBytes / recordsPerFrame,
    instances: after.instances,
  };
}

/** The second that cost least: what others on the machine disturbed least. */
function quietest(measures: readonly Measure[]): RunFigures["quietest"] {
  const seconds = measures.slice(1).map((after, at) => {
    const before = measures[at] ?? after;
    const records = after.records - before.records;
    return {
      workerMicrosPerRecord: (after.workerMicros - before.workerMicros) / records,
      serverMicrosPerRecord: (after.serverMicros - before.serverMicros) / records,
    };
  });
  return seconds.reduce((least, second) =>
    second.workerMicrosPerRecord < least.workerMicrosPerRecord ? second : least,
  );
}

function measured(answers: readonly BenchWorkerAnswer[], server: NatsServer, frames: number): Measure {
  const { instances = [], workers = [] } = answers[0]?.status ?? {};
  const counting = instances.filter(({ name }) => !name.startsWith("input/"));
  return {
    records: counting.reduce((sum, { counts }) => sum + counts.recordsIn, 0),
    workerMicros: answers.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
    serverMicros: cpuMicrosOf(server.processId ?? 0),
    allocatedBytes: answers.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0),
    frames,
    atMs: performance.now(),
    instances: workers.map((worker) => worker.instances),
  };
}

function forkWorker(options: BenchWorkerOptions): ChildProcess {
  return fork(script, [JSON.stringify(options)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
}

async function ask(worker: ChildProcess): Promise<BenchWorkerAnswer> {
  const answer = said(worker);
  worker.send("measure");
  return (await answer) as BenchWorkerAnswer;
}

/** What the worker says next. */
async function said(worker: ChildProcess): Promise<unknown> {
  const listening = new AbortController();
  const { signal } = listening;
  const ended = once(worker, "exit", { signal }).then(([code]) => {
    throw new Error(`a worker of the benchmark has ended with ${String(code)}`);
  });
  try {
    const [message] = (await Promise.race([once(worker, "message", { signal }), ended])) as [unknown];
    return message;
  } finally {
    ended.catch(() => undefined);
    listening.abort();
  }
}

async function stop(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const ended = once(worker, "exit");
  if (worker.connected) worker.send("stop");
  const patience = setTimeout(() => worker.kill("SIGKILL"), stopMsMax);
  await ended;
  clearTimeout(patience);
}

function cpuMicrosOf(processId: number): number {
  const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
}
