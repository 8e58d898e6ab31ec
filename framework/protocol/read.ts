/**
 * Whether a log still holds what a reader needs.
 *
 * Owns the comparison of the log with what is known of it; reading is done by feeds, and the pointer is read by the instance.
 *
 * R8. Before replay the log's creation time and the message at the snapshot's sequence are verified; after that each sequence is the last one plus
 *     1. On a mismatch a higher epoch in the pointer means fenced; only the pointer's owner calls it data loss, and then it stops and says what is
 *     missing. Nobody goes on from "the first available".
 */
import { StreamError } from "../errors.ts";

/** What is known of a log before it is replayed, and what is found. */
export interface RestoreFacts {
  /** Of the log, for the error: `orders/3`. */
  readonly name: string;
  readonly info: { readonly createdMs: number; readonly first: number; readonly last: number };
  /** Creation time of the log the snapshot was taken of, as text. */
  readonly identity: string;
  /** Sequence up to and with which the snapshot has read; 0 without a snapshot. */
  readonly sequence: number;
  /** Checksum of the message at that sequence as the snapshot has it … */
  readonly anchor: number;
  /** … and as the log has it; undefined when the message is not there. */
  readonly found: number | undefined;
}

/** The sequence to read from. @throws DATA_LOST when the log is another one, or has lost what the snapshot needs */
export function decideRestore({ name, info, identity, sequence, anchor, found }: RestoreFacts): number {
  const { createdMs, first, last } = info;
  if (String(createdMs) !== identity)
    throw lost(name, `was created at ${createdMs}, the snapshot is of the one created at ${identity}`);
  if (last < sequence) throw lost(name, `last sequence is ${last}, the snapshot needs ${sequence}`);
  // An inbox is never emptied (R7), so the message at the snapshot's sequence is there, or somebody else has removed it.
  if (first > Math.max(1, sequence))
    throw lost(name, `first sequence is ${first}, the snapshot needs ${Math.max(1, sequence)}`);
  if (sequence > 0 && found !== anchor)
    throw lost(name, `message ${sequence} has checksum ${hex(found)}, the snapshot expects ${hex(anchor)}`);
  return sequence + 1;
}

/** Verifies that `sequence` follows `last`. @throws DATA_LOST */
export function decideNext(name: string, last: number, sequence: number): void {
  if (sequence !== last + 1) throw lost(name, `after message ${last} comes ${sequence}, expected ${last + 1}`);
}

/** What a reader has run into, and who owns the pointer, read after that. */
export interface BrokenFacts {
  readonly pointerEpoch: number;
  readonly ownEpoch: number;
  readonly error: unknown;
}

/** The error to stop with: fenced when the pointer has a newer owner (who may have trimmed what is missing here), else `error` itself. */
export function decideBroken({ pointerEpoch, ownEpoch, error }: BrokenFacts): unknown {
  if (pointerEpoch <= ownEpoch) return error;
  return new StreamError("FENCED", `epoch ${ownEpoch} has been superseded by ${pointerEpoch}`, { cause: error });
}

function lost(name: string, what: string): StreamError {
  return new StreamError("DATA_LOST", `inbox ${name}: ${what}`);
}

function hex(checksum: number | undefined): string {
  return checksum === undefined ? "none (it is not there)" : `0x${(checksum >>> 0).toString(16).padStart(8, "0")}`;
}
