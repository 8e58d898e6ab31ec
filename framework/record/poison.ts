/**
 * What is known of records that end the process they are processed in, or never end, as types (R15).
 *
 * `protos/` defines their bytes; `record/wire/` writes and reads them. What follows from them is decided in `protocol/skip.ts`.
 */
import type { InstanceId } from "./messages.ts";

/** One step of a turn: a record, a timer or a window firing. */
export interface CrashSite {
  /** Position of the message in the inbox (or split). */
  readonly sequence: number;
  /** Counts the steps of the message's turn from 1; 0 where only the message is known. */
  readonly step: number;
}

/** A step that is not taken: it becomes a dead letter instead. */
export interface Skip extends CrashSite {
  /** For people: what it has done, and how often. */
  readonly reason: string;
}

/** What the leader holds against an instance when it assigns it; part of the assignment. */
export interface Suspicion {
  /** Deaths in succession of whatever hosted the instance, without progress of it. */
  readonly deaths: number;
  /** It is to be hosted alone in a worker thread, and each step is told before it is taken. */
  readonly isOnProbation: boolean;
  /** Where it was when it died last, as far as that is known … */
  readonly site?: CrashSite | undefined;
  /** … and how often it has died there on probation. */
  readonly crashes: number;
  /** The decision that this assignment carries. */
  readonly skip?: Skip | undefined;
}

/** Whose turn a worker is in: the value of its suspect register, written by its watchdog and for instances on probation. */
export interface Suspect {
  readonly instance: InstanceId;
  readonly epoch: number;
  /** A sequence of 0: no turn is under way. */
  readonly site: CrashSite;
  /** Nothing else can have ended the process: said by the watchdog, of the turn that stands still or has called for the end. */
  readonly isCertain: boolean;
}

/** What the leader knew of progress: for the next one, should everybody have died who heard of it. */
export interface Settled {
  /** Of incarnations that had come to where nothing of the time before them was left to replay. */
  readonly epochs: readonly number[];
}

/** Dead letters that nobody wants to see any more. */
export interface DroppedLetters {
  /** Everything up to this message of the stream. */
  readonly upTo: number;
  /** Single ones, by their numbers: `12.1`. */
  readonly numbers: readonly string[];
}
