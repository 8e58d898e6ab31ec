/**
 * The contract of sources: how records come in.
 *
 * A source is described by a `SourceSpec` that the user's program makes (`csv(…)`, `generator(…)`, `hostMetrics(…)`) and the plan carries. There are
 * two kinds. A *replayable* source consists of splits, each an ordered log that can be read again from any position. A *push* source
 * cannot be read again: what it produces is first appended to an ingress log, and the job reads that.
 *
 * S1. Reading a split from position p gives the same records with the same positions as it did before (identity says whether it is still the same split).
 * S2. Positions are 1 or more (0 is the place before the first entry) and grow strictly; `dense` splits number their records p, p+1, p+2 ….
 * S3. A row that does not parse is an entry with an error, at its position, never the end of the split.
 */
import type { ValueCodec } from "../record/codec.ts";
import type { EndHome } from "./ends.ts";

/** One independently readable part of a source. */
export interface Split {
  /** Unique within the source; shown in status and errors. */
  readonly name: string;
  /** What tells this split from another one of the same name (created time, topic id, hash of the beginning); compared on every open. */
  readonly identity: string;
}

/**
 * One entry of a split: a record, a row that could not be made into one, or a watermark that the split itself carries (punctuated: it
 * counts besides what the program's own `timestamps` make).
 */
export type SplitEntry =
  | {
      readonly position: number;
      readonly value: unknown;
      readonly timestamp?: number | undefined;
      /** When the split's store took the entry, where it knows: processing time in the source stage. */
      readonly storedAtMs?: number | undefined;
    }
  | { readonly position: number; readonly invalid: string; readonly raw: string }
  | { readonly position: number; readonly watermark: number };

/** What a split reader answers when asked for the next entry. */
export type SplitTake = SplitEntry | "empty" | "waiting" | "ended";

/**
 * A cursor over one split.
 *
 * `take()` answers an entry; `empty` when everything there is has been read (the source may become idle); `waiting` when there is more but
 * not now (a rate limit, a fetch under way); `ended` when the split is bounded and read, for ever. After `empty` and `waiting`, `onReadable` is called
 * when asking again makes sense.
 */
export interface SplitReader {
  /** The next entry, or why there is none; called in turns, never waits. A throw is a defect: what cannot be read on goes to `onFailed`. */
  take(): SplitTake;
  /** Gives back files and connections. Nothing is asked of the reader after it, and it tells nothing any more. */
  close(): void;
}

/** What a replayable source is opened with. */
export interface SplitOpening {
  /** One of what `splits` has answered. */
  readonly split: Split;
  /** Position of the last entry that has been processed; undefined at the very beginning. The reader answers what follows it. */
  readonly after: number | undefined;
  /** Called (asynchronously) when asking again makes sense. */
  readonly onReadable: () => void;
  /** Called once when the split cannot be read on; the instance fails with it and is restarted. */
  readonly onFailed: (error: unknown) => void;
  /** Schedules `wake` after `delayMs` on the runtime's clock (rate limits); answers its cancellation. */
  readonly schedule: (delayMs: number, wake: () => void) => () => void;
  /** Time in ms that never goes back, on the runtime's clock (rate limits). */
  readonly monotonicMs: () => number;
  /** Where the job runs. */
  readonly home: EndHome;
}

/** A source whose splits can be read again. */
export interface ReplayableSource {
  readonly kind: "replayable";
  /** Whether positions are consecutive numbers or merely grow. */
  readonly positions: "dense" | "sparse";
  /** Whether every split ends. */
  readonly bounded: boolean;
  /**
   * Whether every record says when the split's store took it (`storedAtMs`): then records too far in the future are refused, and event time may be ingestion
   * time.
   * @default false
   */
  readonly storesTimes?: boolean | undefined;
  /**
   * Whether all of its records are there when the job begins (files, arrays): then none of them can be from later, and records too far behind that time are
   * refused.
   * @default false
   */
  readonly isWhole?: boolean | undefined;
  /**
   * Lists the splits: asked by every worker before it joins, to see that there is something to read, and by the leader, whose answer holds for the
   * generation: what is to hold from the first start on (which sequence "new" means) belongs into the identity.
   * @throws PATH_UNUSABLE, SERVER_UNREACHABLE … before anything starts
   */
  splits(home: EndHome): Promise<readonly Split[]>;
  /**
   * Whether `now`, of the same name, is what has been read as `before`, though they say different things of themselves: asked when a savepoint is restored. The
   * split is then opened as `before`.
   * @default whether it can be opened so
   */
  isSame?(before: Split, now: Split): boolean;
  /** Opens one split. @throws SOURCE_CHANGED when it is another one than `opening.split` says */
  open(opening: SplitOpening): Promise<SplitReader>;
}

/** What the producer of a push source is given by the worker that hosts its instance. */
export interface ProducerContext {
  /** Appends one record to the ingress log; resolves when it is stored: acknowledge to the outside only after that. */
  append(value: unknown): Promise<void>;
  /** Runs `wake` after `delayMs` on the runtime's clock. */
  schedule(delayMs: number, wake: () => void): () => void;
  /** Wall-clock time, ms since the epoch. */
  now(): number;
  /** Something went wrong for good; the instance fails with it and is restarted. */
  failed(error: unknown): void;
}

/** A source that pushes: its records go through an ingress log. */
export interface PushSource {
  readonly kind: "push";
  /** Bytes of the records in the ingress log. */
  readonly codec: ValueCodec;
  /** Lists the splits, as a replayable source does; each has an ingress log and a producer of its own. */
  splits(home: EndHome): Promise<readonly Split[]>;
  /** Starts producing for `split`; answers how to stop. */
  produce(split: Split, context: ProducerContext): () => void | Promise<void>;
}

/** A source as the program describes it. `T` is what its records are; only types look at it. */
export interface SourceSpec<T = unknown> {
  /** What the plan prints: `csv(3 files)`, `hostMetrics(every 200ms)`. */
  readonly description: string;
  /** How the records are read: again and again from any position, or once, as they come. */
  readonly reader: ReplayableSource | PushSource;
  /**
   * Event timestamps that come with the source: how to take them from a record, and how far out of order they are. A program may
   * override them with `.timestamps(…)`. Absent: the records have no event time unless the program says so.
   */
  readonly timestamps?: SourceTimestamps<T> | undefined;
}

/** Whether each record of the source has a time at which it was stored, the same whenever it is read again. */
export function knowsStoredTimes({ reader }: SourceSpec): boolean {
  return reader.kind === "push" || reader.storesTimes === true;
}

/** Whether all of the source is there when the job begins. */
export function isWhole({ reader }: SourceSpec): boolean {
  return reader.kind === "replayable" && reader.isWhole === true;
}

/** Event timestamps that a source brings along. */
export interface SourceTimestamps<T> {
  /** The timestamp of a record, ms since the epoch: called in the turn that reads it, synchronous and pure. A throw makes the record a dead letter. */
  of(value: T): number;
  /** @default 0: monotonic */
  readonly outOfOrdernessMs: number;
}
