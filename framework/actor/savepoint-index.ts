/**
 * The index of a savepoint: what its leader writes when every copy is confirmed.
 *
 * Owns what is in it and that it is read back; manifests and their chunks have been written by the instances.
 */
import type { Blobs } from "../log/contracts.ts";
import { savepointPrefix, type JobNames } from "../log/names.ts";
import type { Edge, Plan, Stage } from "../plan/plan.ts";
import { planText } from "../plan/plan-text.ts";
import { sha256Hex } from "../platform/digest.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import { savepointFormat } from "../protocol/restore.ts";
import type { SavepointView } from "../protocol/savepoint-life.ts";
import type { InstanceId } from "../record/messages.ts";
import type { SavepointEdge, SavepointIndex, SavepointInstance, SavepointStage } from "../record/savepoint-record.ts";
import type { ChunkRef, Manifest } from "../record/snapshot-record.ts";
import { encodeSavepointIndex } from "../record/wire/savepoint.ts";
import { inParallel } from "./in-parallel.ts";
import { runtimeVersion } from "./runtime-version.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { statesOfStage } from "./stage-states.ts";

/** Manifests that are read at a time. */
const readsMax = 16;

/** The copy of one instance: the chunks of its manifest, and what is in them. */
export interface InstanceCopy {
  readonly instance: InstanceId;
  readonly chunks: readonly ChunkRef[];
  readonly manifest: Manifest;
}

/** What an index is made of. */
export interface IndexParts {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly view: JobLogView;
  readonly savepoint: SavepointView;
  readonly copies: readonly InstanceCopy[];
  readonly atMs: number;
}

/** Reads the manifests of copies. @throws CORRUPT when one is not what was written */
export function readCopies(
  blobs: Blobs,
  copies: readonly Omit<InstanceCopy, "manifest">[],
): Promise<readonly InstanceCopy[]> {
  const store = storeOf(blobs);
  return inParallel(copies, readsMax, async ({ instance, chunks }) => ({
    instance,
    chunks,
    manifest: await store.getManifest({ sequence: 0, manifest: chunks }),
  }));
}

/** The index of a savepoint whose copies are all there. */
export function indexOf({ plan, names, view, savepoint, copies, atMs }: IndexParts): SavepointIndex {
  const text = planText(plan);
  const edges = plan.edges.filter(({ to }) => typeof to === "number");
  return {
    format: savepointFormat,
    name: savepoint.name,
    job: plan.job,
    generation: names.generation,
    savepoint: savepoint.id,
    atMs,
    by: savepoint.by,
    plan: text,
    planHash: sha256Hex(text),
    version: plan.version,
    runtimeVersion,
    stages: plan.stages.map((stage) => stageOf(stage, view, copies)),
    edges: edges.map((edge) => edgeOf(edge, plan, copies)),
  };
}

/** Stores an index and answers its chunks. */
export async function putIndex(blobs: Blobs, index: SavepointIndex): Promise<readonly ChunkRef[]> {
  const { name, generation, savepoint } = index;
  const prefix = savepointPrefix(name, generation, savepoint);
  const store = new SnapshotStore(blobs, { stage: `${prefix}index`, partition: 0, epoch: 0 });
  return store.putSegment(0, 0, encodeSavepointIndex(index));
}

/** All chunks that a savepoint consists of, without its index: each name once, and its bytes. */
export function chunksOf(copies: readonly InstanceCopy[]): ReadonlyMap<string, number> {
  const chunks = copies.flatMap(({ chunks: own, manifest }) => [
    ...own,
    ...manifest.segments.flatMap((segment) => segment.chunks),
  ]);
  const bytes = new Map<string, number>();
  for (const { name, offset, length } of chunks) bytes.set(name, Math.max(bytes.get(name) ?? 0, offset + length));
  return bytes;
}

function storeOf(blobs: Blobs): SnapshotStore {
  return new SnapshotStore(blobs, { stage: "index", partition: 0, epoch: 0 });
}

function stageOf(stage: Stage, view: JobLogView, copies: readonly InstanceCopy[]): SavepointStage {
  const { name, partitions, source, index } = stage;
  return {
    name,
    partitions,
    isSource: source !== undefined,
    states: statesOfStage(stage),
    instances: copies.filter(({ instance }) => instance.stage === index).map((copy) => instanceOf(copy, stage, view)),
  };
}

function instanceOf({ instance, chunks }: InstanceCopy, { index }: Stage, view: JobLogView): SavepointInstance {
  const { partition } = instance;
  const split = view.split(index, partition);
  return {
    partition,
    split: split === undefined ? undefined : { name: split.name, identity: split.identity },
    manifest: chunks,
  };
}

function edgeOf({ index, name, from, to }: Edge, plan: Plan, copies: readonly InstanceCopy[]): SavepointEdge {
  const watermarks = copies
    .filter(({ instance }) => instance.stage === to)
    .flatMap(({ manifest }) => manifest.edges.filter(({ edge }) => edge === index).map(({ watermark }) => watermark));
  return {
    name,
    from: plan.stages[from]?.name ?? "",
    to: typeof to === "number" ? (plan.stages[to]?.name ?? "") : to,
    watermark: watermarks.reduce((most, watermark) => Math.max(most, watermark), -Infinity),
  };
}
