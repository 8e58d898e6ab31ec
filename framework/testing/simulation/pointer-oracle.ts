/**
 * O6 and O7: pointers never go back, and from every snapshot that one names the inbox can be read on.
 *
 * Owns the pointers of one generation as the place has stored them.
 */
import type { JobNames } from "../../log/names.ts";
import { sha256Hex } from "../../platform/digest.ts";
import type { ChunkRef, Pointer, SnapshotRef } from "../../record/snapshot-record.ts";
import { decodeManifest, decodePointer } from "../../record/wire/snapshot.ts";
import type { Violation } from "./contract.ts";
import type { SimulatedPlace } from "./place.ts";

/** Snapshots of an owner by which it has swept what those before it have left: the second one follows the first one's sweep. */
const sweptAfter = 2;

/** Watches registers, trims and deletions of one generation. */
export class PointerOracle {
  readonly violations: Violation[] = [];
  readonly #place: SimulatedPlace;
  readonly #names: JobNames;
  readonly #blobs: ReadonlyMap<string, Uint8Array>;
  readonly #pointers = new Map<string, Pointer>();
  /** What each pointer said before: what only that names may be on its way out. */
  readonly #earlier = new Map<string, Pointer>();
  /** Snapshots that the owner of a pointer has taken. */
  readonly #snapshots = new Map<string, number>();
  /** Chunks that were there when the owner of a pointer had taken its first snapshot, and began to sweep, and that have not been deleted since. */
  readonly #swept = new Map<string, Set<string>>();
  /** Of bytes that have been looked at: a blob never changes in place. */
  readonly #sums = new WeakMap<Uint8Array, Map<number, string>>();
  /** Chunks that a manifest names, by its first chunk. */
  readonly #manifests = new WeakMap<Uint8Array, readonly ChunkRef[]>();

  constructor(place: SimulatedPlace, names: JobNames) {
    this.#place = place;
    this.#names = names;
    this.#blobs = place.blobsOf(names.generation);
  }

