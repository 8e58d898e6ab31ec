/**
 * A cursor over a stream of somebody else: one that others write, trim, and delete from while it is read.
 *
 * Owns what has been received and not taken, and which consumer delivers now. It heals like `nats-reader.ts`; unlike a job's own logs, the stream may
 * have holes, and the cursor tells one that is legal (a message that was deleted) from the loss of messages that were still to be read.
 *
 * C1 (R8). Before every consumer: same creation time, `first <= next`, `last >= next - 1`. Otherwise the cursor is broken, for good.
 *     An early end of a stream of several copies is believed when it stays (`stream-tail.ts`).
 * C2. The consumer numbers what it delivers. A gap in its numbers ends it; a gap in the stream's sequences alone is what the stream says of itself.
 * C3. Behind a gap nothing is handed on until the stream, asked after the message came, says that its beginning has not passed the gap: then what is
 *     missing was deleted from its midst. Otherwise it was removed by retention or a purge, and is lost.
 * C4. `isAtEnd` is the stream's own word, given after the last message was received.
 * C5. A server that is away is waited for, for ever; a stream that is missing is looked for for a while, then the cursor is broken.
 */
import type { Msg } from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { Entry, LinkEvent, Sequence } from "../log/contracts.ts";
import type { Logger } from "../platform/platform.ts";
import type { JetStreamApi } from "./api.ts";
import { findStream, type ForeignStream } from "./foreign-stream.ts";
import { afterMs, guarded, type Link } from "./link.ts";
import { PullConsumer } from "./pull-consumer.ts";
import type { Delivery } from "./stored-message.ts";
import { StreamTail } from "./stream-tail.ts";
import { systemMonotonicMs } from "./system-time.ts";

const bufferedMessagesMax = 256;
const bufferedBytesMax = 4 * 1024 * 1024;
const backoffMsMin = 50;
const backoffMsMax = 1_000;

/** How long a stream may be missing (a restarted cluster may not know it yet) before it counts as gone. */
const missingMsMax = 10_000;

/** Nothing has come for this long: the stream is asked whether there is anything at all. */
const settledMs = 200;

/** A cursor that has received nothing for this long checks that it is still in the right place. */
const quietMsMax = 30_000;

/** A message of the stream, with what `keep` made of its envelope. */
export interface ForeignEntry extends Entry {
  readonly envelope: Envelope | undefined;
}

/** What comes with a message besides its bytes. */
export interface Envelope {
  readonly subject: string;
  /** Several values of one name are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
}

/** What a cursor reads. */
export interface CursorSource {
  readonly link: Link;
  readonly api: JetStreamApi;
  readonly logger: Logger;
  readonly stream: string;
  /** Creation time of the life of the stream that is read, as the stream says it. */
  readonly created: string;
}

/** Where a cursor starts and whom it tells. */
export interface CursorOptions {
  /** Sequence of the first message wanted. */
  readonly from: Sequence;
  /** Whether entries carry subject and headers. */
  readonly withEnvelope: boolean;
  /** Called when `take` or `isAtEnd` may answer something else than before. */
  readonly onReadable: () => void;
  /** Called once when the stream cannot be read on; the cursor is closed. */
  readonly onBroken: (error: StreamError) => void;
}

interface HeldEntry {
  readonly entry: ForeignEntry;
  /** Lowest sequence that is missing before it. */
  readonly missing: Sequence | undefined;
}

/** A cursor over one stream. */
export class StreamCursor {
  readonly #source: CursorSource;
  readonly #options: CursorOptions;
  readonly #stops: readonly (() => void)[];
  readonly #tail = new StreamTail();
  /** May be taken, from `#taken` on. */
  #ready: ForeignEntry[] = [];
  #taken = 0;
  /** Wait for the proof of a gap (C3). */
  #held: HeldEntry[] = [];
  #isProving = false;
  #bytes = 0;
  #next: Sequence;
  #consumer: PullConsumer | undefined;
  #ordinal = 0;
  /** Grows with each attempt to read on; what belongs to an older one stops. */
  #life = 0;
  /** Beginnings since the last message: the second and later ones wait first. */
  #fruitless = 0;
  #isAtEnd = false;
  #isClosed = false;
  #isWarned = false;
  #seenMs = systemMonotonicMs();
  #askedMs = 0;

