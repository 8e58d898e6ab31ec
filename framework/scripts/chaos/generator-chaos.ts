/**
 * Chaos on real processes: a generator with known sums, four workers, one nats-server or three, and faults all the time; judged by the sink alone.
 *
 * Owns the phases: calm (its pauses are the measure), fire, the end of the input, the verdict.
 */
import { openSync, writeSync } from "node:fs";
import { messageOf, StreamError } from "../../errors.ts";
import { type Line, pause, wallMs } from "../recovery/cluster.ts";
import { type Spread, spreadOf } from "../recovery/figures.ts";
import { partitionOfKey, type LoadShape } from "../recovery/load.ts";
import { type FaultRecord, setFire } from "./fire.ts";
import { nemesesFor, nemesisNames } from "./nemeses.ts";
import { crashReason } from "../recovery/messages.ts";
import { pausesOf } from "./pauses.ts";
import type { Left } from "./results-stream.ts";
import { type Replayed, replayActors } from "./replays.ts";
import { Scene } from "./scene.ts";
import { drawSchedule } from "./schedule.ts";
import { judge } from "./verdict.ts";

/** What is run. */
export interface ChaosOptions {
  /** Length of the fire. */
  readonly durationMs: number;
  /** 1: one server; 3: a cluster, and three copies of everything. */
  readonly replicas: number;
  readonly seed: string;
  /** Records per second, a multiple of 1,000. */
  readonly rate: number;
  readonly workers: number;
  /** Names of the only kinds of faults. @default all that are possible here */
  readonly only?: readonly string[] | undefined;
  /** @default 10 s */
  readonly calmMs?: number | undefined;
  /** A file that gets the workers' log lines of every level, as they come. @default none */
  readonly lines?: string | undefined;
  /** Where the servers' directories are left when the job has failed, for whoever looks for the reason. @default nowhere */
  readonly keep?: string | undefined;
  /** Readable progress. */
  readonly say: (line: string) => void;
}

/** Changes of the generation that were asked for, and those that came about. */
export interface ChangeTally {
  readonly asked: number;
  readonly made: number;
}

/** What it came to. */
export interface ChaosReport {
  readonly seed: string;
  readonly replicas: number;
  readonly records: number;
  readonly results: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly wrongWindows: number;
  readonly faults: number;
  readonly kills: number;
  readonly recoveryMs: Readonly<Record<string, Spread>>;
  /** The same of faults that no other one has overlapped. */
  readonly aloneMs: Readonly<Record<string, Spread>>;
  readonly othersPauseMs: Spread;
  readonly calmPauseMs: Spread;
  readonly seconds: number;
  /** The first few wrong windows. */
  readonly examples: readonly string[];
  /** Ends of worker processes that nobody had asked for. */
  readonly accidents: readonly string[];
  /** Why instances failed that no fault had made throw. */
  readonly failures: readonly string[];
  /** Savepoints that were asked for, and those that were taken: under fire one may be cancelled. */
  readonly savepoints: { readonly asked: number; readonly taken: number };
  /** The same of upgrades to the next generation, and of restores at another number of partitions: under fire one may be rolled back. */
  readonly upgrades: ChangeTally;
  readonly restores: ChangeTally;
  /** Why some of these did not come about. */
  readonly refusals: readonly string[];
  /** Actors run again when the job has completed: one of each stage. */
  readonly replays: readonly Replayed[];
  /** What the job keeps in the server when it has completed. */
  readonly left: Left;
  readonly log: readonly LoggedFault[];
}

/** A fault as it is printed: times in seconds from the beginning of the fire. */
export interface LoggedFault {
  readonly kind: string;
  readonly victim: string;
  readonly hits: string;
  readonly atSeconds: number;
  readonly healedSeconds: number;
}

const calmMsUsual = 10_000;
const headStartMs = 5_000;
/** Code is compiled and instances settle before the calm phase counts. */
const warmMs = 5_000;
const windowMs = 500;
const firstMsMax = 60_000;
const lookMs = 100;
const completeMsMax = 120_000;
const progressMs = 5_000;
const interruptedCode = 130;

/** One of each stage is run again: the first that has something to show. */
const replayed = [
  ["hits/0", "hits/1"],
  ["windows/3", "windows/4", "windows/5", "windows/6"],
];

/** The kinds of faults by name. */
export const faultNames: readonly string[] = nemesisNames;

/** Runs it to its end. @throws when the job does not get there */
export async function runGeneratorChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { replicas, workers, say } = options;
  const shape = shapeOf(options.rate);
  const scene = await Scene.open({ job: "chaos", shape, workers, replicas, onLine: lineWriter(options.lines, shape) });
  const stop = () => void scene.close().finally(() => process.exit(interruptedCode));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    if (!scene.servers.hasDisks) say("no disk can be mounted here: none will be full");
    const seats = scene.seats.filter((seat) => !scene.spareSeats.includes(seat));
    await Promise.all(seats.map((seat) => scene.seatWorker(seat)));
    return await burn(scene, options);
  } catch (error) {
    if (options.keep !== undefined) scene.servers.keep(options.keep);
    throw error;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await scene.close();
  }
}

