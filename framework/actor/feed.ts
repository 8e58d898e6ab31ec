/**
 * What an instance reads: the contract of its two feeds, inbox (`inbox-feed.ts`) and split (`split-feed.ts`).
 *
 * A feed owns the position, what it knows of its channels and edges, and the turn itself; it has no lifecycle and sends nothing. The instance
 * decides when there may be a turn.
 */
import type { LoopCount } from "../record/messages.ts";
import type { ChannelInState, EdgeState, Manifest, NumberRange } from "../record/snapshot-record.ts";

/** What a turn came to. */
export type TurnResult =
  /** Nothing to read at the moment; `onReadable` comes when there is. */
  | "empty"
  /** One message (or batch of a split) has been processed. */
  | "turned"
  /** The turn goes on: timers or windows are still due; call again before anything else (O3). */
  | "unfinished"
  /** As `unfinished`, and the program's batch has to be run first (batch turns). */
  | "awaiting"
  /** As `turned`, and the message was the instance's own epoch-start: everything older has been replayed. */
  | "caughtUp"
  /** The next message would leave idleness; not before the supervisor has answered (R16). */
  | "gated"
  /** The input has ended: every edge is at infinity and applied, or the split is read. */
  | "ended";

/** The parts of a manifest that are the feed's. */
export interface FeedState {
  readonly sequence: number;
  readonly anchor: number;
  readonly storedAtMs: number;
  readonly leader: number;
  readonly watermark: number;
  readonly channelsIn: readonly ChannelInState[];
  readonly edges: readonly EdgeState[];
  /** Dead letters that have been given again. */
  readonly redelivered: readonly NumberRange[];
  /** Number of the last refused row read, by sink. */
  readonly refused: Readonly<Record<string, number>>;
}

/** What a log holds at the moment. */
export interface FeedLook {
  /** Messages behind the last one whose turn ended. */
  readonly lag: number;
  readonly bytes: number;
}

/** What tells an instance that its feed has changed. */
export interface FeedEvents {
  /** A turn may find something. */
  onReadable(): void;
  /** The feed cannot go on: fenced, lost, corrupt, changed. */
  onFailed(error: unknown): void;
}

/** What an instance reads. */
export interface Feed {
  /** Identity of what is read, for the pointer: creation time of the inbox, identity of the split. */
  readonly identity: string;
  /** Opens behind `manifest` (undefined: at the very beginning), with R8 checked. @throws DATA_LOST, SOURCE_CHANGED, CORRUPT … */
  open(manifest: Manifest | undefined): Promise<void>;
  /** Last position whose turn ended; during a turn the one that is being processed. */
  readonly position: number;
  /** Event time: what has been applied fully; Infinity when the input has ended. */
  readonly watermark: number;
  /** Whether the input has ended, applied. */
  readonly isEnded: boolean;
  /** Whether nothing that could move event time is coming: every edge idle, or the split caught up and empty. */
  readonly isQuiet: boolean;
  /** Whether nothing is there that has not been read. */
  readonly hasReadEverything: boolean;
  /** Whether room is held back on purpose: more requests wait than may, and what is read stays in the log (R14). */
  readonly isHoldingBack: boolean;
  /**
   * Id of the newest savepoint that everything read belongs to (R17): the drains of all edges have been read, and nothing of what came before them is still to
   * come. 0: of none. A split knows nothing of savepoints: it stops when it is told.
   */
  readonly drained: number;
  /** Bytes read since the feed was opened. */
  readonly bytesRead: number;
  /** One turn. `mayLeaveIdle` is false while the instance counts as idle: then nothing is processed that could say something. */
  turn(mayLeaveIdle: boolean): TurnResult;
  /** Of an aligned split: nothing is read while its watermark is larger. Decides when it is read, never what (alignment, D1). */
  mayReadTo(watermark: number): void;
  /** Of an instance that is part of a loop: what it has taken over the loop's edges, and how far the others have come. */
  loop(): Pick<LoopCount, "taken" | "outside">;
  /** The input ends here (`drain`). */
  endInput(): void;
  state(): FeedState;
  /** The pointer has moved: what lies below `sequence` is not needed any more (R7). */
  trim(sequence: number): Promise<void>;
  /** What the log holds; undefined where there is none of the job's own. @throws UNAVAILABLE, TIMEOUT */
  look(): Promise<FeedLook | undefined>;
  close(): void;
}
