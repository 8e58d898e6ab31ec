/**
 * The numbered, bounded queue between an instance and one of its sinks.
 *
 * Owns the numbers of the rows, the order of calls to the writer (K1: they never overlap), and what has been confirmed. Time spent waiting for
 * the sink is back-pressure: the instance takes no turn while `hasRoom` is false.
 *
 * H1. A row counts as out when the writer has confirmed it, or, for a two-phase sink, prepared it at a cut.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { RefusedRow, SinkRow, SinkSpec, SinkWriter } from "../log/sink.ts";
import type { Platform } from "../platform/platform.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { SinkState } from "../record/snapshot-record.ts";

/** Rows given to the writer in one call, at most. */
const batchRowsMax = 512;
/** Rows held for a slow writer before the instance stops taking turns. */
const queuedRowsMax = 4_096;
const retryMsMin = 50;
const retryMsMax = 2_000;

interface QueuedRow extends SinkRow {
  readonly ordinal: number;
}

interface Cut {
  readonly last: number;
  resolve(state: SinkCut): void;
}

interface Commit {
  readonly prepared: readonly Uint8Array[];
  resolve(): void;
}

/** Whom the queue tells. */
export interface SinkQueueEvents {
  /** Rows were confirmed: there may be room, or a mark may have been passed. */
  onProgress(): void;
  /** The writer refuses a row for good; it becomes a dead letter. */
  onRefused(refused: RefusedRow): Promise<void>;
  /** The sink cannot go on. */
  onFailed(error: unknown): void;
}

/** Where a sink stands at a cut: what the queue knows of it. */
export type SinkCut = Omit<SinkState, "refused">;

/** What the queue knows of its sink. */
export type QueuedSink = Pick<SinkSpec, "guarantee" | "encode">;

/** One incarnation's queue into one sink. */
export class SinkQueue {
  readonly name: string;
  /** The step that has spoken here last. */
  markedStep = 0;
  readonly #spec: QueuedSink;
  readonly #platform: Platform;
  readonly #events: SinkQueueEvents;
  #writer: SinkWriter | undefined;
  #rows: QueuedRow[] = [];
  #cuts: Cut[] = [];
  #commits: Commit[] = [];
  #inFlight: readonly QueuedRow[] = [];
  #last: number;
  #markLast = 0;
  /** Prepared and perhaps not committed yet, oldest first. */
  #prepared: Uint8Array[];
  #isBusy = false;
  #isClosed = false;
  #retryMs = retryMsMin;
  #cancelRetry: (() => void) | undefined;

  constructor(name: string, spec: QueuedSink, state: SinkCut | undefined, platform: Platform, events: SinkQueueEvents) {
    this.name = name;
    this.#spec = spec;
    this.#last = state?.last ?? 0;
    this.#prepared = [...(state?.prepared ?? [])];
    this.#platform = platform;
    this.#events = events;
  }