async function burn(scene: Scene, options: ChaosOptions): Promise<ChaosReport> {
  const { seed, durationMs, calmMs = calmMsUsual, say } = options;
  const { shape } = scene;
  const cancel = progress(scene, say);
  try {
    await firstResults(scene);
    const calmFromMs = Math.max(wallMs(), shape.beginMs) + warmMs;
    const calm = { fromMs: calmFromMs, toMs: calmFromMs + calmMs };
    await pause(calm.toMs - wallMs());
    const kinds = nemesesFor(scene.servers.all.length > 1, scene.servers.hasDisks);
    const wanted = kinds.filter(({ name }) => options.only?.includes(name) ?? true);
    const fireMs = wallMs();
    const failed = scene.failed.then((reason) => Promise.reject(new Error(`the job has failed: ${reason}`)));
    const faults = await Promise.race([setFire(scene, drawSchedule(seed, durationMs, wanted), fireMs, say), failed]);
    await pause(fireMs + durationMs - wallMs());
    say("the fire is out; the input ends");
    const endMs = await Promise.race([scene.complete(completeMsMax), failed]);
    return await report(scene, options, calm, fireMs, endMs, faults);
  } finally {
    cancel();
  }
}

async function firstResults(scene: Scene): Promise<void> {
  const lateMs = wallMs() + firstMsMax;
  while (((await scene.results.count()) ?? 0) === 0) {
    if (wallMs() > lateMs) throw new Error(`nothing comes within ${firstMsMax} ms: ${scene.describe()}`);
    await pause(lookMs);
  }
}

async function report(
  scene: Scene,
  { seed, replicas }: ChaosOptions,
  calm: { readonly fromMs: number; readonly toMs: number },
  fireMs: number,
  endMs: number,
  faults: readonly FaultRecord[],
): Promise<ChaosReport> {
  const { shape } = scene;
  const results = await scene.results.read();
  const hits = faults.map(({ partitions, partitionsThen, ...fault }) => ({
    ...fault,
    keys: keysOf({ ...shape, partitions: partitionsThen }, partitions),
  }));
  const { recoveryMs, aloneMs, othersPauseMs, calmPauseMs } = pausesOf(results, windowMs, calm, hits);
  const { examples, ...verdict } = judge(shape, endMs, results);
  const seconds = (ms: number) => Math.round(ms / 100) / 10;
  return {
    seed,
    replicas,
    ...verdict,
    faults: faults.length,
    kills: faults.reduce((sum, { kills }) => sum + kills, 0),
    recoveryMs: spreadsOf(recoveryMs),
    aloneMs: spreadsOf(aloneMs),
    othersPauseMs: spreadOf(othersPauseMs),
    calmPauseMs: spreadOf(calmPauseMs),
    seconds: seconds(wallMs() - shape.beginMs),
    examples,
    accidents: scene.accidents,
    failures: failuresIn(scene),
    savepoints: { asked: scene.savepoints.length, taken: scene.savepoints.filter(({ isTaken }) => isTaken).length },
    upgrades: tallyOf(scene, "upgrade"),
    restores: tallyOf(scene, "restore"),
    refusals: scene.refusals,
    replays: await replayActors(scene.servers.urls, scene.orderFor(""), replayed),
    left: await scene.results.left(),
    log: faults.map(({ kind, victim, partitions, atMs, healedMs }) => ({
      kind,
      victim,
      hits: partitions === "all" ? "all" : partitions.join(","),
      atSeconds: seconds(atMs - fireMs),
      healedSeconds: seconds(healedMs - fireMs),
    })),
  };
}

function spreadsOf(byKind: ReadonlyMap<string, readonly number[]>): Readonly<Record<string, Spread>> {
  return Object.fromEntries([...byKind].map(([kind, all]) => [kind, spreadOf(all)]));
}

function failuresIn({ lines }: Scene): readonly string[] {
  const reasons = lines
    .filter(({ message }) => message === "instance failed")
    .map(({ fields }) => String(fields["reason"]))
    .filter((reason) => reason !== crashReason);
  return [...new Set(reasons)];
}

function tallyOf({ changes }: Scene, wanted: string): ChangeTally {
  const of = changes.filter(({ kind }) => kind === wanted);
  return { asked: of.length, made: of.filter(({ isMade }) => isMade).length };
}

function keysOf(shape: LoadShape, partitions: readonly number[] | "all"): ReadonlySet<number> | "all" {
  if (partitions === "all") return "all";
  const keys = Array.from({ length: shape.keys }, (_, key) => key);
  return new Set(keys.filter((key) => partitions.includes(partitionOfKey(shape, key))));
}

function shapeOf(rate: number): LoadShape {
  const beginMs = Math.ceil((wallMs() + headStartMs) / windowMs) * windowMs;
  return { beginMs, recordsPerMs: rate / 1_000, splits: 2, keys: 200, partitions: 8, windowMs, stepMs: 5 };
}

/** Says now and then how far it has come; answers how to stop. */
function progress(scene: Scene, say: (line: string) => void): () => void {
  const timer = setInterval(() => {
    void scene.results.count().then((count) => {
      const alive = scene.seats.filter(({ worker }) => worker !== undefined).length;
      const due = Math.max(0, Math.floor((wallMs() - scene.shape.beginMs) * scene.shape.recordsPerMs));
      say(`          ${due} records due, ${count ?? "unknown"} results stored, ${alive} workers`);
    });
  }, progressMs);
  return () => clearInterval(timer);
}

/** Writes each line to the file; undefined without one. @throws OPTION_INVALID */
function lineWriter(path: string | undefined, { beginMs }: LoadShape): ((line: Line) => void) | undefined {
  if (path === undefined) return undefined;
  let file: number;
  try {
    file = openSync(path, "w");
  } catch (error) {
    throw new StreamError("OPTION_INVALID", `--lines ${path}: ${messageOf(error)}`);
  }
  return ({ atMs, message, fields }) => {
    const at = Math.round(atMs - beginMs) / 1_000;
    writeSync(file, `${JSON.stringify({ at, message, ...fields })}\n`);
  };
}
