/**
 * What is in a savepoint, for people: positions of sources, keys and bytes of each state, timers.
 *
 * Owns the counting. Everything that the savepoint names is read for it, so what is missing or has changed is found.
 */
import { readingStore } from "../actor/snapshot-store.ts";
import type { Blobs } from "../log/contracts.ts";
import { decodeOperators } from "../operator/program-state.ts";
import { defaultCodec } from "../record/default-codec.ts";
import type { SavepointIndex, SavepointInstance, SavepointStage } from "../record/savepoint-record.ts";
import type { Manifest } from "../record/snapshot-record.ts";
import { stateOfColumn } from "../state/namespace.ts";
import { readSegment } from "../state/segment-codec.ts";
import type { OpenSavepoint } from "./savepoints.ts";

/** One kind of state in a savepoint. */
export interface StateLook {
  readonly operator: string;
  readonly name: string;
  /** `value`, `map` …; what it is called where the index does not know it. */
  readonly kind: string;
  readonly version: number;
  /** Keys that have some of it; 0 for what belongs to an instance as a whole. */
  readonly keys: number;
  /** Of its values as they are stored. */
  readonly bytes: number;
}

/** One instance in a savepoint. */
export interface InstanceLook {
  readonly name: string;
  /** Of a source: the split. */
  readonly split: string | undefined;
  /** Last message, or entry of the split, that is in the state. */
  readonly position: number;
  readonly watermark: number;
  readonly bytes: number;
}

/** One stage in a savepoint. */
export interface StageLook {
  readonly name: string;
  readonly isSource: boolean;
  readonly partitions: number;
  readonly states: readonly StateLook[];
  readonly instances: readonly InstanceLook[];
}

/** A savepoint, looked at. */
export interface SavepointLook extends Pick<
  SavepointIndex,
  "job" | "name" | "generation" | "savepoint" | "atMs" | "by" | "version" | "runtimeVersion" | "edges"
> {
  readonly stages: readonly StageLook[];
  readonly bytes: number;
}

/** Looks at all of a savepoint. @throws CORRUPT naming the chunk that is missing, or not what was written */
export async function lookAtSavepoint({ index, blobs }: OpenSavepoint): Promise<SavepointLook> {
  const stages: StageLook[] = [];
  for (const stage of index.stages) stages.push(await stageLook(stage, blobs));
  const { job, name, generation, savepoint, atMs, by, version, runtimeVersion, edges } = index;
  const bytes = stages.flatMap(({ instances }) => instances).reduce((sum, each) => sum + each.bytes, 0);
  return { job, name, generation, savepoint, atMs, by, version, runtimeVersion, edges, stages, bytes };
}

async function stageLook(stage: SavepointStage, blobs: Pick<Blobs, "get">): Promise<StageLook> {
  const counts = new Counts(stage);
  const instances: InstanceLook[] = [];
  for (const instance of stage.instances) instances.push(await instanceLook(stage, instance, blobs, counts));
  const { name, isSource, partitions } = stage;
  return { name, isSource, partitions, states: counts.all, instances };
}

async function instanceLook(
  { name: stage }: SavepointStage,
  { partition, split, manifest: chunks }: SavepointInstance,
  blobs: Pick<Blobs, "get">,
  counts: Counts,
): Promise<InstanceLook> {
  const store = readingStore(blobs);
  const manifest: Manifest = await store.getManifest({ sequence: 0, manifest: chunks });
  let bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  for (const { segment, bytes: held } of await store.getSegments(manifest.segments)) {
    counts.addSegment(segment, held);
    bytes += held.byteLength;
  }
  counts.addOperators(manifest.operators);
  const { sequence: position, watermark } = manifest;
  return { name: `${stage}/${partition}`, split: split?.name, position, watermark, bytes };
}

/** What a stage's instances hold of each state. */
class Counts {
  readonly #states = new Map<string, StateLook>();

  constructor({ states }: SavepointStage) {
    for (const { operator, name, kind, version } of states)
      this.#states.set(`${operator}/${name}`, { operator, name, kind, version, keys: 0, bytes: 0 });
  }

  get all(): readonly StateLook[] {
    return [...this.#states.values()];
  }

  addSegment(segment: number, bytes: Uint8Array): void {
    const { columns, rows } = readSegment(segment, bytes);
    for (const [at, { name: column }] of columns.entries()) {
      const { operator, name } = stateOfColumn(column);
      for (const { cells } of rows) if (cells[at] !== undefined) this.#add(operator, name, 1, sizeOf(cells[at]));
    }
  }

  addOperators(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    for (const [operator, state] of decodeOperators(bytes).states) this.#add(operator, "", 0, sizeOf(state));
  }

  #add(operator: string, name: string, keys: number, bytes: number): void {
    const key = `${operator}/${name}`;
    const before = this.#states.get(key) ?? { operator, name, kind: "", version: 1, keys: 0, bytes: 0 };
    this.#states.set(key, { ...before, keys: before.keys + keys, bytes: before.bytes + bytes });
  }
}

function sizeOf(value: unknown): number {
  try {
    return defaultCodec.encode(value).byteLength;
  } catch {
    return 0;
  }
}
