/**
 * What actors say to each other, besides data: the messages of inboxes, the job log and the Bus, as types.
 *
 * `protos/` defines their bytes; `record/wire/` writes and reads them. Epochs are sequences of the job log (R4).
 */
import type { FleetOrder, QuarantineRecord } from "./fleet-records.ts";
import type { CrashSite, Suspicion } from "./poison.ts";
import type { Resume, SavepointEnd, SavepointRequest } from "./savepoint-record.ts";
import type { ChunkRef } from "./snapshot-record.ts";

/** Names an instance: stage index in the plan, and partition (of a source stage: the split's index). */
export interface InstanceId {
  readonly stage: number;
  readonly partition: number;
}

/** A channel into the inbox that an epoch-start goes to: its records up to `last` have been acknowledged. */
export interface ChannelFloor {
  /** Index in the plan. */
  readonly edge: number;
  readonly last: number;
}

/** A claim has happened upstream (or here): everything of lower epochs from that instance is void (R2, R5). */
export interface EpochStart {
  readonly kind: "epochStart";
  /** Whose epoch begins. The receiver's own id: its own epoch-start. */
  readonly instance: InstanceId;
  readonly epoch: number;
  /** What the snapshot that it begins with says of the channels into this inbox: it was taken when all of that was stored here (H1). */
  readonly floors: readonly ChannelFloor[];
}

/** Event time of one edge, as its stage supervisor sees it (R10). */
export interface WatermarkControl {
  readonly kind: "watermark";
  /** Index of the edge in the plan. */
  readonly edge: number;
  /** Epoch of the leader that speaks; lower ones than the highest seen are ignored. */
  readonly leader: number;
  /** Counts the controls of this leader for this edge; a smaller or equal one has been repeated on its way, and is ignored. */
  readonly n: number;
  /** Sequence of the job log that had been read before the minimum was taken. */
  readonly upto: number;
  /** The stage's minimum, ms; Infinity only when every instance of it has ended. */
  readonly watermark: number;
  /** No instance of the edge is active: leave the edge out of your own minimum. */
  readonly isIdle: boolean;
  /** Id of a savepoint: everything that is said over the edge before it is in the inbox (R17). @default it says nothing of any */
  readonly drains?: number | undefined;
}

/** A processing-time timer is due; carries no time: the log's own time of this message counts (R9). */
export interface Tick {
  readonly kind: "tick";
}

/**
 * A sink of this instance has refused a row for good, outside of any turn: through the inbox, so that the dead letter it becomes is a function of the inbox like
 * every other output.
 */
export interface Refusal {
  readonly kind: "refusal";
  readonly sink: string;
  /** Number of the row; a smaller or equal one than the last read has been said before, and is ignored. */
  readonly number: number;
  readonly reason: string;
  /** The row, in the default codec; or a rendering of it. */
  readonly value: Uint8Array;
  /** Of the row; NaN where it has none. */
  readonly timestamp: number;
}

/** What came of one request that has left its turn (R14). */
export interface CallResult {
  /** Position of the message in whose turn the request was issued, and its number among the requests of that turn. */
  readonly sequence: number;
  readonly ordinal: number;
  /** The answer, in the default codec; empty when the call has failed for good. */
  readonly value: Uint8Array;
  /** Why it has failed: an error code, and for people what was said and where. Empty when it has not. */
  readonly code: string;
  readonly reason: string;
  readonly stack: string;
}

/**
 * Calls of this instance have been answered, or have failed for good: through the inbox, so that what they come to is a function of it. The first result of
 * a request counts.
 */
export interface Results {
  readonly kind: "results";
  readonly results: readonly CallResult[];
}

/**
 * A record that has become a dead letter of this instance is given to it again, because somebody wants it: an input like any other. The first one of a
 * letter counts.
 */
export interface Redelivery {
  readonly kind: "redelivery";
  /** Number of the letter in the instance's channel of dead letters (R1): the same whoever reads it, and when. */
  readonly letter: number;
  /** Index, in the plan, of the edge that the record came over. */
  readonly edge: number;
  /** The record, in the default codec. */
  readonly value: Uint8Array;
  /** NaN where the record has none. */
  readonly timestamp: number;
}

/** A control message in an inbox. */
export type Control = EpochStart | WatermarkControl | Tick | Refusal | Results | Redelivery;

