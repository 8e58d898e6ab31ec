/**
 * Whether anything grows while a job runs for long: `npm run soak -- [--minutes N] [--rate N] [--kill-every 60s] [--json]`.
 *
 * Runs the job of `recovery.ts` at half load in four worker processes on a real nats-server, kills one of them by SIGKILL once a minute (reported by its
 * starter, and replaced) and looks every two seconds at memory, handles, streams, consumers, chunks of snapshots, registers and the job log. The first
 * worker is never killed: it is the witness whose memory is followed over the whole run. Before each look at memory garbage is collected: how much there is
 * between two collections that are minutes apart is no trend.
 *
 * At the end: the trend of each quantity behind the warm-up (a third of the run, three minutes at most): slope by least squares; flat when its drift over the
 * run is within twice the noise around the line, or below a tenth of the mean. Then every (key, window) is compared with the load, and the job is deleted:
 * nothing of it may be left in the server.
 *
 * What grows by its nature: the job log, by a record of about a hundred bytes for each instance that a kill moves; it holds 64 MiB.
 *
 * Exit code 0 when results were right, everything else was flat, and nothing was left behind.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { StreamError, messageOf } from "../errors.ts";
import { parseDuration, type Duration } from "../time/duration.ts";
import { exitWith, positiveNumber, readCommandLine } from "./command-line.ts";
import { Cluster, pause, wallMs } from "./recovery/cluster.ts";
import { Sampler, type Sample } from "./recovery/sampler.ts";
import { trendOf } from "./recovery/trend.ts";
import type { WorkerProcess } from "./recovery/worker-process.ts";

const { values: flags } = readCommandLine({
  command: "npm run soak",
  about: "Half load, a worker killed a minute: whether anything grows.",
  flags: {
    minutes: { type: "string", default: "15", takes: "N", help: "how long" },
    rate: { type: "string", default: "10000", takes: "N", help: "records per second, a multiple of 1,000" },
    "kill-every": { type: "string", default: "60s", takes: "D", help: "a worker is killed this often" },
    json: { type: "boolean", default: false, help: "one JSON object at the end, and one per sample" },
  },
});

const job = "soak";
const workers = 4;
const headStartMs = 6_000;
const sampleEveryMs = 2_000;
/** What comes before is warming up: code is compiled, heaps find their size. */
const warmSecondsMax = 180;
const tidemark = fileURLToPath(new URL("../cli/tidemark.mjs", import.meta.url));

/** Quantities that may grow, and why. */
const growing: Readonly<Record<string, string>> = {
  jobLogRecords: "a record for each instance that a kill moves",
};

await exitWith(main);

