/**
 * The sending end of one channel (edge, from instance, to instance), of one incarnation.
 *
 * Owns the numbers of the channel's records, their rolling check, the records not yet in a frame, and what has been acknowledged.
 * A new incarnation has channels of its own, so acks of a dead one's frames prove nothing here (design, section 5).
 *
 * R1. Numbers are dense from 1 and a function of the inbox prefix; they go on from the snapshot, whatever the epoch.
 * R11. Each section carries the check before its first record.
 */
import { rollCheck } from "../record/check.ts";
import type { ValueCodec } from "../record/codec.ts";
import { SectionWriter, type SectionHeader } from "../record/frame.ts";

/** A run of consecutive records of a channel: open, then in a frame, then acknowledged. */
export interface Piece {
  readonly channel: ChannelOut;
  readonly records: SectionWriter;
  readonly header: SectionHeader;
  /** Output ordinal of its first record, within the incarnation. */
  readonly firstOrdinal: number;
}

/** Where a channel's records wait to be sent. */
export interface ChannelLane {
  /** The channel has records to send, `bytes` more (or fewer) than before. */
  onPending(channel: ChannelOut, bytes: number): void;
}

/** What identifies a channel and its incarnation. */
export interface ChannelIdentity {
  readonly edge: number;
  readonly from: number;
  readonly to: number;
  readonly epoch: number;
}

/** A section is closed and the next one begun when it has grown to this, so that frames keep to their size. */
const pieceBytesMax = 64 * 1024;

/** The sending end of one channel. */
export class ChannelOut {
  readonly identity: ChannelIdentity;
  /** The step that has spoken here last. */
  markedStep = 0;
  readonly #codec: ValueCodec | undefined;
  readonly #lane: ChannelLane;
  /** Not yet in a frame; the last one is being written. */
  #open: Piece[] = [];
  /** In a frame, not acknowledged, oldest first. */
  readonly #sent: Piece[] = [];
  #spare: SectionWriter | undefined;
  #last: number;
  #check: number;
  #markLast = 0;
  #markCheck = 0;
  #markBytes = 0;
  #bytes = 0;

  constructor(
    identity: ChannelIdentity,
    state: { readonly last: number; readonly check: number },
    codec: ValueCodec | undefined,
    lane: ChannelLane,
  ) {
    this.identity = identity;
    this.#codec = codec;
    this.#lane = lane;
    this.#last = state.last;
    this.#check = state.check;
  }

  /** Number of the last record given out. */
  get last(): number {
    return this.#last;
  }

  /** Rolling check after the last record. */
  get check(): number {
    return this.#check;
  }

  /** Bytes waiting for a frame. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Ordinal of the oldest record that is not acknowledged; Infinity when all are. */
  get firstUnacknowledged(): number {
    return (this.#sent[0] ?? this.#open[0])?.firstOrdinal ?? Infinity;
  }

  /** Encodes one record as the channel's next. @throws VALUE_NOT_ENCODABLE, and then nothing has changed */
  add(value: unknown, timestamp: number | undefined, keyHash: number, ordinal: number): void {
    let piece = this.#open.at(-1);
    if (piece === undefined || piece.records.bytes >= pieceBytesMax) piece = this.#begin(ordinal);
    const before = piece.records.bytes;
    try {
      piece.records.add(value, timestamp);
    } catch (error) {
      // A piece without records would wait for an acknowledgement that never comes.
      if (piece.records.count === 0) this.#open.pop();
      throw error;
    }
    const grown = piece.records.bytes - before;
    this.#bytes += grown;
    this.#last += 1;
    this.#check = rollCheck(this.#check, keyHash, timestamp);
    this.#lane.onPending(this, grown);
  }

  /** The first record of a step is about to be added: remembers what `undo` goes back to. */
  mark(step: number): void {
    this.markedStep = step;
    this.#markLast = this.#last;
    this.#markCheck = this.#check;
    this.#markBytes = this.#bytes;
  }

  /** Forgets every record since `mark`. */
  undo(): void {
    while (this.#last > this.#markLast) {
      const piece = this.#open.at(-1);
      if (piece === undefined) break;
      const keep = Math.max(0, this.#markLast - piece.header.first + 1);
      this.#last = piece.header.first + keep - 1;
      if (keep > 0) piece.records.truncate(keep);
      else this.#open.pop();
    }
    this.#last = this.#markLast;
    this.#check = this.#markCheck;
    const given = this.#bytes - this.#markBytes;
    this.#bytes = this.#markBytes;
    this.#lane.onPending(this, -given);
  }

  /** Takes the oldest waiting piece into a frame; undefined when nothing waits. */
  take(): Piece | undefined {
    const piece = this.#open.shift();
    if (piece === undefined) return undefined;
    if (piece.records.count === 0) return this.take();
    this.#bytes = this.#open.length === 0 ? 0 : Math.max(0, this.#bytes - piece.records.bytes);
    this.#sent.push(piece);
    return { ...piece, header: { ...piece.header, count: piece.records.count } };
  }

  /** The frame of a piece has been encoded: its writer serves the next one, columns and all. */
  recycle({ records }: Piece): void {
    records.clear();
    this.#spare = records;
  }

  /** The oldest piece in a frame has been acknowledged. */
  acknowledge(): void {
    this.#sent.shift();
  }

  #begin(ordinal: number): Piece {
    const { edge, from, epoch } = this.identity;
    const header = { edge, from, epoch, first: this.#last + 1, count: 0, check: this.#check };
    const records = this.#spare ?? new SectionWriter(this.#codec);
    this.#spare = undefined;
    const piece: Piece = { channel: this, records, header, firstOrdinal: ordinal };
    this.#open.push(piece);
    return piece;
  }
}
