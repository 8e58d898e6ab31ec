/**
 * When a snapshot is due, how its chunks are called, and what may be removed after it.
 *
 * Owns the decisions; taking a snapshot and its order is the snapshotter's business.
 *
 * R6. A chunk is named by its instance, epoch, snapshot, segment and content, and shared only by being named again; what no retained manifest names
 *     is removed, never anything else.
 * R7. The inbox is trimmed up to the previous retained snapshot's sequence, that message itself stays: an inbox is never emptied.
 * R13. An inbox that is nearly full and has been read is relieved by a snapshot, even without progress.
 * R14. An inbox whose reader keeps what it has read stays full: it is relieved of its own results, by snapshots that cover more.
 */
import type { ChunkRef, Pointer } from "../record/snapshot-record.ts";

/** Facts about an instance between two turns, no snapshot being taken. */
export interface SnapshotFacts {
  /** Bytes read since the last snapshot was begun. */
  readonly bytesSince: number;
  readonly msSince: number;
  /** There is something that the last snapshot does not cover. */
  readonly hasProgressed: boolean;
  /** What the inbox holds; 0 when not looked up. */
  readonly inboxBytes: number;
  /** Bytes that data may take in the inbox (R13). */
  readonly dataLimit: number;
  /** Nothing is in the inbox that has not been read. */
  readonly hasReadEverything: boolean;
  /** More requests wait than may: what has been read stays in the inbox (R14). */
  readonly isHoldingBack: boolean;
  /** The input has ended, everything has fired, and all that was said is acknowledged. */
  readonly isEnded: boolean;
  readonly snapshotBytes: number;
  readonly snapshotIntervalMs: number;
}

/** Why a snapshot is taken: the inbox has grown, time has passed, the inbox needs room, the input has ended. */
export type SnapshotReason = "bytes" | "interval" | "room" | "end";

/** Part of the data limit above which an inbox that has been read is relieved. */
export const crowdedShare: number = 3 / 4;
/** Bytes beyond the data limit that own results may have when the inbox is held full. */
const heldBytes = 1024 * 1024;

/** Why a snapshot is due now, or undefined. Not to be asked again after the last one (`end`). */
export function decideSnapshot(facts: SnapshotFacts): SnapshotReason | undefined {
  if (facts.isEnded) return "end";
  if (facts.hasProgressed && facts.bytesSince >= facts.snapshotBytes) return "bytes";
  if (facts.hasProgressed && facts.msSince >= facts.snapshotIntervalMs) return "interval";
  if (facts.hasReadEverything && isCrowded(facts)) return "room";
  return undefined;
}

function isCrowded({ inboxBytes, dataLimit, isHoldingBack, hasProgressed }: SnapshotFacts): boolean {
  if (isHoldingBack) return hasProgressed && inboxBytes > dataLimit + heldBytes;
  return inboxBytes > dataLimit * crowdedShare;
}

/** The sequence below which an inbox may be emptied once `pointer` is confirmed; undefined: nothing may go yet. */
export function trimTarget(pointer: Pointer): number | undefined {
  const sequence = pointer.previous?.sequence ?? 0;
  return sequence > 0 ? sequence : undefined;
}

/** Chunks of a manifest just dropped that no retained manifest names. Legal only after the own update of the pointer is confirmed. */
export function collectable(dropped: readonly ChunkRef[], retained: readonly ChunkRef[]): ChunkRef[] {
  const names = namesOf(retained);
  return dropped.filter(({ name }) => !names.has(name));
}

/** What a chunk holds: bytes `part` of a segment of a snapshot; segment -1 is the manifest itself. */
export interface ChunkIdentity {
  readonly stage: string;
  readonly partition: number;
  readonly epoch: number;
  /** Number of the snapshot within the epoch. */
  readonly snapshot: number;
  readonly segment: number;
  readonly part: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** The name of a chunk, in tokens that a subject may hold: `average.3.17.2.5.0.<sha256>`; a manifest has `m` for its segment. */
export function chunkName({ stage, partition, epoch, snapshot, segment, part, sha256 }: ChunkIdentity): string {
  return [stage, partition, epoch, snapshot, segment < 0 ? "m" : segment, part, sha256].join(".");
}

/** Of the names of an instance's chunks, those of lower epochs that no retained manifest names: what crashes have left. */
export function sweepable(names: readonly string[], ownEpoch: number, retained: readonly ChunkRef[]): string[] {
  const kept = namesOf(retained);
  return names.filter((name) => epochOf(name) < ownEpoch && !kept.has(name));
}

/** Infinity for a name that is not a chunk's: it is left alone. */
function epochOf(name: string): number {
  const [, , epoch = ""] = name.split(".");
  return /^\d+$/.test(epoch) ? Number(epoch) : Infinity;
}

function namesOf(chunks: readonly ChunkRef[]): Set<string> {
  return new Set(chunks.map(({ name }) => name));
}
