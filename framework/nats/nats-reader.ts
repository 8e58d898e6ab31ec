/**
 * A cursor over a stream that heals: through reconnects, restarts of the server, and consumers that misbehave.
 *
 * Owns what has been received and not taken, and which consumer delivers now. Knows that a new consumer may only begin where the stream can be read
 * from: the server starts silently elsewhere otherwise.
 *
 * E1 (R8). Before a consumer is asked for anything: same creation time, `first <= next`, `last >= next - 1`. Otherwise the reader is broken, for good.
 *     An early end of a stream of several copies is believed when it stays (`stream-tail.ts`).
 * E2. Entries are handed on in sequence without holes: one that is not the next ends its consumer.
 * E3. A stream that is not there is looked for again for a while; then the reader is broken, with the facts of an empty log.
 * E4. A reader that gets nothing for long looks at the stream again: what it waits for may have been removed before it came.
 * E5. `onReadable` is called when `take` has answered undefined (or was never called) and there is something again.
 */
import { StreamError } from "../errors.ts";
import type { Entry, LinkEvent, LogReader, ReadBroken, ReadOptions, Sequence } from "../log/contracts.ts";
import type { Logger } from "../platform/platform.ts";
import { EntryQueue } from "./entry-queue.ts";
import { afterMs, guarded, type Link } from "./link.ts";
import { PullConsumer } from "./pull-consumer.ts";
import { logStateOf } from "./log-state.ts";
import { storedMsOf } from "./stored-message.ts";
import { StreamTail } from "./stream-tail.ts";
import type { Streams } from "./streams.ts";
import { systemMonotonicMs } from "./system-time.ts";

const bufferedMessagesMax = 256;
const bufferedBytesMax = 4 * 1024 * 1024;

const backoffMsMin = 50;
const backoffMsMax = 1_000;

/** How long a stream may be missing (a restarted cluster may not know it yet) before it counts as gone. */
const missingMsMax = 3_000;

/** A reader that has received nothing for this long checks that it is still in the right place. */
const quietMsMax = 30_000;

/** What a reader needs besides its options. */
export interface ReaderSource {
  readonly streams: Streams;
  /** Carries the messages. */
  readonly link: Link;
  readonly logger: Logger;
  readonly name: string;
  /** Creation time of the life of the log that is read. */
  readonly createdMs: number;
}

/** A reader of one stream. */
export class NatsReader implements LogReader {
  readonly #source: ReaderSource;
  readonly #options: ReadOptions;
  readonly #queue = new EntryQueue();
  readonly #stops: readonly (() => void)[];
  readonly #tail = new StreamTail();
  #next: Sequence;
  /** When the last message that was read was stored. */
  #lastStoredMs: number | undefined;
  #consumer: PullConsumer | undefined;
  /** Grows with each attempt to read on; what belongs to an older one stops. */
  #life = 0;
  /** Beginnings since the last entry: the second and later ones wait first. */
  #fruitless = 0;
  #isWaiting = true;
  #isClosed = false;
  #isRefused = false;
  /** When the last message came, or the stream was last looked at. */
  #seenMs = systemMonotonicMs();

  constructor(source: ReaderSource, options: ReadOptions) {
    this.#source = source;
    this.#options = options;
    this.#next = options.from;
    this.#stops = [
      source.link.onEvent((event) => this.#hearLink(event)),
      source.link.onWatch((nowMs) => this.#look(nowMs)),
    ];
    if (source.link.isUp) this.#begin("opened");
  }

  get buffered(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#queue.messages, bytes: this.#queue.bytes };
  }

  take(): Entry | undefined {
    const entry = this.#queue.take();
    if (entry === undefined) this.#isWaiting = true;
    this.#consumer?.askForMore();
    return entry;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end();
    for (const stop of this.#stops) stop();
    this.#queue.clear();
  }

  #begin(reason: string): void {
    this.#end();
    if (this.#isClosed) return;
    this.#source.logger.log("debug", "reader begins", { log: this.#source.name, reason, next: this.#next });
    void this.#readOn(this.#life);
  }

  #end(): void {
    this.#life++;
    this.#consumer?.close();
    this.#consumer = undefined;
  }

  #hearLink(event: LinkEvent): void {
    this.#fruitless = 0;
    if (event === "reconnected") this.#begin(event);
    else this.#end();
  }

