/**
 * Where a generation goes on from: a savepoint, as its instances take it.
 *
 * Owns the way from the savepoint's instances to those of the plan, as `protocol/restore.ts` says it of each part. The savepoint is read when somebody asks for
 * it first: when every instance has a snapshot of its own, nobody does.
 *
 * OR1. What an instance goes on from is a function of savepoint and plan: an incarnation that dies before the first snapshot of the generation is followed by one that
 *      goes on from the same.
 */
import { StreamError } from "../errors.ts";
import type { Blobs, Seams } from "../log/contracts.ts";
import { savepointPrefix } from "../log/names.ts";
import type { Split } from "../log/source.ts";
import type { StageProgram } from "../operator/program.ts";
import type { Plan, Stage } from "../plan/plan.ts";
import type { Platform } from "../platform/platform.ts";
import { programTime } from "../protocol/loop-end.ts";
import { covers, isReplaced, savepointFormat } from "../protocol/restore.ts";
import { partitionOf } from "../record/key.ts";
import type { Counts } from "../record/messages.ts";
import type { SavepointIndex, SavepointInstance, SavepointStage } from "../record/savepoint-record.ts";
import type { EdgeState, Manifest, Origin, SinkState } from "../record/snapshot-record.ts";
import { decodeSavepointIndex } from "../record/wire/savepoint.ts";
import { stateOfColumn } from "../state/namespace.ts";
import { patientBlobs, patiently } from "./patience.ts";
import { manifestFormat } from "./snapshotter.ts";
import { readingStore, type SnapshotStore } from "./snapshot-store.ts";

/** What one instance goes on from. */
export interface InstanceOrigin {
  /** As if it had taken it itself, before the first message of the generation: what its feed and sinks go on from. */
  readonly manifest: Manifest;
  /** The generation that the savepoint was taken of. */
  readonly generation: number;
  /** Gives the state to a program. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  restore(program: StageProgram): Promise<void>;
}

/** An instance of the savepoint, with its manifest. */
interface OldInstance extends SavepointInstance {
  readonly held: Manifest;
}

const noCounts: Counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

/** Where a savepoint's chunks are read; what cannot list them has looked at all of them. */
type ReadableBlobs = Pick<Blobs, "get"> & Partial<Pick<Blobs, "list">>;

/** The savepoint that one generation goes on from. */
export class GenerationOrigin {
  readonly origin: Origin;
  readonly #open: () => Promise<ReadableBlobs>;
  #store: Promise<SnapshotStore> | undefined;
  #index: Promise<SavepointIndex> | undefined;
  /** By stage. */
  readonly #instances = new Map<string, Promise<readonly OldInstance[]>>();

  /** `open`: the job's savepoints. */
  constructor(origin: Origin, open: () => Promise<ReadableBlobs>) {
    this.origin = origin;
    this.#open = open;
  }

  /** The index. @throws CORRUPT when it is not there, or not what was written; SNAPSHOT_UNSUITABLE of a newer format */
  index(): Promise<SavepointIndex> {
    this.#index ??= this.#readIndex().catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return this.#index;
  }

  /** The split's identity in the savepoint: what a reader goes on reading; undefined when it was not read. */
  async identityOf(stage: string, split: string): Promise<string | undefined> {
    const { stages } = await this.index();
    const before = stages.find(({ name }) => name === stage);
    return before?.instances.find((each) => each.split?.name === split)?.split?.identity;
  }

  /** Names of the splits that had not ended at the savepoint, by stage. @throws CORRUPT */
  async runningSplits(): Promise<Readonly<Record<string, readonly string[]>>> {
    const { stages } = await this.index();
    const sources = stages.filter(({ isSource }) => isSource);
    const named = await Promise.all(
      sources.map(async (stage) => {
        const all = await this.#instancesOf(stage);
        const running = all.filter(({ held }) => held.watermark < Infinity);
        return [stage.name, running.flatMap(({ split }) => split?.name ?? [])] as const;
      }),
    );
    return Object.fromEntries(named);
  }