/** A worker became leader; the record's sequence is the leader epoch. */
export interface LeaderStart {
  readonly kind: "leaderStart";
  readonly worker: string;
}

/** An instance belongs to a worker from here on; the record's sequence is the epoch (R4). */
export interface Assignment {
  readonly kind: "assignment";
  readonly leader: number;
  readonly instance: InstanceId;
  readonly worker: string;
  /** Why: `start`, `crash`, `workerLost`, `release`, `balance`, `poison` (its own turn has ended its process or thread). Shown in status; `crash` counts in the restart budget. */
  readonly cause: AssignmentCause;
  /** The failure behind a `crash`, for people. */
  readonly detail: string;
  /** What is held against the instance (R15). @default nothing */
  readonly suspicion?: Suspicion | undefined;
}

/** What an instance of a loop has sent and taken over the loop's edges, as it answers a round of its leader (G4, G5). */
export interface LoopCount {
  /** Epoch of the leader that asked, and number of its round. */
  readonly leader: number;
  readonly round: number;
  readonly sent: number;
  readonly taken: number;
  /** Nothing that the instance has read, or said to itself, is still to come; but for what timers of processing time may say. */
  readonly isQuiet: boolean;
  /** A timer of processing time waits. */
  readonly hasTimers: boolean;
  /** Id of the newest savepoint before which nothing more comes from outside of the loop (R17); Infinity when nothing comes from there any more, 0 otherwise. */
  readonly outside: number;
  /** What it sends back finds no room, and waits in memory. */
  readonly isFull: boolean;
}

/** Why an assignment was made. */
export type AssignmentCause = "start" | "crash" | "workerLost" | "release" | "balance" | "poison";

/** A split of a source stage: from here on it counts, at minus infinity. */
export interface SplitRecord {
  readonly kind: "split";
  readonly leader: number;
  readonly stage: number;
  readonly index: number;
  readonly name: string;
  readonly identity: string;
}

/** No further splits of a source stage will come. */
export interface SplitsClosed {
  readonly kind: "splitsClosed";
  readonly leader: number;
  readonly stage: number;
}

/** Somebody wants something of the whole job. Counts whoever leads, and whether anybody does. */
export interface CommandRecord {
  readonly kind: "command";
  /**
   * `stop`: every worker takes last snapshots, releases what it hosts and goes; nothing fires. `restart`: what has failed or was stopped goes on.
   * `drain`: the sources end where they are, everything fires, the job completes.
   */
  readonly command: JobCommand;
  /** Who wanted it, for people. */
  readonly by: string;
}

/** What may be wanted of a job. */
export type JobCommand = "stop" | "restart" | "drain";

/** The job is over: everything has been read, fired and committed, or it failed. */
export interface OutcomeRecord {
  readonly kind: "outcome";
  readonly leader: number;
  readonly outcome: "completed" | "failed";
  /** Of a failure: code and message. Empty otherwise. */
  readonly code: string;
  readonly message: string;
}

/** A record of the job log. */
export type JobLogRecord =
  | LeaderStart
  | Assignment
  | SplitRecord
  | SplitsClosed
  | CommandRecord
  | OutcomeRecord
  | SavepointRequest
  | SavepointEnd
  | Resume
  | FleetOrder
  | QuarantineRecord;

/** How an instance takes part in its stage's minimum. */
export type Activity = "active" | "idle" | "ended" | "finished";

/** The progress of an instance, as a level: the newest one says everything (design, section 7: Reports). */
export interface Report {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** Counts the reports of this incarnation; a smaller one is ignored. */
  readonly n: number;
  /** Last message whose turn ended. */
  readonly position: number;
  /** Last watermark whose outputs are all acknowledged; -Infinity before the first. */
  readonly watermark: number;
  readonly activity: Activity;
  /** The event time that it waits for: Infinity while it waits for none, -Infinity when every step counts. */
  readonly due: number;
  /** Lifecycle state, for status and supervision: `running`, `failed` … */
  readonly state: string;
  /** Sequence of the snapshot the pointer names, 0 if none: progress for the restart budget. */
  readonly snapshot: number;
  /** Of a failed instance: code and message. Empty otherwise. */
  readonly failure: string;
  /**
   * Counters for status and summary: records in and out, late, dead letters, windows fired.
   *
   * @default whoever reports does not know them (the thread that counted has gone): those reported before stand
   */
  readonly counts?: Counts | undefined;
  readonly load: Load;
  /** Of an instance on probation whose thread is gone: where it was. @default not known, or not gone */
  readonly site?: CrashSite | undefined;
  /** What a savepoint has frozen it for. @default it is not frozen, or something that it said is not acknowledged */
  readonly freeze?: Freeze | undefined;
  /** Of an instance that is part of a loop. @default of none */
  readonly loop?: LoopCount | undefined;
}

