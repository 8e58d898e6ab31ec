/**
 * What a snapshot consists of, as types: the pointer in the register, the manifest it names, and the job's own register.
 *
 * `protos/` defines their bytes; `record/wire/` writes and reads them. R6 and the pointer rule live in `protocol/` and `actor/`.
 */
import type { Skip } from "./poison.ts";

/** Names one snapshot from the pointer. */
export interface SnapshotRef {
  /** The inbox (or split) has been read up to and with this position. */
  readonly sequence: number;
  /** Blobs that hold the manifest, in order. */
  readonly manifest: readonly ChunkRef[];
}

/** Bytes of a blob: all of a large one, or the piece of it that belongs to one of several small segments. */
export interface ChunkRef {
  /** Of the blob. */
  readonly name: string;
  /** Where the bytes begin in it. */
  readonly offset: number;
  readonly length: number;
  /** sha256 of the content, lower-case hex. */
  readonly sha256: string;
}

/** The value of an instance's pointer register; moved only by compare-and-set. */
export interface Pointer {
  /** Drawn anew for every update: an update whose reply was lost is recognised by it. */
  readonly token: string;
  /** Epoch of the owner. */
  readonly epoch: number;
  /** Identity of the inbox (creation time, ms) or of the split, as text. */
  readonly identity: string;
  /** The current snapshot, and the one before it; absent until taken. */
  readonly current: SnapshotRef | undefined;
  readonly previous: SnapshotRef | undefined;
  /** Steps behind the current snapshot that are not taken (R15): known before anything is replayed. */
  readonly skips: readonly Skip[];
}

/** Where an outgoing channel stands: the number of its last record, and the rolling check after it (R1, R11). */
export interface ChannelOutState {
  readonly edge: number;
  readonly to: number;
  readonly last: number;
  readonly check: number;
}

/** Where an incoming channel stands (R2, R11). */
export interface ChannelInState {
  readonly edge: number;
  readonly from: number;
  readonly epoch: number;
  readonly last: number;
  readonly check: number;
}

/** What an instance knows of one incoming edge's event time (R10). */
export interface EdgeState {
  readonly edge: number;
  readonly watermark: number;
  readonly isIdle: boolean;
  /** Highest epoch adopted from any instance of the edge. */
  readonly epoch: number;
  /** Number of the newest control of the leader in `Manifest.leader`. */
  readonly n: number;
  /** Id of the newest savepoint before which nothing more comes over the edge (R17). @default of none */
  readonly drained?: number | undefined;
}

/** Where a chained sink stands: the number of the last row given to it before the cut, and what its transactions need. */
export interface SinkState {
  readonly sink: string;
  readonly last: number;
  /** What `prepare` answered at this cut and at earlier ones that may not be committed yet, oldest first. */
  readonly prepared: readonly Uint8Array[];
  /** Number of the last row whose refusal has been read. */
  readonly refused: number;
}

/** One segment of keyed state (or the state of an operator without keys), as chunks. */
export interface SegmentState {
  readonly segment: number;
  readonly chunks: readonly ChunkRef[];
}

/** The numbers from `first` to `last`, both included. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** A snapshot: an instance after a given position, with all that replay needs (R6). */
export interface Manifest {
  /** Version of this format; others are refused. */
  readonly format: number;
  readonly generation: number;
  readonly stage: string;
  readonly partition: number;
  readonly sequence: number;
  readonly epoch: number;
  /** Version of the program that wrote it, and of the runtime (Node, V8). */
  readonly codeVersion: string;
  readonly runtimeVersion: string;
  /** CRC-32 of the message at `sequence` (R8); 0 for a split or before the first message. */
  readonly anchor: number;
  readonly storedAtMs: number;
  /** Highest leader epoch seen in watermark controls. */
  readonly leader: number;
  /** The instance's own watermark; -Infinity before the first. */
  readonly watermark: number;
  /** Processing time (`ctx.now()`), and state of the instance's random numbers. */
  readonly nowMs: number;
  readonly random: number;
  readonly channelsIn: readonly ChannelInState[];
  readonly channelsOut: readonly ChannelOutState[];
  readonly edges: readonly EdgeState[];
  readonly sinks: readonly SinkState[];
  /** Dead letters that have been given to the instance again, by their numbers, ascending. */
  readonly redelivered: readonly NumberRange[];
  readonly segments: readonly SegmentState[];
  /** State of operators outside keyed state (dealing counters, watermark generators), by operator name; default codec. */
  readonly operators: Uint8Array;
  readonly counts: {
    readonly recordsIn: number;
    readonly recordsOut: number;
    readonly late: number;
    readonly deadLetters: number;
    readonly windowsOut: number;
  };
}

/** The value of the register `job` (design, section 13: Life of a job). */
export interface JobRecord {
  readonly generation: number;
  /** The plan as text, for people and for showing a difference. */
  readonly plan: string;
  readonly planHash: string;
  readonly version: string;
  /** `deleting`: nobody joins it any more, and what is left of it goes. */
  readonly state: "running" | "failed" | "completed" | "stopped" | "deleting";
  /** Of a failure, also of one that a restart has left behind. Empty otherwise. */
  readonly message: string;
  /** Sequence of the record of the job log that the state follows; 0 while it follows none. What is older changes nothing. */
  readonly position: number;
  /** When the job log of this generation was created, ms since the epoch; 0 until a worker has opened it. */
  readonly logCreatedMs: number;
  /** Id of the newest savepoint whose hold was given up: this generation goes on, and none takes its place by that savepoint. @default of none */
  readonly resumed?: number | undefined;
  /** The savepoint that this generation goes on from. @default it began empty */
  readonly origin?: Origin | undefined;
}

/** Where a generation goes on from. */
export interface Origin {
  /** Name of the savepoint. */
  readonly name: string;
  /** The generation that it was taken of, and its id there. */
  readonly generation: number;
  readonly savepoint: number;
  /** Its index, in the job's savepoints. */
  readonly index: readonly ChunkRef[];
  /** What may begin empty, and what is dropped, by `STAGE`, `STAGE/STATE` … */
  readonly allowMissing: readonly string[];
  readonly allowUnknown: readonly string[];
}
