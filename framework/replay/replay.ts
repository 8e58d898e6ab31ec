/**
 * `tidemark replay`: an actor of a production job, run again here, and compared with what it did there.
 *
 * Owns the way from a name to a report: which snapshot, how far, and the two comparisons (outputs against the logs, state against the job's own next snapshot).
 *
 * R1. Nothing is written: neither pointer, nor logs, nor sinks; the job may run meanwhile.
 */
import { GenerationOrigin, type InstanceOrigin } from "../actor/origin.ts";
import { SnapshotStore } from "../actor/snapshot-store.ts";
import { runtimeVersion } from "../actor/runtime-version.ts";
import { StreamError } from "../errors.ts";
import type { Blobs, Log, Seams } from "../log/contracts.ts";
import type { EndHome } from "../log/ends.ts";
import { JobNames } from "../log/names.ts";
import type { Split } from "../log/source.ts";
import type { Plan, Stage } from "../plan/plan.ts";
import type { Skip } from "../record/poison.ts";
import type { Manifest, Pointer, SnapshotRef } from "../record/snapshot-record.ts";
import { decodePointer } from "../record/wire/snapshot.ts";
import { findJob, type Administrator, type FoundJob } from "../administration/administrator.ts";
import { readJob } from "../administration/job-reading.ts";
import { checkSamePlan } from "../administration/same-plan.ts";
import { compareOutputs, type Comparison } from "./logged-outputs.ts";
import { ReplayedInstance } from "./replayed-instance.ts";
import { differentState } from "./state-comparison.ts";
import { noTrace, type ReplayTrace } from "./trace.ts";

/** Where a replay begins: one of the two snapshots that an instance keeps, by name or by its sequence; or at the first message of all, with what the generation goes on from. */
export type ReplayStart = "previous" | "current" | "start" | number;

/** What is replayed. */
export interface ReplayOptions {
  /** `STAGE/PARTITION`, as `tidemark status` prints it. */
  readonly instance: string;
  /** The program's plan. */
  readonly plan: Plan;
  /** Where the job runs, for a source stage: its split is read again. */
  readonly ends: EndHome;
  /** @default the older one of two snapshots; while there are not two, the first message */
  readonly from?: ReplayStart | undefined;
  /** Last message. @default the last one there is; of a split, the last one that the current snapshot has */
  readonly to?: number | undefined;
  /** @default nobody is told */
  readonly trace?: ReplayTrace | undefined;
  /** Watermarks come from the splits alone: for tests. @default false */
  readonly hasManualWatermarks?: boolean | undefined;
}

/** What a replay has come to. */
export interface ReplayReport {
  readonly job: string;
  readonly generation: number;
  readonly instance: string;
  /** The message that the snapshot was taken after (0: none was), and the last one that was replayed. */
  readonly from: number;
  readonly to: number;
  readonly turns: number;
  /** Records said to other instances, dead letters and late records; and rows to each sink, which no log holds. */
  readonly records: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly outputs: Comparison;
  /** Against the job's own snapshot at a later message; undefined when there is none up to `to`. */
  readonly state: { readonly at: number; readonly different: readonly string[] } | undefined;
  /** What the snapshot was written by, and what has replayed it. */
  readonly versions: {
    readonly program: { readonly snapshot: string; readonly here: string };
    readonly runtime: { readonly snapshot: string; readonly here: string };
  };
  /** Neither outputs nor state differ. */
  readonly isEqual: boolean;
}

interface Subject {
  readonly found: FoundJob;
  readonly names: JobNames;
  readonly stage: Stage;
  readonly partition: number;
  readonly blobs: Blobs;
  readonly log: Log | undefined;
  readonly split: Split | undefined;
  readonly skips: readonly Skip[];
}

/** Snapshots are loaded anew when the job has replaced them meanwhile, so often. */
const loadsMax = 5;

/**
 * Replays an instance of job `job`.
 *
 * @throws NOT_FOUND, OPTION_INVALID, JOB_MISMATCH; DATA_LOST when the job has trimmed what was to be read; CORRUPT, SNAPSHOT_UNSUITABLE, SOURCE_CHANGED; and
 * whatever ends the instance itself (DIVERGED …)
 */
export async function replayInstance(
  administrator: Administrator,
  job: string,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const subject = await findSubject(administrator, job, options);
  const { names, stage, partition } = subject;
  const { plan } = options;
  const id = { stage: stage.index, partition };
  const { replayed, current, start, to } = await openReplay(administrator, subject, options);
  const from = start?.sequence ?? 0;
  try {
    const state = await compareState(replayed, current, start, to);
    await replayed.runTo(to);
    const rest = {
      settledTo: current?.sequence ?? 0,
      readTo: (edge: number, into: number) => readTo(subject, plan, edge, into),
    };
    const outputs = await compareOutputs(administrator.seams.logs, plan, names, id, replayed.outputs, rest);
    return {
      job,
      generation: names.generation,
      instance: options.instance,
      from,
      to: replayed.position,
      turns: replayed.turns,
      records: replayed.outputs.count,
      rows: replayed.rows,
      outputs,
      state,
      versions: {
        program: { snapshot: start?.codeVersion || subject.found.record.version, here: plan.version },
        runtime: { snapshot: start?.runtimeVersion ?? "", here: runtimeVersion },
      },
      isEqual: outputs.differences === 0 && (state?.different.length ?? 0) === 0,
    };
  } finally {
    replayed.close();
  }
}