  /** Names of chunks that it consists of, and that are not there; none of them is read. @throws CORRUPT when what names them is not there itself */
  async missingChunks(): Promise<readonly string[]> {
    const { stages } = await this.index();
    const all = await Promise.all(stages.map((stage) => this.#instancesOf(stage)));
    const { name, generation, savepoint } = this.origin;
    const blobs = await this.#open();
    const there = await blobs.list?.(savepointPrefix(name, generation, savepoint));
    if (there === undefined) return [];
    const known = new Set(there);
    const wanted = all.flat().flatMap(({ held }) => held.segments.flatMap(({ chunks }) => chunks));
    return [...new Set(wanted.map((chunk) => chunk.name))].filter((chunk) => !known.has(chunk));
  }

  /** What an instance of the plan goes on from; undefined: it begins empty. `split`: of a source. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  async of(plan: Plan, stage: Stage, partition: number, split: Split | undefined): Promise<InstanceOrigin | undefined> {
    const index = await this.index();
    const before = index.stages.find(({ name }) => name === stage.name);
    if (before === undefined) return undefined;
    const all = await this.#instancesOf(before);
    const isSame = stage.source !== undefined || before.partitions === stage.partitions;
    const own = all.filter((each) =>
      stage.source === undefined ? each.partition === partition : each.split?.name === split?.name,
    );
    const from = isSame ? own : all;
    if (from.length === 0) return undefined;
    const manifest = manifestOf({ plan, stage, partition, index, from, all, isSame });
    return {
      manifest,
      generation: index.generation,
      restore: (program) => this.#restore(program, { stage, partition, before, from, isSame, manifest }),
    };
  }

  async #restore(
    program: StageProgram,
    of: {
      readonly stage: Stage;
      readonly partition: number;
      readonly before: SavepointStage;
      readonly from: readonly OldInstance[];
      readonly isSame: boolean;
      readonly manifest: Manifest;
    },
  ): Promise<void> {
    const { stage, partition, before, from, isSame, manifest } = of;
    const store = await this.#chunks();
    const instances = [];
    for (const { held } of from)
      instances.push({ operators: held.operators, segments: await store.getSegments(held.segments) });
    const { counts, nowMs, random } = manifest;
    program.adopt({
      instances,
      isOwn: (hash) => isSame || partitionOf(hash, stage.partitions) === partition,
      fateOf: (name) => this.#fateOf(program, before, name),
      counts,
      nowMs,
      random: isSame ? random : undefined,
      watermark: programTime(stage, manifest.watermark),
    });
  }

  /** `name`: of a column, or of an operator that keeps something for itself. */
  #fateOf(program: StageProgram, stage: SavepointStage, name: string): "taken" | "dropped" | "unknown" {
    const isColumn = name.includes("/");
    const state = isColumn ? stateOfColumn(name) : { operator: name, name: "" };
    const known = program.states.find(
      (each) => each.operator === state.operator && (!isColumn || each.name === state.name),
    );
    const saved = stage.states.find((each) => each.operator === state.operator && each.name === state.name);
    const isOther = saved !== undefined && known !== undefined && isColumn && saved.kind !== known.kind;
    if (isOther && isReplaced(this.origin, stage.name, saved)) return "dropped";
    if (known !== undefined) return "taken";
    return covers(this.origin.allowUnknown, stage.name, state.operator, state.name) ? "dropped" : "unknown";
  }

  #instancesOf(stage: SavepointStage): Promise<readonly OldInstance[]> {
    const known = this.#instances.get(stage.name) ?? this.#readInstances(stage);
    this.#instances.set(stage.name, known);
    known.catch(() => this.#instances.delete(stage.name));
    return known;
  }

  async #readInstances({ name, instances }: SavepointStage): Promise<readonly OldInstance[]> {
    const store = await this.#chunks();
    const read = await Promise.all(
      instances.map(async (each) => ({
        ...each,
        held: await store.getManifest({ sequence: 0, manifest: each.manifest }),
      })),
    );
    const wrong = read.find(({ held }) => held.format !== manifestFormat);
    if (wrong !== undefined)
      throw new StreamError(
        "SNAPSHOT_UNSUITABLE",
        `savepoint ${this.origin.name}: ${name}/${wrong.partition} has format ${wrong.held.format}, and this version reads ${manifestFormat}`,
      );
    return read.toSorted((a, b) => a.partition - b.partition);
  }