  constructor(source: CursorSource, options: CursorOptions) {
    this.#source = source;
    this.#options = options;
    this.#next = options.from;
    this.#stops = [
      source.link.onEvent((event) => this.#hearLink(event)),
      source.link.onWatch((nowMs) => this.#look(nowMs)),
    ];
    if (source.link.isUp) this.#begin("opened");
    else this.#warn("the connection is down");
  }

  /** The stream holds nothing at or behind {@link next}. */
  get isAtEnd(): boolean {
    return this.#isAtEnd && this.#messages === 0;
  }

  /** Everything before this sequence has been taken, or is not there. */
  get next(): Sequence {
    return this.#ready[this.#taken]?.sequence ?? this.#held[0]?.missing ?? this.#next;
  }

  /** The next message, or undefined when there is none yet. */
  take(): ForeignEntry | undefined {
    const entry = this.#ready[this.#taken];
    if (entry === undefined) return undefined;
    this.#taken += 1;
    this.#bytes -= entry.payload.length;
    if (this.#taken === this.#ready.length) {
      this.#ready = [];
      this.#taken = 0;
    }
    this.#consumer?.askForMore();
    return entry;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end();
    for (const stop of this.#stops) stop();
    this.#ready = [];
    this.#held = [];
    this.#taken = 0;
  }

  get #messages(): number {
    return this.#ready.length - this.#taken + this.#held.length;
  }

  #begin(reason: string): void {
    this.#end();
    if (this.#isClosed) return;
    const { logger, stream } = this.#source;
    logger.log("debug", "stream is read on", { stream, reason, next: this.#next });
    void this.#readOn(this.#life);
  }

  #end(): void {
    this.#life += 1;
    this.#consumer?.close();
    this.#consumer = undefined;
  }

  #hearLink(event: LinkEvent): void {
    this.#fruitless = 0;
    if (event === "reconnected") return this.#begin(event);
    this.#end();
    this.#warn("the connection was lost");
    this.#setAtEnd(false);
  }

  #look(nowMs: number): void {
    this.#consumer?.look(nowMs);
    const waitMs = this.#isAtEnd || this.#messages > 0 ? quietMsMax : settledMs;
    if (this.#consumer === undefined || nowMs - Math.max(this.#askedMs, this.#seenMs) <= waitMs) return;
    this.#askedMs = nowMs;
    void this.#checkPlace(this.#life, nowMs - this.#seenMs);
  }

  /** C4. A stream that is missing or cannot be asked is the business of the next beginning. */
  async #checkPlace(life: number, quietMs: number): Promise<void> {
    const expected = this.#next;
    try {
      const found = await this.#find();
      if (life !== this.#life || this.#next !== expected) return;
      if (found === undefined || this.#whyBroken(found) !== undefined) return this.#begin("the stream has changed");
      if (found.last === expected - 1) this.#setAtEnd(true);
      // Something should have come: what is at the end of the stream may have been deleted.
      else if (quietMs > 5 * settledMs && this.#messages === 0) this.#begin("nothing comes");
    } catch (error) {
      if (!StreamError.is(error)) throw error;
    }
  }

  async #readOn(life: number): Promise<void> {
    const startedMs = systemMonotonicMs();
    if (this.#fruitless++ > 0) await afterMs(Math.min(backoffMsMin * 2 ** this.#fruitless, backoffMsMax));
    for (let backoffMs = backoffMsMin; life === this.#life; backoffMs = Math.min(2 * backoffMs, backoffMsMax)) {
      try {
        if (await this.#open(life, systemMonotonicMs() - startedMs >= missingMsMax)) return;
      } catch (error) {
        if (!StreamError.is(error)) throw error;
        if (!error.isRetryable && error.code !== "NOT_FOUND" && life === this.#life) return this.#break(error);
        if (life === this.#life) this.#warn(error.message);
      }
      await afterMs(backoffMs);
    }
  }

  /** Answers whether there is nothing left to do: a consumer delivers, or the cursor is broken or has moved on. */
  async #open(life: number, isGoneWhenMissing: boolean): Promise<boolean> {
    const { api, link, stream } = this.#source;
    const found = await this.#find();
    if (life !== this.#life) return true;
    if (found === undefined && !isGoneWhenMissing) return false;
    const broken = this.#whyBroken(found);
    if (broken !== undefined || found === undefined) {
      this.#break(broken);
      return true;
    }
    const consumer = new PullConsumer(api, link, stream, {
      onEntry: (entry, message, delivery) => this.#receive(entry, message, delivery),
      onOdd: (reason) => this.#begin(reason),
      hasRoom: () => this.#messages <= bufferedMessagesMax / 2 && this.#bytes <= bufferedBytesMax / 2,
    });
    this.#consumer = consumer;
    this.#ordinal = 0;
    const wanted = this.#next;
    const pending = await consumer.open(wanted);
    if (life !== this.#life) return true;
    this.#seenMs = systemMonotonicMs();
    this.#goesOn();
    if (found.last === wanted - 1) this.#setAtEnd(this.#next === wanted);
    else if (pending === 0) await this.#passHoles(life, wanted, found.last);
    this.#prove();
    return true;
  }

  /** Nothing is left from `wanted` to `last`, the end of the stream: deleted, unless the beginning of the stream has come past it meanwhile (C3). */
  async #passHoles(life: number, wanted: Sequence, last: Sequence): Promise<void> {
    const found = await this.#find();
    if (life !== this.#life || this.#next !== wanted) return;
    const broken = this.#whyBroken(found);
    if (broken !== undefined) return this.#break(broken);
    this.#next = last + 1;
    this.#setAtEnd(found?.last === last);
    guarded(this.#options.onReadable);
  }

  /** @throws UNAVAILABLE while an early end is not believed */
  async #find(): Promise<ForeignStream | undefined> {
    const { api, stream, created } = this.#source;
    const found = await findStream(api, stream);
    if (found?.created !== created) return found;
    const end = { name: stream, last: found.last, replicas: found.config.num_replicas };
    this.#tail.check(end, this.#next - 1, systemMonotonicMs());
    if (found.last >= this.#next - 1) this.#tail.confirmed();
    return found;
  }

  /** C1, with the facts. */
  #whyBroken(found: ForeignStream | undefined): StreamError | undefined {
    const { stream, created } = this.#source;
    if (found === undefined) return changed(`stream ${stream}, created ${created}, is not there any more`);
    if (found.created !== created)
      return changed(
        `stream ${stream} was created at ${found.created}, the job has been reading the one of ${created}`,
      );
    const expected = this.#held[0]?.missing ?? this.#next;
    return whatIsLost(stream, found, expected, this.#next);
  }

  #receive(entry: Entry, message: Msg, { ordinal }: Delivery): void {
    if (ordinal !== this.#ordinal + 1 || entry.sequence < this.#next) {
      return this.#begin(`got message ${ordinal}, sequence ${entry.sequence}, behind ${this.#ordinal}`);
    }
    this.#ordinal = ordinal;
    const missing = entry.sequence === this.#next ? undefined : this.#next;
    this.#next = entry.sequence + 1;
    this.#fruitless = 0;
    this.#isAtEnd = false;
    this.#seenMs = systemMonotonicMs();
    this.#bytes += entry.payload.length;
    this.#held.push({
      entry: { ...entry, envelope: this.#options.withEnvelope ? envelopeOf(message) : undefined },
      missing,
    });
    this.#prove();
  }

  /** Hands on what needs no proof, and asks for the one that is needed next. */
  #prove(): void {
    const end = this.#held.findIndex(({ missing }) => missing !== undefined);
    this.#handOn(end < 0 ? this.#held.length : end);
    if (this.#held.length > 0 && !this.#isProving) void this.#ask(this.#life);
  }

  /** C3: one answer proves every gap before which it was asked for. */
  async #ask(life: number): Promise<void> {
    this.#isProving = true;
    const count = this.#held.length;
    try {
      const found = await this.#find();
      if (this.#isClosed) return;
      if (found === undefined) return this.#begin("the stream is missing");
      const broken = this.#whyBroken(found);
      if (broken !== undefined) return this.#break(broken);
      this.#handOn(count);
    } catch (error) {
      if (!StreamError.is(error)) throw error;
      if (life === this.#life) this.#begin(error.message);
      return;
    } finally {
      this.#isProving = false;
    }
    this.#prove();
  }

  #handOn(count: number): void {
    if (count === 0) return;
    for (const { entry } of this.#held.splice(0, count)) this.#ready.push(entry);
    guarded(this.#options.onReadable);
  }

  #setAtEnd(isAtEnd: boolean): void {
    if (isAtEnd === this.#isAtEnd) return;
    this.#isAtEnd = isAtEnd;
    guarded(this.#options.onReadable);
  }

  #break(error: StreamError | undefined): void {
    if (this.#isClosed || error === undefined) return;
    this.close();
    guarded(() => this.#options.onBroken(error));
  }

  #warn(reason: string): void {
    if (this.#isWarned || this.#isClosed) return;
    this.#isWarned = true;
    const { logger, stream } = this.#source;
    logger.log("warn", "a source waits for its stream", { stream, reason });
  }

  #goesOn(): void {
    if (!this.#isWarned) return;
    this.#isWarned = false;
    const { logger, stream } = this.#source;
    logger.log("info", "a source reads its stream again", { stream, next: this.#next });
  }
}

/** What a stream that begins behind `expected`, or ends before `next`, has lost of what was still to be read. */
export function whatIsLost(
  stream: string,
  { first, last }: Pick<ForeignStream, "first" | "last">,
  expected: Sequence,
  next: Sequence = expected,
): StreamError | undefined {
  if (first > expected) {
    const what = `messages ${expected} to ${first - 1} of stream ${stream} had still to be read and have been removed (it has ${first} to ${last})`;
    const advice = "give the stream longer limits, and begin a new generation (--new) or restore the messages";
    return new StreamError("DATA_LOST", `${what}: ${advice}`);
  }
  if (last >= next - 1) return undefined;
  const what = `stream ${stream} ends at ${last}, and the job has read up to ${next - 1}`;
  return new StreamError(
    "DATA_LOST",
    `${what}: the server has lost messages; restore them, or begin a new generation (--new)`,
  );
}

function changed(what: string): StreamError {
  return new StreamError("SOURCE_CHANGED", `${what}: begin a new generation (--new) to read what is there`);
}

function envelopeOf({ subject, headers }: Msg): Envelope {
  const names = headers?.keys() ?? [];
  return { subject, headers: new Map(names.map((name) => [name, headers?.values(name).join(", ") ?? ""])) };
}
