/**
 * How long whose results are late when something breaks: `npm run recovery -- [--faults N] [--only NAME …] [--calm N] [--rate N] [--json]`.
 *
 * Runs 20,000 records/s of 1,000 keys through a source stage of 2 splits and a keyed stage of 8 partitions (tumbling windows of a second, count and sum),
 * in 4 worker processes on a real nats-server, and hurts it, 10 times in each way. Every result is timed when the sink
 * is given it, on the wall clock of this machine.
 *
 * Definitions. The load is open-loop: the records of a window are due by the wall clock whatever has happened. The *delay* of a result is that time less the
 * end of its window. How *late* it is: its delay less the median delay of the window before the fault. The *gap* of a key: between two results that follow
 * each other; usually 1,000 ms.
 *
 *   pause    victims' keys: the latest result of each key from the fault on. The fault comes 2 to 20 ms before a window ends, so that the pause is not
 *            hidden between two ends: the time without turns is at most 20 ms longer.
 *   victims  the keys of every instance of the keyed stage that was started anew because of the fault, on whatever worker.
 *   others   all other keys: how late each of their results is from the fault until nothing moves any more, and their gaps; beside it the same of the window
 *            before the fault (calm). No pause means: as calm.
 *
 * What holds up every key, and so has rows of its own: without an instance of the source the event time of its split stands still, and no window of
 * any key can be complete (rows *-source-*); without a leader nobody tells event time (rows *-leader*). Every other row takes a victim that neither hosts a
 * source nor leads.
 *
 * The last line says how long results take when nothing is wrong: from the end of the window (delayMs), and from the moment at which it had been passed at
 * every split of the source (resultMs; sources look for records every 5 ms, at multiples of which windows end).
 *
 * Phases, from the fault: assigned (the leader has decided), begun (the worker has read so), then the lengths of claim, restore and replay, and up.
 *
 * At the end the load stops, the job completes, and every (key, window) is compared with the load. Exit code 0 when each was there once and right.
 */
import { StreamError, messageOf } from "../errors.ts";
import { exitWith, readCommandLine, wholeNumber } from "./command-line.ts";
import { Cluster, wallMs } from "./recovery/cluster.ts";
import { faults, type Fault } from "./recovery/faults.ts";
import { spreadOf, tenths, type Spread } from "./recovery/figures.ts";
import type { LoadShape } from "./recovery/load.ts";
import { Aim, calmOf, measureFault, type Measured, type Recovery } from "./recovery/measure.ts";

const { values: flags } = readCommandLine({
  command: "npm run recovery",
  about: "How long keys pause when processes are hurt, and that no result is lost or doubled.",
  flags: {
    faults: { type: "string", default: "10", takes: "N", help: "how often in each way" },
    only: {
      type: "string",
      multiple: true,
      takes: "NAME",
      help: `one way, or several: ${faults.map(({ name }) => name).join(", ")}, none`,
    },
    calm: {
      type: "string",
      default: "10",
      takes: "N",
      help: "windows without a fault, before any; with --only none that is all",
    },
    rate: { type: "string", default: "20000", takes: "N", help: "records per second, a multiple of 1,000" },
    workers: { type: "string", default: "4", takes: "N", help: "worker processes" },
    json: { type: "boolean", default: false, help: "one JSON object per line" },
  },
});

/** From the start of the processes to the first record, ms. */
const headStartMs = 6_000;
const warmWindows = 5;
const attemptsMax = 5;

await exitWith(measure);