  onRegistered(key: string, value: Uint8Array): void {
    if (!key.startsWith(`pointer.${this.#names.generation}.`)) return;
    const pointer = decodePointer(value);
    const before = this.#pointers.get(key);
    this.#pointers.set(key, pointer);
    if (before !== undefined) this.#earlier.set(key, before);
    const isOwn = before?.epoch === pointer.epoch;
    const snapshots = isOwn ? (this.#snapshots.get(key) ?? 0) + 1 : 0;
    this.#snapshots.set(key, snapshots);
    if (snapshots === 1) this.#swept.set(key, new Set(this.#blobs.keys()));
    if (before !== undefined) this.#compare(key, before, pointer);
    this.#look(key, pointer);
  }

  /** Sequence of the newest snapshot of the instance that reads `log`; 0 without one. */
  sequenceOf(log: string): number {
    for (const [key, { current }] of this.#pointers) if (this.#inboxOf(key) === log) return current?.sequence ?? 0;
    return 0;
  }

  onTrimmed(log: string): void {
    for (const [key, pointer] of this.#pointers) if (this.#inboxOf(key) === log) this.#look(key, pointer);
  }

  onBlobDeleted(name: string): void {
    const [stage, partition] = name.split(".");
    for (const [key, pointer] of this.#pointers) {
      if (!key.endsWith(`.${stage}.${partition}`)) continue;
      this.#swept.get(key)?.delete(name);
      this.#look(key, pointer);
    }
  }

  /**
   * Chunks of incarnations before the pointers' owners that no pointer names, where the owner has had the time to sweep them: it has taken a snapshot after its
   * first. What an owner itself has not come to collect at the end is its successor's, and so is what an incarnation that did not know of its end has stored
   * behind the sweep.
   */
  orphans(): readonly string[] {
    const named = new Set<string>();
    const owners = new Map<string, { readonly epoch: number; readonly swept: ReadonlySet<string> | undefined }>();
    for (const [key, { epoch, current, previous }] of this.#pointers) {
      if ((this.#snapshots.get(key) ?? 0) >= sweptAfter)
        owners.set(key.split(".").slice(2).join("."), { epoch, swept: this.#swept.get(key) });
      const earlier = this.#earlier.get(key);
      for (const ref of [current, previous, earlier?.current, earlier?.previous])
        for (const { name } of this.#chunksOf(ref) ?? []) named.add(name);
    }
    const isLeft = (name: string) => {
      const [stage, partition, epoch] = name.split(".");
      const owner = owners.get(`${stage}.${partition}`);
      return owner !== undefined && Number(epoch) < owner.epoch && owner.swept?.has(name) === true;
    };
    return [...this.#blobs.keys()].filter((name) => !named.has(name) && isLeft(name));
  }

  /** From a pointer's key to the name of its instance's inbox. */
  #inboxOf(key: string): string {
    const [, , stage = "", partition = ""] = key.split(".");
    return this.#names.inbox(stage, Number(partition));
  }

  #compare(key: string, before: Pointer, after: Pointer): void {
    const [was, is] = [before.current?.sequence ?? 0, after.current?.sequence ?? 0];
    if (after.epoch < before.epoch) this.#violate("O7", `${key}: epoch ${before.epoch}, then ${after.epoch}`);
    if (is < was) this.#violate("O7", `${key}: sequence ${was}, then ${is}`);
  }

  /** O6. The snapshot before the current one counts as much: it is kept, with its messages, for when the current one proves to be lost (R7). */
  #look(key: string, { current, previous }: Pointer): void {
    const first = this.#place.log(this.#inboxOf(key))?.first ?? 1;
    if (current === undefined && first > 1)
      this.#violate("O6", `${key}: without a snapshot, message ${first} is the first in the inbox`);
    for (const ref of [current, previous]) {
      if (ref === undefined) continue;
      if (!this.#isLoadable(ref))
        this.#violate("O6", `${key}: the snapshot of ${ref.sequence} cannot be loaded (current: ${current?.sequence})`);
      // The message at its sequence stays, too: a restore compares it (R8).
      if (Math.max(1, ref.sequence) < first)
        this.#violate("O6", `${key}: the snapshot of ${ref.sequence} needs its messages, the first is ${first}`);
    }
  }

  #isLoadable(ref: SnapshotRef): boolean {
    const chunks = this.#chunksOf(ref);
    return chunks !== undefined && chunks.every((chunk) => this.#isThere(chunk));
  }

  #isThere(chunk: ChunkRef): boolean {
    const blob = this.#blobs.get(chunk.name);
    return (
      blob !== undefined && blob.length >= chunk.offset + chunk.length && this.#sumOf(blob, chunk) === chunk.sha256
    );
  }

  #sumOf(blob: Uint8Array, { offset, length }: ChunkRef): string {
    const sums = this.#sums.get(blob) ?? new Map<number, string>();
    this.#sums.set(blob, sums);
    const sum = sums.get(offset) ?? sha256Hex(blob.subarray(offset, offset + length));
    sums.set(offset, sum);
    return sum;
  }

  /** Undefined: the manifest itself cannot be loaded. */
  #chunksOf(ref: SnapshotRef | undefined): readonly ChunkRef[] | undefined {
    if (ref === undefined || !ref.manifest.every((chunk) => this.#isThere(chunk))) return undefined;
    const parts = ref.manifest.map(({ name }) => this.#blobs.get(name) ?? new Uint8Array());
    const [first] = parts;
    const named = first && this.#manifests.get(first);
    if (named !== undefined || first === undefined) return named;
    const chunks = [
      ...ref.manifest,
      ...decodeManifest(Buffer.concat(parts)).segments.flatMap((segment) => segment.chunks),
    ];
    this.#manifests.set(first, chunks);
    return chunks;
  }

  #violate(oracle: Violation["oracle"], what: string): void {
    if (this.violations.length < 3) this.violations.push({ oracle, what });
  }
}
