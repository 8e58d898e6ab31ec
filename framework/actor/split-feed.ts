/**
 * A split of a source as a feed: entries in the order of the split, a batch of them one turn.
 *
 * Owns the position in the split and the splits's own event time. A source stage is a function of the split's prefix: what a turn says depends on
 * the entries alone, never on where a batch ends.
 *
 * S3. A row that does not parse becomes a dead letter at its position.
 * D1. Of an aligned source a split whose watermark is ahead of its limit pauses, and time that it does counts as no idleness.
 * R10. The watermark covers records that have been emitted; the instance reports it when they are acknowledged.
 */
import { StreamError } from "../errors.ts";
import type { EndHome } from "../log/ends.ts";
import type { ReplayableSource, Split, SplitEntry, SplitReader, SplitTake } from "../log/source.ts";
import type { StageProgram } from "../operator/program.ts";
import type { Clock } from "../platform/platform.ts";
import type { Manifest } from "../record/snapshot-record.ts";
import type { Feed, FeedEvents, FeedState, TurnResult } from "./feed.ts";

/** Entries of one turn, at most. */
const entriesPerTurn = 128;

/** A source whose split may be the job's own ingress log, and then is trimmed like an inbox. */
export interface TrimmableSource extends ReplayableSource {
  trim?(sequence: number): Promise<void>;
}

/** What a split is read with. */
export interface SplitSurroundings {
  readonly clock: Clock;
  readonly ends: EndHome;
  /** Whether it reads as far as it is told alone: nothing behind its first watermark before it has heard (D1). */
  readonly isAligned: boolean;
  /** When all of the source was there: no record is from later than the bound behind that. Undefined: each says when it was stored, or nobody knows. */
  readonly wholeMs: number | undefined;
}

/** Reads a split. */
export class SplitFeed implements Feed {
  readonly #split: Split;
  readonly #source: TrimmableSource;
  readonly #program: StageProgram;
  readonly #surroundings: SplitSurroundings;
  readonly #events: FeedEvents;
  #reader: SplitReader | undefined;
  #held: SplitEntry | undefined;
  #position: number | undefined;
  #punctuated = -Infinity;
  #isEnded = false;
  #isQuiet = false;
  #entriesRead = 0;
  #readsTo: number;

  constructor(
    split: Split,
    source: TrimmableSource,
    program: StageProgram,
    surroundings: SplitSurroundings,
    events: FeedEvents,
  ) {
    this.#split = split;
    this.#source = source;
    this.#program = program;
    this.#surroundings = surroundings;
    this.#events = events;
    this.#readsTo = surroundings.isAligned ? -Infinity : Infinity;
  }

  get identity(): string {
    return this.#split.identity;
  }
  get position(): number {
    return this.#position ?? 0;
  }
  get watermark(): number {
    return this.#isEnded ? Infinity : Math.max(this.#punctuated, this.#program.watermark);
  }
  get isEnded(): boolean {
    return this.#isEnded;
  }
  get isQuiet(): boolean {
    return this.#isQuiet;
  }
  get hasReadEverything(): boolean {
    return this.#isQuiet;
  }
  get isHoldingBack(): boolean {
    return false;
  }
  get drained(): number {
    return 0;
  }
  get bytesRead(): number {
    return this.#entriesRead;
  }

  async open(manifest: Manifest | undefined): Promise<void> {
    if (manifest !== undefined) {
      this.#position = manifest.sequence === 0 ? undefined : manifest.sequence;
      this.#isEnded = manifest.watermark === Infinity;
      if (!this.#isEnded) this.#punctuated = manifest.watermark;
    }
    const { clock, ends, wholeMs } = this.#surroundings;
    if (wholeMs !== undefined) this.#program.setNow(wholeMs);
    this.#reader = await this.#source.open({
      split: this.#split,
      after: this.#position,
      onReadable: () => this.#events.onReadable(),
      onFailed: (error) => this.#events.onFailed(StreamError.from(error, "UNAVAILABLE", `split ${this.#split.name}`)),
      schedule: (delayMs, wake) => clock.schedule(delayMs, wake),
      monotonicMs: () => clock.monotonicMs(),
      home: ends,
    });
  }

  turn(mayLeaveIdle: boolean): TurnResult {
    if (this.#isEnded) return "empty";
    for (let count = 0; count < entriesPerTurn; count += 1) {
      if (this.#readsTo < Infinity && this.watermark > this.#readsTo) return this.#pause("waiting", count);
      const entry = this.#take();
      if (typeof entry === "string") return this.#pause(entry, count);
      this.#isQuiet = false;
      if (!mayLeaveIdle) {
        this.#held = entry;
        return "gated";
      }
      this.#process(entry);
    }
    return "turned";
  }

  mayReadTo(watermark: number): void {
    this.#readsTo = watermark;
  }

  loop(): { readonly taken: number; readonly outside: number } {
    return { taken: 0, outside: this.#isEnded ? Infinity : 0 };
  }

  endInput(): void {
    this.#isEnded = true;
    this.#isQuiet = false;
  }

  state(): FeedState {
    return {
      sequence: this.position,
      anchor: 0,
      storedAtMs: 0,
      leader: 0,
      watermark: this.#isEnded ? Infinity : this.#punctuated,
      channelsIn: [],
      edges: [],
      redelivered: [],
      refused: {},
    };
  }

  async trim(sequence: number): Promise<void> {
    await this.#source.trim?.(sequence);
  }

  look(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): void {
    this.#reader?.close();
  }

  #take(): SplitTake {
    const held = this.#held;
    this.#held = undefined;
    return held ?? this.#reader?.take() ?? "waiting";
  }

  #pause(state: "empty" | "waiting" | "ended", processed: number): TurnResult {
    this.#isQuiet = state === "empty";
    if (state !== "ended") return processed > 0 ? "turned" : "empty";
    this.#isEnded = true;
    return "ended";
  }

  #process(entry: SplitEntry): void {
    this.#entriesRead += 1;
    this.#position = entry.position;
    if ("value" in entry) {
      if (entry.storedAtMs !== undefined) this.#program.setNow(entry.storedAtMs);
      this.#program.process(entry.value, entry.timestamp);
    } else if ("watermark" in entry) this.#punctuated = Math.max(this.#punctuated, entry.watermark);
    else this.#program.refuse(new StreamError("ROW_INVALID", `${this.#split.name}: ${entry.invalid}`), entry.raw);
  }
}
