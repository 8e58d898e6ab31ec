/**
 * Scales a job out and back under load: `npm run scale-out -- [--workers N] [--rate N] [--json]`.
 *
 * The job of `recovery.ts` (1,000 keys, 2 splits, 8 partitions, windows of a second) begins on one worker process; others join until there are N (4), all at once;
 * then all but one leave in good order. Prints the partition map whenever it has changed, and for each of both: how late the results of keys whose partition moved
 * were (their pause), how late all others were, and what was usual before. Where event time stands still (a split moves, the leader goes) every key waits.
 *
 * At the end every (key, window) is compared with the load. Exit code 0 when each was there once and right.
 */
import type { JobStatus } from "../actor/job-status.ts";
import { StreamError } from "../errors.ts";
import { exitWith, readCommandLine, wholeNumber } from "./command-line.ts";
import { Cluster, pause, wallMs } from "./recovery/cluster.ts";
import { spreadOf, tenths, type Spread } from "./recovery/figures.ts";
import { evaluate } from "./recovery/measure.ts";

const { values: flags } = readCommandLine({
  command: "npm run scale-out",
  about: "Scales a job out and back under load: how long keys pause whose partition moves.",
  flags: {
    workers: { type: "string", default: "4", takes: "N", help: "worker processes, 2 to 16" },
    rate: { type: "string", default: "10000", takes: "N", help: "records per second, a multiple of 1,000" },
    json: { type: "boolean", default: false, help: "one JSON object per line" },
  },
});

const headStartMs = 6_000;
const warmWindows = 5;
const lookMs = 250;
const windowMs = 1_000;

function say(row: object, text: string): void {
  process.stdout.write(flags.json ? `${JSON.stringify(row)}\n` : `${text}\n`);
}

/** Which instances each worker has: workers as letters, in the order in which they were seen. */
class PartitionMap {
  readonly #letters = new Map<string, string>();
  readonly #beganMs = wallMs();
  #last = "";

  /** Prints the map if it has changed. */
  look({ workers, instances }: JobStatus): void {
    const held = workers.map(({ worker }) => {
      const names = instances.filter((each) => each.worker === worker).map(({ name }) => name);
      return [this.#letterOf(worker), names] as const;
    });
    const text = held.map(([letter, names]) => `${letter}: ${names.join(" ") || "-"}`).join("   ");
    if (text === this.#last) return;
    this.#last = text;
    const atMs = Math.round(wallMs() - this.#beganMs);
    say({ kind: "map", atMs, workers: Object.fromEntries(held) }, `${String(atMs).padStart(7)} ms  ${text}`);
  }

  #letterOf(worker: string): string {
    const known = this.#letters.get(worker) ?? String.fromCodePoint(65 + this.#letters.size);
    this.#letters.set(worker, known);
    return known;
  }
}

/** Changes the number of workers, and measures from then until nothing moves any more. */
async function phase(
  cluster: Cluster,
  map: PartitionMap,
  name: string,
  change: () => void,
  before: number,
  workers: number,
) {
  await cluster.steady(before);
  const firstEndMs = cluster.windowEndAfter(wallMs() + windowMs / 2);
  await pause(firstEndMs - wallMs() - 20);
  const linesBefore = cluster.lines.length;
  const faultMs = wallMs();
  change();
  let isOver = false;
  const watching = watch(cluster, map, () => isOver);
  await cluster.steady(workers);
  isOver = true;
  await watching;
  const lastEndMs = Math.max(firstEndMs, cluster.windowEndAfter(wallMs()) - 2 * windowMs);
  for (let endMs = firstEndMs; endMs <= lastEndMs; endMs += windowMs) await cluster.whole(endMs - windowMs);
  const measured = evaluate(cluster, { faultMs, firstEndMs, lastEndMs, lines: cluster.lines.slice(linesBefore) });
  const row = {
    kind: name,
    tookMs: Math.round(wallMs() - faultMs),
    moved: spreadOf(measured.victims),
    others: spreadOf(measured.others),
    calm: spreadOf(measured.calm),
  };
  const spreads = [`moved ${textOf(row.moved)}`, `others ${textOf(row.others)}`, `before ${textOf(row.calm)}`];
  say(row, `${name}: ${measured.recoveries.length} instances moved; late: ${spreads.join("; ")}`);
}

async function watch(cluster: Cluster, map: PartitionMap, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const status = await cluster.status();
    if (status !== undefined) map.look(status);
    await pause(lookMs);
  }
}

function textOf({ p50, p99, max, samples }: Spread): string {
  return `p50 ${tenths(p50)} ms, p99 ${tenths(p99)} ms, max ${tenths(max)} ms (${samples})`;
}

async function scaleOut(workers: number, recordsPerMs: number): Promise<number> {
  const beginMs = Math.ceil((wallMs() + headStartMs) / windowMs) * windowMs;
  const shape = { beginMs, recordsPerMs, splits: 2, keys: 1_000, partitions: 8, windowMs, stepMs: 5 };
  const cluster = await Cluster.start("scale-out", shape);
  try {
    (await cluster.spawn()).tell({ kind: "join" });
    await cluster.whole(beginMs + (warmWindows - 1) * windowMs);
    const map = new PartitionMap();
    map.look(await cluster.steady(1));
    const added = await Promise.all(Array.from({ length: workers - 1 }, () => cluster.spawn()));
    const join = () => added.forEach((worker) => worker.tell({ kind: "join" }));
    await phase(cluster, map, `out to ${workers}`, join, 1, workers);
    const leave = () => added.forEach((worker) => worker.signal("SIGTERM"));
    await phase(cluster, map, "back to 1", leave, workers, 1);
    const endMs = await cluster.complete();
    const verdict = cluster.ledger.verdict(endMs);
    const isRight = verdict.lost + verdict.doubled + verdict.wrong === 0;
    const { results, lost, doubled, wrong } = verdict;
    say({ kind: "end", ...verdict, isRight }, `${results} results: ${lost} lost, ${doubled} doubled, ${wrong} wrong`);
    return isRight ? 0 : 1;
  } finally {
    await cluster.close();
  }
}

await exitWith(() => {
  const workers = wholeNumber("workers", flags.workers, 2);
  const rate = wholeNumber("rate", flags.rate, 1);
  if (workers > 16 || rate % 1_000 !== 0) {
    const what = `--workers is ${workers}, 2 to 16; --rate is ${rate}, a multiple of 1000`;
    throw new StreamError("OPTION_INVALID", what);
  }
  return scaleOut(workers, rate / 1_000);
});