async function measure(): Promise<number> {
  const wanted = chosenFaults();
  const counts = { faults: whole("faults"), workers: whole("workers"), perMs: whole("rate") / 1_000 };
  if (!Number.isInteger(counts.perMs))
    throw new StreamError("OPTION_INVALID", `--rate is ${flags.rate}: a multiple of 1000`);
  const cluster = await Cluster.start("recovery", shapeOf(counts.perMs));
  const stop = () => void cluster.close().finally(() => process.exit(130));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    await begin(cluster, counts.workers);
    const calm: Calm = { delays: [], results: [] };
    await measureCalm(cluster, whole("calm"), calm);
    for (const fault of wanted) await measureKind(cluster, fault, counts.faults, calm);
    return await finish(cluster, calm);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  } finally {
    await cluster.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

function chosenFaults(): readonly Fault[] {
  const unknown = flags.only?.find((name) => name !== "none" && !faults.some((fault) => fault.name === name));
  if (unknown !== undefined) {
    const known = faults.map((fault) => fault.name).join(", ");
    throw new StreamError("OPTION_INVALID", `--only is "${unknown}", and there are ${known}, none`);
  }
  return faults.filter(({ name }) => flags.only?.includes(name) ?? true);
}

function whole(flag: "faults" | "calm" | "rate" | "workers"): number {
  return wholeNumber(flag, flags[flag], 1);
}

function shapeOf(recordsPerMs: number): LoadShape {
  const windowMs = 1_000;
  const beginMs = Math.ceil((wallMs() + headStartMs) / windowMs) * windowMs;
  return { beginMs, recordsPerMs, splits: 2, keys: 1_000, partitions: 8, windowMs, stepMs: 5 };
}

async function begin(cluster: Cluster, workers: number): Promise<void> {
  const processes = await Promise.all(Array.from({ length: workers }, () => cluster.spawn()));
  for (const worker of processes) worker.tell({ kind: "join" });
  const { beginMs, windowMs } = cluster.shape;
  await cluster.whole(beginMs + (warmWindows - 1) * windowMs);
}

/** How long results took in windows without a fault. */
interface Calm {
  readonly delays: number[];
  readonly results: number[];
}

async function measureCalm(cluster: Cluster, windows: number, calm: Calm): Promise<void> {
  const { windowMs } = cluster.shape;
  const firstEndMs = cluster.windowEndAfter(wallMs());
  for (let at = 0; at < windows; at += 1) {
    const endMs = firstEndMs + at * windowMs;
    await cluster.whole(endMs - windowMs);
    const { calmDelays, calmResults } = calmOf(cluster, endMs);
    calm.delays.push(...calmDelays);
    calm.results.push(...calmResults);
  }
}

async function measureKind(cluster: Cluster, fault: Fault, count: number, calm: Calm): Promise<void> {
  const all: Measured[] = [];
  const aim = new Aim();
  for (let attempt = 0; all.length < count && attempt < 2 * count + attemptsMax; attempt += 1) {
    const measured = await measureFault(cluster, fault, attempt, aim);
    if (measured !== undefined) all.push(measured);
  }
  print(rowOf(fault, all));
  calm.delays.push(...all.flatMap(({ calmDelays }) => calmDelays));
  calm.results.push(...all.flatMap(({ calmResults }) => calmResults));
}

async function finish(cluster: Cluster, calm: Calm): Promise<number> {
  const endMs = await cluster.complete();
  const verdict = cluster.ledger.verdict(endMs);
  const isRight = verdict.lost + verdict.doubled + verdict.wrong === 0;
  print({ fault: "none", delayMs: spreadOf(calm.delays), resultMs: spreadOf(calm.results), ...verdict, isRight });
  return isRight ? 0 : 1;
}

interface Row {
  readonly fault: string;
  readonly [figure: string]: unknown;
}

function rowOf({ name, what }: Fault, all: readonly Measured[]): Row {
  const over = (of: (measured: Measured) => readonly number[]) =>
    spreadOf(all.flatMap((measured) => [...of(measured)]));
  const recoveries = all.flatMap((measured) => measured.recoveries);
  const phase = (of: (recovery: Recovery) => number) => spreadOf(recoveries.map(of).filter((ms) => !Number.isNaN(ms)));
  const led = all.flatMap(({ ledMs }) => (ledMs === undefined ? [] : [ledMs]));
  return {
    fault: name,
    what,
    faults: all.length,
    victims: { instances: recoveries.length, pauseMs: over(({ victims }) => victims) },
    others: { lateMs: over(({ others }) => others), gapMs: over(({ otherGaps }) => otherGaps) },
    calm: {
      lateMs: over((measured) => measured.calm),
      gapMs: over(({ calmGaps }) => calmGaps),
      delayMs: over(({ calmDelays }) => calmDelays),
    },
    phases: {
      ...(led.length === 0 ? {} : { ledMs: spreadOf(led) }),
      assignedMs: phase(({ assignedMs }) => assignedMs),
      begunMs: phase(({ begunMs }) => begunMs),
      claimMs: phase(({ claimMs }) => claimMs),
      restoreMs: phase(({ restoreMs }) => restoreMs),
      replayMs: phase(({ replayMs }) => replayMs),
      replayed: phase(({ replayed }) => replayed),
      upMs: phase(({ upMs }) => upMs),
    },
  };
}

function print(row: Row): void {
  if (flags.json) return void process.stdout.write(`${JSON.stringify(row)}\n`);
  const { fault, ...figures } = row;
  process.stdout.write(`${fault}\n${linesOf(figures, "  ")}`);
}

function linesOf(figures: Readonly<Record<string, unknown>>, indent: string): string {
  return Object.entries(figures)
    .map(([name, figure]) => {
      if (isSpread(figure)) {
        const { p50, p99, max, samples } = figure;
        return `${indent}${name.padEnd(12)} p50 ${tenths(p50)}  p99 ${tenths(p99)}  max ${tenths(max)}  (${samples})\n`;
      }
      if (typeof figure === "object" && figure !== null)
        return `${indent}${name}\n${linesOf(figure as Readonly<Record<string, unknown>>, `${indent}  `)}`;
      return `${indent}${name.padEnd(12)} ${String(figure)}\n`;
    })
    .join("");
}

function isSpread(figure: unknown): figure is Spread {
  return typeof figure === "object" && figure !== null && "p99" in figure;
}
