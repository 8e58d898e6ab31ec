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

/** A segment and its bytes. */
export interface StoredSegment {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** Segments on their way into the store. */
export interface FiledSegments {
  /** What a manifest says of them. */
  readonly segments: readonly SegmentState[];
  /** Resolves when all of them are there, and have been read back: from then on a pointer may name them. */
  readonly stored: Promise<void>;
}

/** A blob, and what is said of it as a whole. */
interface Blob {
  readonly chunk: ChunkRef;
  readonly bytes: Uint8Array;
}

/** Calls for chunks of one snapshot that may be under way at a time: a small chunk costs little but its way there and back. */
const callsMax = 16;

/** A segment up to this size shares a blob with others, bytes … */
const packedBytesMax = 16 * 1024;
/** … until the blob has this size: it stays as long as one of its segments is in a snapshot. */
const packBytesMax = 64 * 1024;

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
  async putSegment(snapshot: number, segment: number, bytes: Uint8Array): Promise<readonly ChunkRef[]> {
    const blobs = this.#blobsOf(snapshot, segment, bytes);
    await inParallel(blobs, callsMax, (blob) => this.#put(blob));
    return blobs.map(({ chunk }) => chunk);
  }

  /** {@link putSegment} for several; small ones share a blob, for its way there and back is what they cost. What a manifest says of them is known at once. */
  putSegments(snapshot: number, segments: readonly StoredSegment[]): FiledSegments {
    const blobs: Blob[] = [];
    const filed = packsOf(segments).flatMap((pack) => this.#file(snapshot, pack, blobs));
    return { segments: filed, stored: inParallel(blobs, callsMax, (blob) => this.#put(blob)).then(() => undefined) };
  }

  /** {@link getSegment} for several. */
  async getSegments(segments: readonly SegmentState[]): Promise<StoredSegment[]> {
    const names = [...new Set(segments.flatMap(({ chunks }) => chunks.map(({ name }) => name)))];
    const blobs = new Map(
      await inParallel(names, callsMax, async (name) => [name, await this.#blobs.get(name)] as const),
    );
    return segments.map(({ segment, chunks }) => ({
      segment,
      bytes: joined(chunks.map((chunk) => sliceOf(chunk, blobs.get(chunk.name)))),
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
    return joined(await Promise.all(chunks.map((chunk) => this.#read(chunk))));
  }

  /** Removes chunks that no retained manifest names; a failure leaves garbage for the next sweep. */
  async delete(chunks: readonly ChunkRef[]): Promise<void> {
    await this.deleteNamed([...new Set(chunks.map(({ name }) => name))]);
  }

  /** {@link delete} by name. */
  async deleteNamed(names: readonly string[]): Promise<void> {
    await inParallel(names, callsMax, (name) => this.#blobs.delete(name));
  }

  /** Names of every chunk of the instance, of all epochs. */
  list(prefix: string): Promise<readonly string[]> {
    return this.#blobs.list(prefix);
  }

  /** What a manifest says of the segments of a pack; what holds them is added to `blobs`. */
  #file(snapshot: number, pack: readonly StoredSegment[], blobs: Blob[]): SegmentState[] {
    const [first] = pack;
    if (first === undefined) return [];
    const isAlone = pack.length === 1;
    const whole = isAlone ? first.bytes : Buffer.concat(pack.map(({ bytes }) => bytes));
    const made = this.#blobsOf(snapshot, first.segment, whole);
    blobs.push(...made);
    if (isAlone) return [{ segment: first.segment, chunks: made.map(({ chunk }) => chunk) }];
    const name = made[0]?.chunk.name ?? "";
    let offset = 0;
    return pack.map(({ segment, bytes }) => {
      const chunk = { name, offset, length: bytes.byteLength, sha256: sha256Hex(bytes) };
      offset += bytes.byteLength;
      return { segment, chunks: [chunk] };
    });
  }

  #blobsOf(snapshot: number, segment: number, whole: Uint8Array): Blob[] {
    const blobs: Blob[] = [];
    for (let at = 0, part = 0; at < whole.byteLength; at += blobBytesMax, part += 1) {
      const bytes = whole.subarray(at, at + blobBytesMax);
      const sha256 = sha256Hex(bytes);
      const name = chunkName({ ...this.#owner, snapshot, segment, part, sha256 });
      blobs.push({ chunk: { name, offset: 0, length: bytes.byteLength, sha256 }, bytes });
    }
    return blobs;
  }

  /** R6: writes a blob and reads it back. */
  async #put({ chunk, bytes }: Blob): Promise<void> {
    await this.#blobs.put(chunk.name, bytes);
    await this.#read(chunk);
  }

  async #read(chunk: ChunkRef): Promise<Uint8Array> {
    return sliceOf(chunk, await this.#blobs.get(chunk.name));
  }
}

/** A store of chunks that are only read, whoever owns them. */
export function readingStore(blobs: Pick<Blobs, "get">): SnapshotStore {
  const refused = () => Promise.reject(new StreamError("UNAVAILABLE", "these chunks are only read here"));
  const readOnly: Blobs = { get: (name) => blobs.get(name), put: refused, delete: refused, list: refused };
  return new SnapshotStore(readOnly, { stage: "", partition: 0, epoch: 0 });
}

/** Segments in groups that share a blob; a large one stands alone. */
function packsOf(segments: readonly StoredSegment[]): StoredSegment[][] {
  const packs: StoredSegment[][] = [];
  let open: StoredSegment[] = [];
  let openBytes = 0;
  for (const each of segments) {
    const { byteLength } = each.bytes;
    if (byteLength > packedBytesMax) packs.push([each]);
    else if (open.length === 0 || openBytes + byteLength > packBytesMax) {
      open = [each];
      openBytes = byteLength;
      packs.push(open);
    } else {
      open.push(each);
      openBytes += byteLength;
    }
  }
  return packs;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

/** The bytes of a chunk in its blob. @throws CORRUPT when they are not those that were written */
function sliceOf({ name, offset, length, sha256: wanted }: ChunkRef, blob: Uint8Array | undefined): Uint8Array {
  const expected = `expected ${length} bytes${offset === 0 ? "" : ` from ${offset} on`}, sha256 ${wanted}`;
  if (blob === undefined) throw new StreamError("CORRUPT", `snapshot chunk ${name}: ${expected}, found nothing`);
  const bytes = blob.subarray(offset, offset + length);
  const sha256 = sha256Hex(bytes);
  if (bytes.byteLength === length && sha256 === wanted) return bytes;
  throw new StreamError(
    "CORRUPT",
    `snapshot chunk ${name}: ${expected}, found ${bytes.byteLength} bytes, sha256 ${sha256}`,
  );
}