/** An instance has come to its point of a savepoint, and everything that it said before is acknowledged (R17). */
export interface Freeze {
  /** Id of the savepoint. */
  readonly savepoint: number;
  /** The manifest of its copy; empty until that is confirmed. */
  readonly manifest: readonly ChunkRef[];
  /** Why there will be no copy, for people. Empty otherwise. */
  readonly failure: string;
}

/** How an incarnation keeps up: for people; of all this, `busy` alone counts in a decision (placement). */
export interface Load {
  /** Messages stored in the inbox and not read, at a look at most about a second ago; 0 in a source stage. */
  readonly lag: number;
  /** Bytes that the inbox held then. */
  readonly inboxBytes: number;
  /** When the incarnation took its last snapshot, ms since the epoch; 0: none yet. */
  readonly snapshotAt: number;
  readonly snapshotDurationMs: number;
  /** What a restore of it reads. */
  readonly snapshotBytes: number;
  /** The time that 99 of 100 turns of the last seconds did not exceed. */
  readonly turnP99Ms: number;
  /** Share of a core that its turns take, and sending what they say, over the last seconds. @default not measured yet */
  readonly busy?: number | undefined;
}

/** What an incarnation has counted; restored with the snapshot, so that it is a function of the inbox. */
export interface Counts {
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly windowsOut: number;
}

/** All reports of a worker that changed, in one message. */
export interface ReportBatch {
  readonly worker: string;
  readonly reports: readonly Report[];
}

/** A worker says that it lives, to every candidate. */
export interface Announcement {
  readonly worker: string;
  /** Instances hosted. */
  readonly load: number;
  /** It is leaving: assign nothing to it, and move what it released. */
  readonly isLeaving: boolean;
  /** The machine it runs on, for people. */
  readonly host: string;
  /** Of its process, for people; 0 where it has none of its own. */
  readonly processId: number;
  /** Its wall clock when it said so, ms since the epoch. Nothing correct depends on it: it shows a clock that is wrong. */
  readonly nowMs: number;
  /** Epochs of the instances hosted that have come to where nothing of the time before them is left to replay (R15). */
  readonly settled: readonly number[];
  /** How much it can carry, relative to the others. */
  readonly capacity: number;
  /** Workers of one zone may fail together; empty: nothing is known of that. */
  readonly zone: string;
  /** Share of the last seconds that its event loop was busy, 0 to 1. */
  readonly loopShare: number;
  /** For so long nothing of what it has been sending has been stored, ms; 0 while all goes well. */
  readonly unstoredMs: number;
  /** It has just joined, and its code is cold: what moved to it would pause for long. */
  readonly isWarming: boolean;
}

/** The leader says that it lives. */
export interface Heartbeat {
  readonly leader: number;
  readonly worker: string;
  /** What instances of loops answer with their next report; 0 where there are none. */
  readonly loopRound: number;
}

/** How far the splits of an aligned source may read in event time, as the leader has decided. */
export interface ReadLimits {
  readonly leader: number;
  readonly limits: readonly { readonly instance: InstanceId; readonly epoch: number; readonly watermark: number }[];
}

/** Splits that are not to be read for a while: a loop behind them is full. Said again while that lasts. */
export interface ReadPause {
  readonly leader: number;
  /** 0: go on. */
  readonly forMs: number;
  readonly splits: readonly { readonly instance: InstanceId; readonly epoch: number }[];
}

/** The leader has taken the reports up to n of these incarnations into its minimum (R16: the answer that a returning split waits for). */
export interface ReportAnswer {
  readonly leader: number;
  readonly answers: readonly { readonly instance: InstanceId; readonly epoch: number; readonly n: number }[];
}