/** The last number of the subject's channel over `edge` to partition `to` on which the snapshot of its reader rests; 0: none does, or nobody reads it. */
async function readTo(subject: Subject, plan: Plan, edge: number, to: number): Promise<number> {
  const target = plan.edges[edge]?.to ?? "dead";
  const stage = typeof target === "number" ? plan.stages[target] : undefined;
  if (stage === undefined) return 0;
  const reader = { ...subject, stage, partition: to };
  const stored = await subject.found.registers.get(subject.names.pointer(stage.name, to));
  if (stored === undefined) return 0;
  const manifest = await load(reader, decodePointer(stored.value).current);
  const channel = manifest?.channelsIn.find((each) => each.edge === edge && each.from === subject.partition);
  return channel?.last ?? 0;
}

/** Replays to the job's current snapshot, if it lies on the way, and compares. */
async function compareState(
  replayed: ReplayedInstance,
  current: Manifest | undefined,
  start: Manifest | undefined,
  to: number,
): Promise<ReplayReport["state"]> {
  if (current === undefined || current.sequence > to || current.sequence <= (start?.sequence ?? 0)) return undefined;
  await replayed.runTo(current.sequence);
  // An end of input by command is no part of a split: what comes of it is not in the replay.
  if (replayed.position !== current.sequence || current.watermark === Infinity) return undefined;
  return { at: current.sequence, different: differentState(replayed, current, start) };
}

async function findSubject(
  administrator: Administrator,
  job: string,
  { instance, plan }: ReplayOptions,
): Promise<Subject> {
  const found = await findJob(administrator, job);
  checkSamePlan(found.record, plan);
  const names = new JobNames(job, found.record.generation);
  const [, name, at] = /^([a-z0-9-]+)\/(\d+)$/.exec(instance) ?? [];
  const stage = plan.stages.find((each) => each.name === name);
  const partition = Number(at);
  const { split, skips } = await written(administrator, names, stage?.index ?? -1, partition);
  const exists =
    stage !== undefined && (stage.source === undefined ? partition < stage.partitions : split !== undefined);
  if (!exists) throw unknownInstance(instance, plan);
  const blobs = await administrator.seams.blobs(job, names.generation);
  const log = await openLog(administrator, names, stage, partition);
  return { found, names, stage, partition, blobs, log, split, skips };
}

/** What the job log says of the instance. */
async function written(
  administrator: Administrator,
  names: JobNames,
  stage: number,
  partition: number,
): Promise<Pick<Subject, "split" | "skips">> {
  const reading = await readJob(administrator, names);
  try {
    return { split: reading?.view.split(stage, partition), skips: reading?.view.skips({ stage, partition }) ?? [] };
  } finally {
    reading?.close();
  }
}

async function openLog(
  { seams }: Administrator,
  names: JobNames,
  stage: Stage,
  partition: number,
): Promise<Log | undefined> {
  if (stage.isIngress) return seams.logs.open(names.ingress(stage.name, partition));
  return stage.source === undefined ? seams.logs.open(names.inbox(stage.name, partition)) : undefined;
}

function unknownInstance(instance: string, plan: Plan): StreamError {
  const known = plan.stages.map(({ name, source, partitions }) =>
    source === undefined ? `${name}/0 to ${name}/${partitions - 1}` : `${name}/0 and so on, one for each split`,
  );
  return new StreamError(
    "OPTION_INVALID",
    `there is no instance ${JSON.stringify(instance)}: the job has ${known.join(", ")}`,
  );
}

/** An instance that is to be replayed, restored from `start`. */
interface OpenReplay {
  readonly replayed: ReplayedInstance;
  /** The current snapshot, and what it begins with: a snapshot, or its part of the savepoint that the generation goes on from; both undefined where there is none. */
  readonly current: Manifest | undefined;
  readonly start: Manifest | undefined;
  readonly to: number;
}

/** Snapshots are loaded anew when the job has replaced them while they were being read: deleted them, or trimmed what lies behind them. */
async function openReplay(administrator: Administrator, subject: Subject, options: ReplayOptions): Promise<OpenReplay> {
  for (let left = loadsMax; ; left -= 1) {
    try {
      return await openOnce(administrator, subject, options);
    } catch (error) {
      const mayBeReplaced = StreamError.is(error, "CORRUPT") || StreamError.is(error, "DATA_LOST");
      if (!mayBeReplaced || left <= 1) throw error;
    }
  }
}

