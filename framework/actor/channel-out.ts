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
  /** What a frame should not exceed, bytes; a section takes half of it, and a record that is larger a frame of its own. @default no bound */
  readonly frameBytesMax?: number | undefined;
  /** The channel has records to send, and had none before. */
  onPending(channel: ChannelOut): void;
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
/** Writers kept: as many pieces as usually wait at once. */
const sparesMax = 4;

/** The sending end of one channel. */
export class ChannelOut {
  readonly identity: ChannelIdentity;
  /** The step that has spoken here last. */
  markedStep = 0;
  /** For the lane: whether it stands among those that have something to send. */
  isQueued = false;
  readonly #codec: ValueCodec | undefined;
  readonly #lane: ChannelLane;
  /** Not yet in a frame; the last one is being written. */
  readonly #open: Piece[] = [];
  /** The records of the last one. */
  #writing: SectionWriter | undefined;
  /** In a frame, not acknowledged, oldest first. */
  readonly #sent: Piece[] = [];
  /** Writers of pieces that have been encoded, for the next ones. */
  readonly #spare: SectionWriter[] = [];
  #last: number;
  #check: number;
  #markLast = 0;
  #markCheck = 0;
  #markBytes = 0;
  #bytes = 0;
  readonly #pieceBytesMax: number;

  constructor(
    identity: ChannelIdentity,
    state: { readonly last: number; readonly check: number },
    codec: ValueCodec | undefined,
    lane: ChannelLane,
  ) {
    this.identity = identity;
    this.#codec = codec;
    this.#lane = lane;
    this.#pieceBytesMax = Math.min(pieceBytesMax, (lane.frameBytesMax ?? Infinity) / 2);
    this.#last = state.last;
    this.#check = state.check | 0;
  }

  /** Number of the last record given out. */
  get last(): number {
    return this.#last;
  }

  /** Rolling check after the last record. */
  get check(): number {
    return this.#check >>> 0;
  }

  /** Bytes waiting for a frame. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Bytes of what {@link take} would give. */
  get nextBytes(): number {
    return this.#open[0]?.records.bytes ?? 0;
  }

  /** Ordinal of the oldest record that is not acknowledged; Infinity when all are. */
  get firstUnacknowledged(): number {
    return (this.#sent[0] ?? this.#open[0])?.firstOrdinal ?? Infinity;
  }

  /** Encodes one record as the channel's next. @throws VALUE_NOT_ENCODABLE, and then nothing has changed */
  add(value: unknown, timestamp: number | undefined, keyHash: number, ordinal: number): void {
    let records = this.#writing;
    if (records === undefined || records.bytes >= this.#pieceBytesMax) records = this.#begin(ordinal);
    let grown: number;
    try {
      grown = records.add(value, timestamp);
    } catch (error) {
      // A piece without records would wait for an acknowledgement that never comes.
      if (records.count === 0) this.#dropLast();
      throw error;
    }
    this.#last += 1;
    // As a signed integer: it takes no memory of its own then.
    this.#check = rollCheck(this.#check, keyHash, timestamp) | 0;
    const hadNone = this.#bytes === 0;
    this.#bytes += grown;
    if (hadNone) this.#lane.onPending(this);
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
      else this.#dropLast();
    }
    this.#last = this.#markLast;
    this.#check = this.#markCheck;
    this.#bytes = this.#markBytes;
  }

  /** Takes the oldest waiting piece into a frame; undefined when nothing waits. */
  take(): Piece | undefined {
    const piece = this.#open.shift();
    if (piece === undefined) return undefined;
    if (this.#open.length === 0) this.#writing = undefined;
    if (piece.records.count === 0) return this.take();
    this.#bytes = this.#open.length === 0 ? 0 : Math.max(0, this.#bytes - piece.records.bytes);
    this.#sent.push(piece);
    return { ...piece, header: { ...piece.header, count: piece.records.count } };
  }

  /** The frame of a piece has been encoded: its writer serves the next one, columns and all. */
  recycle({ records }: Piece): void {
    records.clear();
    if (this.#spare.length < sparesMax) this.#spare.push(records);
  }

  /** The oldest piece in a frame has been acknowledged. */
  acknowledge(): void {
    this.#sent.shift();
  }

  #begin(ordinal: number): SectionWriter {
    const { edge, from, epoch } = this.identity;
    const header = { edge, from, epoch, first: this.#last + 1, count: 0, check: this.check };
    const records = this.#spare.pop() ?? new SectionWriter(this.#codec);
    this.#open.push({ channel: this, records, header, firstOrdinal: ordinal });
    this.#writing = records;
    return records;
  }

  #dropLast(): void {
    this.#open.pop();
    this.#writing = this.#open.at(-1)?.records;
  }
}
