/**
 * Proof that a job waits instead of growing: `npm run back-pressure -- [--seconds N] [--embedded] [--partitions N] [--inbox-mib N] [--json]`.
 *
 * A generator at full speed, keyBy, a windowed count, and a sink that now takes everything, now takes nothing for a long stretch, now is slow. Prints
 * memory and inbox bytes while it runs and their slopes over the run, then drains the job and compares what came out with what went in, record for
 * record. Ends with 1 when something was lost, doubled or stuck.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  count,
  embedded,
  generator,
  job,
  nats,
  start,
  tumbling,
  type Home,
  type JobStatus,
  type SinkSpec,
} from "../index.ts";
import type { Seams } from "../log/contracts.ts";
import { startNatsServer, type NatsServer } from "../nats/server.ts";
import { exitWith, positiveNumber, readCommandLine, wholeNumber } from "./command-line.ts";

const { values: flags } = readCommandLine({
  command: "npm run back-pressure",
  about: "A sink that stops: memory and inbox bytes over time, their slope, nothing lost.",
  flags: {
    seconds: { type: "string", default: "180", takes: "N", help: "how long" },
    partitions: { type: "string", default: "4", takes: "N", help: "of the keyed stage" },
    "inbox-mib": { type: "string", default: "8", takes: "N", help: "MiB of data that an inbox holds" },
    embedded: { type: "boolean", default: false, help: "in this process alone, without a server" },
    json: { type: "boolean", default: false, help: "one JSON object at the end" },
  },
});

const mebibyte = 1024 * 1024;
const name = "back-pressure";
const splits = 2;
const keys = 10_000;
const recordsPerMs = 100;
const windowMs = 1_000;
const beginMs = 1_760_000_000_000;
const sampleEveryMs = 2_000;
/** Rows that the slow sink takes per second and instance, about. */
const slowBatchMs = 100;
const drainMsMax = 120_000;

/** What the sink does, and for how long; over and over. */
const phases = [
  { mood: "open", ms: 15_000 },
  { mood: "stopped", ms: 25_000 },
  { mood: "slow", ms: 15_000 },
] as const;
type Mood = (typeof phases)[number]["mood"];

interface Sample {
  readonly atMs: number;
  readonly mood: Mood;
  readonly recordsIn: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly serverRssBytes: number;
  readonly inboxBytes: number;
  readonly inboxBytesMax: number;
}

interface Reading {
  readonly device: number;
  readonly at: number;
  readonly celsius: number;
}

function reading(index: number): Reading {
  return {
    device: (Math.imul(index, 2_654_435_761) >>> 0) % keys,
    at: beginMs + Math.floor(index / recordsPerMs),
    celsius: (index % 997) / 10,
  };
}

/** One number for (device, window), so that sums over records and over rows can be compared. */
function fingerprint(device: number, windowStart: number): number {
  return Math.imul(device + 1, 2_246_822_519) ^ Math.imul((windowStart - beginMs) / windowMs + 1, 3_266_489_917);
}

/** Takes rows as its mood allows, and adds up what it has taken: each row once, by its number. */
class MoodySink {
  mood: Mood = "open";
  rows = 0;
  records = 0;
  check = 0;
  readonly #last = new Map<string, number>();

  get spec(): SinkSpec<{ key: number; window: { start: number }; value: number }> {
    return {
      description: "moody",
      name: "moody",
      guarantee: "idempotent",
      placement: "chained",
      open: ({ stage, partition }) =>
        Promise.resolve({
          write: async (rows) => {
            while (this.mood === "stopped") await sleep(20);
            if (this.mood === "slow") await sleep(slowBatchMs);
            for (const { number, value } of rows) this.#take(`${stage}/${partition}`, number, value as never);
            return [];
          },
          close: () => Promise.resolve(),
        }),
    };
  }