async function openOnce(
  { platform, seams }: Administrator,
  subject: Subject,
  { plan, ends, from: wanted, to: last, trace = noTrace, hasManualWatermarks = false }: ReplayOptions,
): Promise<OpenReplay> {
  const { stage, partition, names, blobs, log, split, skips } = subject;
  const pointer = await readPointer(subject);
  const ref = chosen(subject, pointer, wanted);
  const [current, own] = await Promise.all([load(subject, pointer.current), load(subject, ref)]);
  const origin = own === undefined ? await originOf(seams, subject, plan) : undefined;
  const start = own ?? origin?.manifest;
  const to = last ?? (split === undefined || stage.isIngress ? await lastOf(log) : (current?.sequence ?? 0));
  const from = start?.sequence ?? 0;
  const info = log === undefined ? undefined : await log.info();
  // Nobody has asked for the beginning: there is a snapshot by now.
  if (wanted !== "start" && from === 0 && info !== undefined && info.first > 1)
    throw new StreamError("DATA_LOST", `${stage.name}/${partition}: the messages before ${info.first} are trimmed`);
  checkRange(subject, from, to, info);
  const id = { stage: stage.index, partition };
  const { createdMs: startedMs } = await seams.logs.open(names.jobLog);
  const parts = {
    platform,
    plan,
    stage,
    id,
    names,
    blobs,
    ends,
    manifest: start,
    origin,
    log,
    split,
    startedMs,
    skips,
  };
  const replayed = new ReplayedInstance({ ...parts, hasManualWatermarks }, trace);
  try {
    await replayed.open(to);
    return { replayed, current, start, to };
  } catch (error) {
    replayed.close();
    throw error;
  }
}

/** As an incarnation without a snapshot of its own (OR1 of `actor/origin.ts`). */
async function originOf(
  seams: Seams,
  { found, stage, partition, split }: Subject,
  plan: Plan,
): Promise<InstanceOrigin | undefined> {
  const { origin } = found.record;
  if (origin === undefined) return undefined;
  return new GenerationOrigin(origin, () => seams.savepoints(plan.job)).of(plan, stage, partition, split);
}

async function readPointer({ found, names, stage, partition }: Subject): Promise<Pointer> {
  const stored = await found.registers.get(names.pointer(stage.name, partition));
  if (stored !== undefined) return decodePointer(stored.value);
  throw new StreamError("NOT_FOUND", `${stage.name}/${partition} has never run: there is nothing to replay`);
}

function chosen(
  { stage, partition }: Subject,
  { current, previous }: Pointer,
  from: ReplayStart | undefined,
): SnapshotRef | undefined {
  // Before the second snapshot nothing is trimmed.
  if (from === undefined) return previous;
  if (from === "start") return undefined;
  const found = [previous, current].find((ref) => (typeof from === "number" ? ref?.sequence === from : false));
  const ref = from === "current" ? current : from === "previous" ? previous : found;
  if (ref !== undefined) return ref;
  const known = [previous, current].flatMap((each) => (each === undefined ? [] : [String(each.sequence)]));
  throw new StreamError(
    "OPTION_INVALID",
    `${stage.name}/${partition} keeps no snapshot ${from}: there is ${known.length === 0 ? "none" : known.join(" and ")}, and start`,
  );
}

async function load({ blobs, stage, partition }: Subject, ref: SnapshotRef | undefined): Promise<Manifest | undefined> {
  if (ref === undefined) return undefined;
  return new SnapshotStore(blobs, { stage: stage.name, partition, epoch: 0 }).getManifest(ref);
}

async function lastOf(log: Log | undefined): Promise<number> {
  return log === undefined ? 0 : (await log.info()).last;
}

function checkRange(
  { stage, partition }: Subject,
  from: number,
  to: number,
  info: { readonly first: number; readonly last: number } | undefined,
): void {
  const name = `${stage.name}/${partition}`;
  if (to === 0)
    throw new StreamError(
      "OPTION_INVALID",
      `${name} has taken no snapshot up to which its split could be replayed: say how far`,
    );
  if (to <= from)
    throw new StreamError(
      "OPTION_INVALID",
      `${name}: the snapshot has read up to ${from}, so there is nothing to replay up to ${to}`,
    );
  if (info === undefined) return;
  if (to > info.last)
    throw new StreamError("OPTION_INVALID", `${name}: message ${to} is not there; the last one is ${info.last}`);
  if (from === 0 && info.first > 1)
    throw new StreamError(
      "OPTION_INVALID",
      `${name}: the messages before ${info.first} are trimmed; begin with a snapshot`,
    );
}
