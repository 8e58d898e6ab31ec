/**
 * The copy of an instance's snapshot in a savepoint.
 *
 * Owns that everything is there under the savepoint's own prefix, read back, before anybody is told of it: nothing but the user deletes there (R17). What is
 * already there under the same name is the same: a copy that was begun by an earlier incarnation is gone on with.
 */
import { StreamError } from "../errors.ts";
import type { Blobs } from "../log/contracts.ts";
import type { ChunkRef, Manifest } from "../record/snapshot-record.ts";
import { inParallel } from "./in-parallel.ts";
import { SnapshotStore, type ChunkOwner } from "./snapshot-store.ts";

/** Chunks that are copied at a time. */
const copiesMax = 8;

/** Where a copy goes. */
export interface CopyTarget {
  readonly blobs: Blobs;
  /** What all names of the savepoint begin with. */
  readonly prefix: string;
  readonly owner: ChunkOwner;
  /** Whether the savepoint is still wanted: nothing more is written when it is not. */
  readonly isWanted: () => boolean;
}

/**
 * Copies a snapshot out of `from`, and answers the chunks of the copy's manifest. What edges knew of savepoints is left out: it means nothing in another generation.
 *
 * @throws FENCED when it is not wanted any more; CORRUPT when a chunk is not what was written; LOG_FULL, SERVER_FULL … when the store refuses
 */
export async function copySnapshot(manifest: Manifest, from: Blobs, target: CopyTarget): Promise<readonly ChunkRef[]> {
  const { blobs, prefix, owner } = target;
  const names = [...new Set(manifest.segments.flatMap(({ chunks }) => chunks.map(({ name }) => name)))];
  await inParallel(names, copiesMax, (name) => copyBlob(name, from, target));
  const edges = manifest.edges.map(({ drained: _drained, ...edge }) => edge);
  const segments = manifest.segments.map(({ segment, chunks }) => ({
    segment,
    chunks: chunks.map((chunk) => ({ ...chunk, name: prefix + chunk.name })),
  }));
  checkWanted(target);
  const store = new SnapshotStore(under(blobs, prefix), owner);
  // Read back as it will be restored: every piece has the sum that the manifest says.
  await new SnapshotStore(blobs, owner).getSegments(segments);
  const { manifest: chunks } = await store.putManifest(0, { ...manifest, edges, segments });
  return chunks.map((chunk) => ({ ...chunk, name: prefix + chunk.name }));
}

/** Blobs whose names all begin with `prefix`, seen without it. */
function under(blobs: Blobs, prefix: string): Blobs {
  return {
    put: (name, bytes) => blobs.put(prefix + name, bytes),
    get: (name) => blobs.get(prefix + name),
    delete: (name) => blobs.delete(prefix + name),
    list: (beginning) => blobs.list(prefix + beginning),
  };
}

async function copyBlob(name: string, from: Blobs, target: CopyTarget): Promise<void> {
  checkWanted(target);
  const bytes = await from.get(name);
  if (bytes === undefined) throw new StreamError("CORRUPT", `snapshot chunk ${name} is not there`);
  await target.blobs.put(target.prefix + name, bytes);
}

function checkWanted({ isWanted, prefix }: CopyTarget): void {
  if (!isWanted()) throw new StreamError("FENCED", `savepoint ${prefix} is over`);
}

/** Where copies go: a store that refuses for want of room ends the savepoint, and is not asked for ever. */
export function refusingBlobs(blobs: Blobs): Blobs {
  return {
    get: (name) => blobs.get(name),
    list: (prefix) => blobs.list(prefix),
    delete: (name) => blobs.delete(name),
    put: async (name, bytes) => {
      try {
        await blobs.put(name, bytes);
      } catch (error) {
        if (!StreamError.is(error, "LOG_FULL")) throw error;
        throw new StreamError("SERVER_FULL", error.message, { cause: error });
      }
    },
  };
}
