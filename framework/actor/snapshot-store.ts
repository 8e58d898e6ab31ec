/**
 * Writes and reads snapshots: segments and manifests as chunks in the blob store (R6).
 *
 * Owns the names and the integrity of chunks; when a snapshot is taken, and when the pointer may move, is decided elsewhere.
 *
 * R6. A chunk is named by its owner, written once and read back; what is read is compared by length and sha256.
 */
import { inParallel } from "./in-parallel.ts";
import { StreamError } from "../errors.ts";
import { blobBytesMax, type Blobs } from "../log/contracts.ts";
import { sha256Hex } from "../platform/digest.ts";
import { chunkName } from "../protocol/snapshot.ts";
import type { ChunkRef, Manifest, SegmentState, SnapshotRef } from "../record/snapshot-record.ts";
import { decodeManifest, encodeManifest } from "../record/wire/snapshot.ts";

/** Whose chunks they are. */
export interface ChunkOwner {
  readonly stage: string;
  readonly partition: number;
  readonly epoch: number;
}

/** Calls for chunks of one snapshot that may be under way at a time: a small chunk costs little but its way there and back. */
const callsMax = 16;

/** What a manifest's own chunks are filed under. */
const manifestSegment = -1;

/** Chunks of one instance. */
export class SnapshotStore {
  readonly #blobs: Blobs;
  readonly #owner: ChunkOwner;

  constructor(blobs: Blobs, owner: ChunkOwner) {
    this.#blobs = blobs;
    this.#owner = owner;
  }

  /** Stores the bytes of one segment of snapshot number `snapshot`. */
  async putSegment(snapshot: number, segment: number, bytes: Uint8Array): Promise<ChunkRef[]> {
    const chunks: ChunkRef[] = [];
    for (let at = 0, part = 0; at < bytes.byteLength; at += blobBytesMax, part += 1) {
      const slice = bytes.subarray(at, at + blobBytesMax);
      const sha256 = sha256Hex(slice);
      const chunk = {
        name: chunkName({ ...this.#owner, snapshot, segment, part, sha256 }),
        length: slice.byteLength,
        sha256,
      };
      await this.#blobs.put(chunk.name, slice);
      await this.#read(chunk);
      chunks.push(chunk);
    }
    return chunks;
  }

  /** {@link putSegment} for several. */
  putSegments(
    snapshot: number,
    segments: readonly { readonly segment: number; readonly bytes: Uint8Array }[],
  ): Promise<SegmentState[]> {
    return inParallel(segments, callsMax, async ({ segment, bytes }) => ({
      segment,
      chunks: await this.putSegment(snapshot, segment, bytes),
    }));
  }

  /** {@link getSegment} for several. */
  getSegments(segments: readonly SegmentState[]): Promise<{ readonly segment: number; readonly bytes: Uint8Array }[]> {
    return inParallel(segments, callsMax, async ({ segment, chunks }) => ({
      segment,
      bytes: await this.getSegment(chunks),
    }));
  }

  /** Stores a manifest; what it names must be stored already. */
  async putManifest(snapshot: number, manifest: Manifest): Promise<SnapshotRef> {
    return {
      sequence: manifest.sequence,
      manifest: await this.putSegment(snapshot, manifestSegment, encodeManifest(manifest)),
    };
  }

  /** @throws CORRUPT saying what was expected and found */
  async getManifest(ref: SnapshotRef): Promise<Manifest> {
    return decodeManifest(await this.getSegment(ref.manifest));
  }

  /** The bytes behind a list of chunks. @throws CORRUPT */
  async getSegment(chunks: readonly ChunkRef[]): Promise<Uint8Array> {
    const parts = await Promise.all(chunks.map((chunk) => this.#read(chunk)));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** Removes chunks that no retained manifest names; a failure leaves garbage for the next sweep. */
  async delete(chunks: readonly ChunkRef[]): Promise<void> {
    await this.deleteNamed(chunks.map(({ name }) => name));
  }

  /** {@link delete} by name. */
  async deleteNamed(names: readonly string[]): Promise<void> {
    await inParallel(names, callsMax, (name) => this.#blobs.delete(name));
  }

  /** Names of every chunk of the instance, of all epochs. */
  list(prefix: string): Promise<readonly string[]> {
    return this.#blobs.list(prefix);
  }

  async #read(chunk: ChunkRef): Promise<Uint8Array> {
    const bytes = await this.#blobs.get(chunk.name);
    const expected = `expected ${chunk.length} bytes, sha256 ${chunk.sha256}`;
    if (bytes === undefined)
      throw new StreamError("CORRUPT", `snapshot chunk ${chunk.name}: ${expected}, found nothing`);
    const sha256 = sha256Hex(bytes);
    if (bytes.byteLength !== chunk.length || sha256 !== chunk.sha256) {
      throw new StreamError(
        "CORRUPT",
        `snapshot chunk ${chunk.name}: ${expected}, found ${bytes.byteLength} bytes, sha256 ${sha256}`,
      );
    }
    return bytes;
  }
}