  #take(from: string, number: number, row: { key: number; window: { start: number }; value: number }): void {
    if (number <= (this.#last.get(from) ?? 0)) return;
    this.#last.set(from, number);
    this.rows += 1;
    this.records += row.value;
    this.check = (this.check + Math.imul(fingerprint(row.key, row.window.start), row.value)) | 0;
  }
}

/** What the rows of `records` records must add up to: a split's records are its first ones. */
function expectedCheck(recordsOfSplit: readonly number[]): number {
  let check = 0;
  for (const [split, records] of recordsOfSplit.entries()) {
    for (let record = 0; record < records; record += 1) {
      const { device, at } = reading(record * splits + split);
      check = (check + fingerprint(device, at - ((at - beginMs) % windowMs))) | 0;
    }
  }
  return check;
}

/** Slope of a quantity over time by least squares, units per second. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const meanAt = samples.reduce((sum, { atMs }) => sum + atMs / 1_000, 0) / samples.length;
  const mean = samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  let product = 0;
  let square = 0;
  for (const sample of samples) {
    product += (sample.atMs / 1_000 - meanAt) * (of(sample) - mean);
    square += (sample.atMs / 1_000 - meanAt) ** 2;
  }
  return square === 0 ? 0 : product / square;
}

function rssOf(processId: number | undefined): number {
  if (processId === undefined) return 0;
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1_024;
}

function mib(bytes: number): string {
  return (bytes / mebibyte).toFixed(1).padStart(8);
}

/** A home that lets the place be looked at. */
function observed(home: Home): { readonly home: Home; readonly seams: () => Seams } {
  let seams: Seams | undefined;
  const open: Home["open"] = async (plan, platform, intent) => {
    const place = await home.open(plan, platform, intent);
    seams = place.seams;
    return place;
  };
  return {
    home: { ...home, open },
    seams: () => {
      if (seams === undefined) throw new Error("the job has not started");
      return seams;
    },
  };
}

/** Records that the sources have taken. */
function readIn(status: JobStatus): number {
  return status.instances
    .filter((instance) => instance.name.startsWith("readings/"))
    .reduce((sum, { counts }) => sum + counts.recordsIn, 0);
}

async function main(): Promise<number> {
  const seconds = positiveNumber("seconds", flags.seconds);
  const inboxBytes = wholeNumber("inbox-mib", flags["inbox-mib"], 1) * mebibyte;
  const partitions = wholeNumber("partitions", flags.partitions, 1);
  const server: NatsServer | undefined = flags.embedded ? undefined : await startNatsServer();
  const { home, seams } = observed(server === undefined ? embedded() : nats({ servers: server.url }));
  const sink = new MoodySink();
  const made = Array.from({ length: splits }, () => 0);
  const make = (index: number, split: number) => {
    made[split] = Math.max(made[split] ?? 0, Math.floor(index / splits) + 1);
    return reading(index);
  };
  const program = job(name, {
    partitions,
    version: name,
    inboxBytes,
    snapshotBytes: Math.floor(inboxBytes / 4),
    snapshotInterval: "5s",
  });
  program
    .source("readings", generator({ make, splits }))
    .timestamps((r) => r.at)
    .keyBy((r) => r.device)
    .window(tumbling(windowMs))
    .aggregate(count())
    .named("counts")
    .to(sink.spec);
  const handle = await start(program, home);
  const beganMs = performance.now();
  const samples: Sample[] = [];

  const sample = async (): Promise<void> => {
    const status = await handle.status();
    const inboxes = await seams().logs.list(`TM_${name}_1_IN_`);
    const { rss, heapUsed } = process.memoryUsage();
    const bytes = inboxes.map((inbox) => inbox.bytes);
    const taken: Sample = {
      atMs: performance.now() - beganMs,
      mood: sink.mood,
      recordsIn: readIn(status),
      rssBytes: rss,
      heapBytes: heapUsed,
      serverRssBytes: rssOf(server?.processId),
      inboxBytes: bytes.reduce((sum, size) => sum + size, 0),
      inboxBytesMax: Math.max(0, ...bytes),
    };
    samples.push(taken);
    if (flags.json) return;
    process.stdout.write(
      `${(taken.atMs / 1_000).toFixed(0).padStart(5)} s  ${taken.mood.padEnd(8)} records ${String(taken.recordsIn).padStart(10)}  rows ${String(sink.rows).padStart(8)}  rss ${mib(taken.rssBytes)}  heap ${mib(taken.heapBytes)}  server ${mib(taken.serverRssBytes)}  inboxes ${mib(taken.inboxBytes)} MiB\n`,
    );
  };

  for (let phase = 0, untilMs = 0; performance.now() - beganMs < seconds * 1_000; phase += 1) {
    const { mood, ms } = phases[phase % phases.length] ?? phases[0];
    sink.mood = mood;
    untilMs += ms;
    while (performance.now() - beganMs < Math.min(untilMs, seconds * 1_000)) {
      await sleep(sampleEveryMs);
      await sample();
    }
  }

  sink.mood = "open";
  await handle.drain();
  const late = sleep(drainMsMax, "stuck" as const, { ref: false });
  const watch = setInterval(() => void sample().catch(() => undefined), 500);
  const end = await Promise.race([handle.done, late]);
  clearInterval(watch);
  await server?.stop();

  const warm = samples.filter(({ atMs }) => atMs > (seconds * 1_000) / 4 && atMs <= seconds * 1_000);
  const recordsIn = end === "stuck" ? 0 : end.totals.recordsIn;
  const isWhole = sink.records === recordsIn && sink.check === expectedCheck(made);
  const figures = {
    home: flags.embedded ? "embedded" : "nats",
    seconds,
    samples: warm.length,
    end: end === "stuck" ? "stuck" : end.state,
    recordsIn,
    recordsCounted: sink.records,
    rows: sink.rows,
    nothingLost: isWhole,
    rssMiBMax: Math.max(...warm.map(({ rssBytes }) => rssBytes)) / mebibyte,
    heapMiBMax: Math.max(...warm.map(({ heapBytes }) => heapBytes)) / mebibyte,
    serverRssMiBMax: Math.max(...warm.map(({ serverRssBytes }) => serverRssBytes)) / mebibyte,
    inboxMiBMax: Math.max(...warm.map(({ inboxBytes: bytes }) => bytes)) / mebibyte,
    oneInboxMiBMax: Math.max(...warm.map(({ inboxBytesMax }) => inboxBytesMax)) / mebibyte,
    oneInboxMiBLimit: inboxBytes / mebibyte,
    rssSlopeBytesPerSecond: Math.round(slope(warm, ({ rssBytes }) => rssBytes)),
    heapSlopeBytesPerSecond: Math.round(slope(warm, ({ heapBytes }) => heapBytes)),
    serverRssSlopeBytesPerSecond: Math.round(slope(warm, ({ serverRssBytes }) => serverRssBytes)),
    inboxSlopeBytesPerSecond: Math.round(slope(warm, ({ inboxBytes: bytes }) => bytes)),
  };
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(figures)}\n`
      : `${Object.entries(figures)
          .map(([what, figure]) => `${what.padEnd(30)} ${String(figure)}`)
          .join("\n")}\n`,
  );
  const isBounded = figures.oneInboxMiBMax <= figures.oneInboxMiBLimit;
  return end !== "stuck" && end.state === "completed" && isWhole && isBounded ? 0 : 1;
}

await exitWith(main);
// A job that is stuck does not end by itself.
process.exit();