  /** Begins writing, after the claim: recovers what the snapshot lists first. */
  async open(writer: SinkWriter): Promise<void> {
    await writer.recover?.(this.#prepared);
    this.#prepared = [];
    this.#writer = writer;
    this.#pump();
  }

  get hasRoom(): boolean {
    return this.#rows.length + this.#inFlight.length < queuedRowsMax;
  }

  /** Number of the last row given. */
  get last(): number {
    return this.#last;
  }

  /** Ordinal of the oldest row that is not out (H1); Infinity when all are. A two-phase sink's rows are held back by its cuts instead. */
  get firstUnacknowledged(): number {
    return (this.#inFlight[0] ?? this.#rows[0])?.ordinal ?? Infinity;
  }

  /** Takes a row as it is now. @throws ROW_REFUSED, and then nothing has changed */
  add(value: unknown, timestamp: number | undefined, ordinal: number): void {
    const taken = this.#spec.encode === undefined ? copyOf(value) : this.#spec.encode(value);
    this.#last += 1;
    this.#rows.push({ number: this.#last, value: taken, timestamp, ordinal });
  }

  /** The first row of a step is about to be added: remembers what `undo` goes back to. */
  mark(step: number): void {
    this.markedStep = step;
    this.#markLast = this.#last;
  }

  undo(): void {
    while ((this.#rows.at(-1)?.number ?? 0) > this.#markLast) this.#rows.pop();
    this.#last = this.#markLast;
  }

  /** Starts writing what has been added; called between turns. */
  flush(): void {
    this.#pump();
  }

  /**
   * Marks the cut of a snapshot: everything added so far belongs to it. Resolves when it is out (and prepared, for a two-phase sink) with what the
   * manifest says of this sink.
   */
  cut(): Promise<SinkCut> {
    return new Promise((resolve) => {
      this.#cuts.push({ last: this.#last, resolve });
      this.#pump();
    });
  }

  /** The pointer has moved to the snapshot of `state`: makes what it prepared visible (K2). Resolves when that is done. */
  commit(state: SinkCut): Promise<void> {
    return new Promise((resolve) => {
      this.#commits.push({ prepared: state.prepared, resolve });
      this.#pump();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry?.();
    await this.#writer?.close();
  }

  #pump(): void {
    if (this.#isBusy || this.#isClosed || this.#writer === undefined || this.#cancelRetry !== undefined) return;
    const commit = this.#commits[0];
    const cut = this.#cuts[0];
    const head = this.#rows[0];
    if (commit !== undefined) {
      this.#run(() => this.#commit(commit));
    } else if (cut !== undefined && (head === undefined || head.number > cut.last)) {
      this.#run(() => this.#prepare(cut));
    } else if (head !== undefined) {
      this.#run(() => this.#write(cut?.last ?? Infinity));
    }
  }

  #run(task: () => Promise<void>): void {
    this.#isBusy = true;
    const sinceMs = this.#platform.clock.monotonicMs();
    task().then(
      () => {
        this.#isBusy = false;
        this.#retryMs = retryMsMin;
        this.#events.onProgress();
        this.#pump();
      },
      (error: unknown) => this.#onError(error, this.#platform.clock.monotonicMs() - sinceMs),
    );
  }

  /** The back-off is counted from the beginning of the try: one that has waited for an answer has waited. */
  #onError(error: unknown, tookMs: number): void {
    this.#isBusy = false;
    if (this.#isClosed) return;
    if (!StreamError.is(error) || !error.isRetryable) {
      this.#events.onFailed(StreamError.from(error, "SINK_UNAVAILABLE", `sink ${this.name} failed`));
      return;
    }
    const retryMs = Math.max(retryMsMin, this.#retryMs - tookMs);
    this.#platform.logger.log("warn", "sink unavailable, will retry", {
      sink: this.name,
      reason: messageOf(error),
      retryMs: Math.round(retryMs),
    });
    const again = () => {
      this.#cancelRetry = undefined;
      this.#pump();
    };
    this.#cancelRetry = this.#platform.clock.schedule(retryMs, again, { background: true });
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
  }

  async #write(upTo: number): Promise<void> {
    let count = 0;
    while (count < batchRowsMax && count < this.#rows.length && (this.#rows[count]?.number ?? Infinity) <= upTo)
      count += 1;
    if (this.#inFlight.length === 0) this.#inFlight = this.#rows.splice(0, count);
    try {
      const refused = await this.#writer?.write(this.#inFlight);
      for (const row of refused ?? []) await this.#events.onRefused(row);
      this.#inFlight = [];
    } catch (error) {
      this.#rows = [...this.#inFlight, ...this.#rows];
      this.#inFlight = [];
      throw error;
    }
  }

  async #commit(commit: Commit): Promise<void> {
    for (const prepared of commit.prepared) {
      await this.#writer?.commit?.(prepared);
      this.#prepared = this.#prepared.filter((other) => other !== prepared);
    }
    this.#commits.shift();
    commit.resolve();
  }

  async #prepare(cut: Cut): Promise<void> {
    // What others prepare nobody has asked for.
    if (this.#spec.guarantee === "twoPhase" || this.#spec.guarantee === "transactional") {
      const prepared = await this.#writer?.prepare?.();
      if (prepared !== undefined) this.#prepared.push(prepared);
    }
    this.#cuts.shift();
    cut.resolve({ sink: this.name, last: cut.last, prepared: [...this.#prepared] });
  }
}

/** A copy of plain data; what the default codec does not take is handed over as it is. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  try {
    return cloneValue(value);
  } catch {
    return value;
  }
}