  #look(nowMs: number): void {
    this.#consumer?.look(nowMs);
    if (this.#consumer === undefined || nowMs - this.#seenMs <= quietMsMax) return;
    this.#seenMs = nowMs;
    void this.#checkPlace(this.#life);
  }

  /** E4. A stream that is missing or cannot be asked is the business of the next beginning. */
  async #checkPlace(life: number): Promise<void> {
    try {
      const expected = this.#next;
      const broken = await this.#whyBroken(false);
      if (life !== this.#life || this.#next !== expected) return;
      if (broken !== undefined) this.#begin("the stream has changed");
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
        // What does not pass by itself (a permission, a limit on consumers) is somebody's business.
        const isNews = !error.isRetryable && !this.#isRefused;
        this.#isRefused ||= isNews;
        const level = isNews ? "warn" : "debug";
        this.#source.logger.log(level, "reader waits", { log: this.#source.name, error: error.message });
      }
      await afterMs(backoffMs);
    }
  }

  /** Answers whether there is nothing left to do: a consumer delivers, or the reader is broken or has moved on. */
  async #open(life: number, isGoneWhenMissing: boolean): Promise<boolean> {
    const { streams, name, link } = this.#source;
    const consumer = new PullConsumer(streams.api, link, name, {
      onEntry: (entry) => this.#receive(entry),
      onOdd: (reason) => this.#begin(reason),
      hasRoom: () => this.#queue.messages <= bufferedMessagesMax / 2 && this.#queue.bytes <= bufferedBytesMax / 2,
    });
    this.#consumer = consumer;
    // It is created while the place is being looked at, because somebody waits; it delivers when that has been found right (E1).
    const found = await Promise.allSettled([this.#whyBroken(isGoneWhenMissing), consumer.create(this.#next)]);
    if (life !== this.#life) return true;
    const [place, created] = found;
    if (place.status === "fulfilled" && typeof place.value === "object") {
      this.#break(place.value);
      return true;
    }
    const isRight = place.status === "fulfilled" && place.value === undefined;
    if (isRight && created.status === "fulfilled") {
      consumer.begin();
      return true;
    }
    consumer.close();
    this.#consumer = undefined;
    if (place.status === "rejected") throw place.reason;
    if (isRight && created.status === "rejected") throw created.reason;
    return false;
  }

  async #whyBroken(isGoneWhenMissing: boolean): Promise<ReadBroken | "missing" | undefined> {
    const { streams, name, createdMs } = this.#source;
    const stream = await streams.find(name);
    if (stream === undefined) {
      return isGoneWhenMissing ? { expected: this.#next, first: 1, last: 0, createdMs: 0 } : "missing";
    }
    const { first, last, createdMs: foundMs } = logStateOf(stream);
    const end = { name, last, replicas: stream.config.num_replicas };
    if (foundMs === createdMs) this.#tail.check(end, this.#next - 1, systemMonotonicMs());
    const reaches = first <= this.#next && last >= this.#next - 1;
    const isWhole = foundMs === createdMs && reaches && (await this.#isLastTheSame(first));
    return isWhole ? undefined : { expected: this.#next, first, last, createdMs: foundMs };
  }

  /** T2 of `stream-tail.ts`. */
  async #isLastTheSame(first: Sequence): Promise<boolean> {
    const sequence = this.#next - 1;
    if (!this.#tail.isDoubted) return true;
    const { streams, name } = this.#source;
    const storedMs = this.#lastStoredMs;
    const isThere =
      storedMs === undefined || sequence < first || (await storedMsOf(streams.api, name, sequence)) === storedMs;
    if (isThere) this.#tail.confirmed();
    return isThere;
  }

  #receive(entry: Entry): void {
    if (entry.sequence !== this.#next) return this.#begin(`got ${entry.sequence} instead of ${this.#next}`);
    this.#lastStoredMs = entry.storedAtMs;
    this.#next++;
    this.#fruitless = 0;
    this.#isRefused = false;
    this.#seenMs = systemMonotonicMs();
    this.#queue.push(entry);
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    guarded(this.#options.onReadable);
  }

  #break(broken: ReadBroken): void {
    this.close();
    guarded(() => this.#options.onBroken(broken));
  }
}
