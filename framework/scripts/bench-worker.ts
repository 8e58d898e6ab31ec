/**
 * One worker process of a benchmark; started by `bench-run.ts`, which asks it over the channel of a forked process.
 *
 * Argument: a JSON object {@link BenchWorkerOptions}. Says `ready` when it has joined; answers `measure` with {@link BenchWorkerAnswer}; ends on `stop`.
 */
import { GCProfiler } from "node:v8";
import { nats, start } from "../index.ts";
import type { JobStatus } from "../index.ts";
import { benchJobs } from "./bench-jobs.ts";

/** What to run, and where. */
export interface BenchWorkerOptions {
  readonly bench: string;
  readonly partitions: number;
  readonly splits: number;
  readonly servers: string;
}

/** What a worker knows of itself, and its leader of the job. */
export interface BenchWorkerAnswer {
  readonly cpuMicros: number;
  /** Bytes of the heap given out since the first question. */
  readonly allocatedBytes: number;
  readonly status: JobStatus;
}

/** Counts what is allocated: what is there at the end of a stretch, less what was there at its beginning, between any two collections. */
class Allocation {
  readonly #profiler = new GCProfiler();
  #used = 0;
  #bytes = 0;

  begin(): void {
    this.#profiler.start();
    this.#used = usedBytes();
  }

  /** Bytes since `begin`. */
  read(): number {
    for (const { beforeGC, afterGC } of this.#profiler.stop()?.statistics ?? []) {
      this.#grow(beforeGC.heapStatistics.usedHeapSize);
      this.#used = afterGC.heapStatistics.usedHeapSize;
    }
    this.#profiler.start();
    const used = usedBytes();
    this.#grow(used);
    this.#used = used;
    return this.#bytes;
  }

  #grow(used: number): void {
    this.#bytes += Math.max(0, used - this.#used);
  }
}

function usedBytes(): number {
  return process.memoryUsage().heapUsed;
}

const { bench, partitions, splits, servers } = JSON.parse(process.argv[2] ?? "{}") as BenchWorkerOptions;
const program = benchJobs[bench];
if (program === undefined || process.send === undefined) throw new Error("started by bench-run.ts");
const handle = await start(program.build(partitions, splits), nats({ servers }));
const allocation = new Allocation();
allocation.begin();

async function answer(): Promise<BenchWorkerAnswer> {
  const { user, system } = process.cpuUsage();
  const allocatedBytes = allocation.read();
  return { cpuMicros: user + system, allocatedBytes, status: await handle.status() };
}

process.on("message", (message) => {
  if (message === "measure") void answer().then((measured) => process.send?.(measured));
  else void handle.stop().then(() => process.disconnect());
});
process.send("ready");