async function main(): Promise<number> {
  let cluster: Cluster | undefined;
  const stop = () => void cluster?.close().finally(() => process.exit(130));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  try {
    const forMs = positiveNumber("minutes", flags.minutes) * 60_000;
    const recordsPerMs = positiveNumber("rate", flags.rate) / 1_000;
    if (!Number.isInteger(recordsPerMs))
      throw new StreamError("OPTION_INVALID", `--rate is ${flags.rate}: a multiple of 1000`);
    const killEveryMs = parseDuration(flags["kill-every"] as Duration, "--kill-every", { minMs: 1_000 });
    cluster = await Cluster.start(job, shapeOf(recordsPerMs));
    return await soak(cluster, forMs, killEveryMs);
  } finally {
    await cluster?.close();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function shapeOf(recordsPerMs: number): Cluster["shape"] {
  const windowMs = 1_000;
  const beginMs = Math.ceil((wallMs() + headStartMs) / windowMs) * windowMs;
  return { beginMs, recordsPerMs, splits: 2, keys: 1_000, partitions: 8, windowMs, stepMs: 5 };
}

async function soak(cluster: Cluster, forMs: number, killEveryMs: number): Promise<number> {
  const first = await Promise.all(Array.from({ length: workers }, () => cluster.spawn()));
  for (const worker of first) worker.tell({ kind: "join" });
  const [witness] = first;
  if (witness === undefined) throw new Error("no worker");
  await cluster.whole(cluster.shape.beginMs);
  const sampler = await Sampler.of(cluster);
  try {
    const { samples, kills } = await run(cluster, sampler, witness, forMs, killEveryMs);
    const endMs = await cluster.complete();
    const verdict = cluster.ledger.verdict(endMs);
    const left = await afterDeletion(cluster, sampler);
    return report(samples, { kills, ...verdict, streamsLeft: left });
  } finally {
    await sampler.close();
  }
}

async function run(
  cluster: Cluster,
  sampler: Sampler,
  witness: WorkerProcess,
  forMs: number,
  killEveryMs: number,
): Promise<{ samples: Sample[]; kills: number }> {
  const samples: Sample[] = [];
  const beganMs = performance.now();
  let kills = 0;
  // What the last kill has come to: undefined while its replacement is on its way. One at a time, however short the interval.
  const last: { outcome: Error | "healed" | undefined } = { outcome: "healed" };
  while (performance.now() - beganMs < forMs) {
    if (last.outcome instanceof Error) throw last.outcome;
    if (last.outcome === "healed" && performance.now() - beganMs >= (kills + 1) * killEveryMs) {
      kills += 1;
      last.outcome = undefined;
      killAndReplace(cluster, witness, kills).then(
        () => (last.outcome = "healed"),
        (error: unknown) => (last.outcome = new Error(messageOf(error))),
      );
    }
    const sample = await sampler.sample(witness);
    if (sample !== undefined) {
      samples.push(sample);
      process.stdout.write(flags.json ? `${JSON.stringify(sample)}\n` : `${lineOf(sample, kills)}\n`);
    }
    await pause(sampleEveryMs);
  }
  while (last.outcome === undefined) await pause(sampleEveryMs);
  await cluster.steady(workers);
  return { samples, kills };
}

async function killAndReplace(cluster: Cluster, witness: WorkerProcess, round: number): Promise<void> {
  const others = cluster.workers.filter((worker) => worker !== witness && worker.id !== undefined);
  const victim = others[round % Math.max(1, others.length)];
  if (victim === undefined) return;
  victim.signal("SIGKILL");
  await victim.ended;
  if (victim.id !== undefined) cluster.reportDead(victim.id);
  const replacement = await cluster.spawn();
  replacement.tell({ kind: "join" });
}

/** Deletes the job as a user does; answers how many streams are left in the server. */
async function afterDeletion(cluster: Cluster, sampler: Sampler): Promise<number> {
  const address = ["--nats", cluster.server.url];
  await promisify(execFile)(process.execPath, [tidemark, "delete", job, "--yes", ...address]);
  return (await sampler.streams()).length;
}

function report(samples: readonly Sample[], end: Readonly<Record<string, number>>): number {
  const warmSeconds = Math.min(warmSecondsMax, (samples.at(-1)?.atSeconds ?? 0) / 3);
  const warm = samples.filter(({ atSeconds }) => atSeconds >= warmSeconds);
  const names = Object.keys(warm[0] ?? {}).filter((name) => name !== "atSeconds") as (keyof Sample)[];
  const trends = Object.fromEntries(
    names.map((name) => [name, trendOf(warm.map((sample) => [sample.atSeconds, sample[name]]))]),
  );
  const rising = names.filter((name) => trends[name]?.isFlat !== true && (trends[name]?.drift ?? 0) > 0);
  const unexpected = rising.filter((name) => growing[name] === undefined);
  const isRight = end["lost"] === 0 && end["doubled"] === 0 && end["wrong"] === 0 && end["streamsLeft"] === 0;
  const figures = { ...end, samples: warm.length, isRight, rising, byNature: growing, trends };
  process.stdout.write(flags.json ? `${JSON.stringify(figures)}\n` : textOf(figures));
  return isRight && unexpected.length === 0 ? 0 : 1;
}

function lineOf(sample: Sample, kills: number): string {
  const mib = (bytes: number) => `${(bytes / 1_048_576).toFixed(0)} MiB`;
  return [
    `${sample.atSeconds.toFixed(0).padStart(5)} s  ${kills} kills`,
    `witness ${mib(sample.witnessRssBytes)}, heap ${mib(sample.witnessHeapBytes)}, ${sample.witnessHandles} handles`,
    `server ${mib(sample.serverRssBytes)}, ${sample.serverHandles} handles`,
    `${sample.streams} streams, ${sample.consumers} consumers, ${sample.chunks} chunks`,
    `${sample.registerKeys} registers, ${sample.jobLogRecords} records of the job log`,
  ].join("  ");
}

function textOf({ trends, ...rest }: { readonly trends: object } & Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(trends).map(([name, trend]) => `  ${name.padEnd(18)} ${JSON.stringify(trend)}`);
  return `${JSON.stringify(rest)}\n${lines.join("\n")}\n`;
}
