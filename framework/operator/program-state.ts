/**
 * What a stage instance is, apart from its channels: the parts of a snapshot that its program knows.
 *
 * Owns the bytes of what lies outside of keyed state: the next timer's number, and each operator's own state.
 */
import { StreamError } from "../errors.ts";
import { defaultCodec } from "../record/default-codec.ts";
import type { Counts } from "../record/messages.ts";
import type { EncodedSegment } from "../state/segment-cut.ts";
import type { StoredSegment } from "../state/store.ts";

/** A stage instance at one instant; its keyed state is encoded in slices. */
export interface StateCut {
  readonly nowMs: number;
  /** State of the random numbers. */
  readonly random: number;
  readonly counts: Counts;
  /** The last watermark that has been applied. */
  readonly watermark: number;
  /** State outside of keyed state. */
  readonly operators: Uint8Array;
  /** Encodes changed segments until about `bytesMax` are written; answers whether all are done. Called between turns. */
  encodeSome(bytesMax: number): boolean;
  /** The segments that have changed since the previous cut; called when `encodeSome` has answered true. */
  segments(): readonly EncodedSegment[];
  /** No snapshot is made of it: the next cut has its segments too. */
  discard(): void;
}

/** A stage instance as a snapshot has it. */
export interface SavedState {
  /** All segments, not only those of the last cut. */
  readonly segments: Iterable<StoredSegment>;
  readonly nowMs: number;
  readonly random: number;
  readonly counts: Counts;
  readonly watermark: number;
  readonly operators: Uint8Array;
}

/** State outside of keyed state. */
export interface OperatorsState {
  readonly nextTimerNumber: number;
  /** By operator name. */
  readonly states: readonly (readonly [name: string, state: unknown])[];
}

/** As bytes of the default codec. */
export function encodeOperators({ nextTimerNumber, states }: OperatorsState): Uint8Array {
  return defaultCodec.encode([nextTimerNumber, states]);
}

/** What `encodeOperators` wrote. @throws CORRUPT when it is something else */
export function decodeOperators(bytes: Uint8Array): OperatorsState {
  const value = decode(bytes);
  if (!Array.isArray(value) || value.length !== 2) throw corrupt("it is no pair");
  const [nextTimerNumber, states]: unknown[] = value;
  if (!Number.isSafeInteger(nextTimerNumber)) throw corrupt(`the next timer's number is ${String(nextTimerNumber)}`);
  if (!Array.isArray(states) || !states.every(isNamedState)) throw corrupt("it names no operators");
  return { nextTimerNumber: nextTimerNumber as number, states };
}

function decode(bytes: Uint8Array): unknown {
  try {
    return defaultCodec.decode(bytes);
  } catch (error) {
    throw StreamError.is(error, "CORRUPT") ? error : corrupt(String(error));
  }
}

function isNamedState(value: unknown): value is readonly [string, unknown] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === "string";
}

function corrupt(reason: string): StreamError {
  return new StreamError("CORRUPT", `the state of the stage's operators is not as it was written: ${reason}`);
}