  async #readIndex(): Promise<SavepointIndex> {
    const store = await this.#chunks();
    const index = decodeSavepointIndex(await store.getSegment(this.origin.index));
    if (index.format <= savepointFormat) return index;
    throw new StreamError(
      "SNAPSHOT_UNSUITABLE",
      `savepoint ${this.origin.name} has format ${index.format}, and this version reads formats up to ${savepointFormat}`,
    );
  }

  #chunks(): Promise<SnapshotStore> {
    this.#store ??= this.#open().then(readingStore, (error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }
}

/** Whose manifest it is. */
interface Adopter {
  readonly plan: Plan;
  readonly stage: Stage;
  readonly partition: number;
  readonly index: SavepointIndex;
  /** What it goes on from, out of all of its stage. */
  readonly from: readonly OldInstance[];
  readonly all: readonly OldInstance[];
  /** Whether there are as many instances as there were. */
  readonly isSame: boolean;
}

function manifestOf(adopter: Adopter): Manifest {
  const { stage, partition, from, isSame } = adopter;
  const helds = from.map(({ held }) => held);
  const [first] = helds;
  const isPush = stage.source?.reader.kind === "push";
  return {
    format: manifestFormat,
    generation: 0,
    stage: stage.name,
    partition,
    // Of an inbox nothing has been read; the ingress log of a push source is a new one.
    sequence: stage.source === undefined || isPush ? 0 : (first?.sequence ?? 0),
    epoch: 0,
    codeVersion: "",
    runtimeVersion: "",
    anchor: 0,
    storedAtMs: 0,
    leader: 0,
    watermark: Math.min(...helds.map(({ watermark }) => watermark)),
    nowMs: Math.max(...helds.map(({ nowMs }) => nowMs)),
    random: first?.random ?? 0,
    channelsIn: [],
    channelsOut: [],
    edges: edgesOf(adopter),
    sinks: sinksOf(adopter),
    redelivered: [],
    segments: [],
    operators: new Uint8Array(0),
    counts: isSame || partition === 0 ? sumOf(helds.map(({ counts }) => counts)) : noCounts,
  };
}

/** Event time of the edges that were there, by name: the largest that any receiver had read. */
function edgesOf({ plan, stage, index }: Adopter): readonly EdgeState[] {
  return stage.inputs.flatMap((edge) => {
    const before = index.edges.find(({ name }) => name === plan.edges[edge]?.name);
    return before === undefined ? [] : [{ edge, watermark: before.watermark, isIdle: false, epoch: 0, n: 0 }];
  });
}

/** Rows are numbered from 1 on again; what has been prepared, and may not be committed, is handed to one of those that follow. */
function sinksOf({ stage, partition, all, isSame }: Adopter): readonly SinkState[] {
  const theirs = all.filter((each) => (isSame ? each.partition : each.partition % stage.partitions) === partition);
  return stage.sinks.flatMap(({ name, spec }) => {
    if (spec.guarantee !== "twoPhase") return [];
    const prepared = theirs.flatMap(({ held }) => held.sinks.find(({ sink }) => sink === name)?.prepared ?? []);
    return [{ sink: name, last: 0, prepared, refused: 0 }];
  });
}

function sumOf(all: readonly Counts[]): Counts {
  const sum = { ...noCounts };
  for (const counts of all) for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
  return sum;
}

/** What the instances of a generation go on from: read when one asks for it, and waited for while the store cannot be reached. */
export function patientOrigin(
  platform: Platform,
  seams: Seams,
  { job, options }: Plan,
  origin: Origin,
): GenerationOrigin {
  return new GenerationOrigin(origin, async () => {
    const blobs = await patiently(platform, "savepoints", () => seams.savepoints(job));
    return patientBlobs(platform, blobs, options.replicas);
  });
}
