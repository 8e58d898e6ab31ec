/**
 * A job whose first keyed stage keeps a core busy, in threads or not: `tidemark run framework/scripts/threads-job.ts --workers 1 -- THREADS RECORDS MICROS`.
 *
 * At the end it prints one JSON line: rows, how long they took from when the first was begun, and whether any of them was made in the main thread.
 */
import { isMainThread } from "node:worker_threads";
import { callback, fromArray, job, type Job } from "../index.ts";

interface Row {
  readonly n: number;
  readonly isMain: boolean;
  /** When the first record was begun where this one was made, ms. */
  readonly beganMs: number;
}

const nsPerMs = 1e6;
/** Of this thread. A clock of the machine in a record is no good example: it is what is measured here. */
let beganMs: number | undefined;

function nowMs(): number {
  return Number(process.hrtime.bigint()) / nsPerMs;
}

/** Something that takes about so long: arithmetic, not a clock, so that it repeats itself. */
function work(micros: number): number {
  let x = 1;
  for (let at = 0; at < micros * 150; at += 1) x = Math.imul(x, 1_664_525) + 1_013_904_223;
  return x;
}

/** The job; `threads` 0 is none. */
export default function threadsJob([threads = "0", records = "1000", micros = "500"]: string[]): Job {
  const count = Number(records);
  const heavy = job("threads-bench", { partitions: 4, version: [threads, records, micros].join("-") });
  let rows = 0;
  let onMain = 0;
  let sinceMs = Infinity;
  const told = (row: Row): void => {
    rows += 1;
    onMain += row.isMain ? 1 : 0;
    sinceMs = Math.min(sinceMs, row.beganMs);
    if (rows < count) return;
    process.stdout.write(`${JSON.stringify({ rows, ms: Math.round(nowMs() - sinceMs), onMain })}\n`);
  };
  heavy
    .source("numbers", fromArray(Array.from({ length: count }, (_, n) => ({ n }))))
    .keyBy((item) => item.n % 64, threads === "0" ? {} : { threads: Number(threads) })
    .process({
      state: {},
      process(item) {
        beganMs ??= nowMs();
        return work(Number(micros)) === 0 ? [] : [{ n: item.n, isMain: isMainThread, beganMs }];
      },
    })
    .named("heavy")
    .keyBy(() => "all", { partitions: 1 })
    .process({ state: {}, process: (row) => [row] })
    .named("rows")
    .to(callback("count", told));
  return heavy;
}
