/**
 * A patient way into one log for rare, small messages: fences, watermarks, ticks, records of the job log.
 *
 * Owns a queue with one append in flight, and repeats it until the log says where it is stored. Data has lanes of its own (`lane.ts`), which
 * these messages may overtake: whoever needs an order between the two waits for the acks.
 *
 * A message may end up in the log twice (a lost reply): every message sent this way means the same when it is read again.
 */
import type { AppendResult, Appender, Log, Sequence } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import { type Acknowledged, isTailLost } from "./tail-check.ts";

/** Time without a reply after which an append is repeated, ms. */
const replyTimeoutMs = 2_000;
/** Wait after a refusal, ms; doubled up to the maximum. */
const retryMsMin = 20;
const retryMsMax = 1_000;

interface Waiting {
  readonly payload: Uint8Array;
  readonly onStored: (sequence: Sequence) => void;
  /** Called when the log has no room for it, or for what is before it; may make some. */
  readonly onFull: (() => void) | undefined;
}

/** Who wants to know when a log has lost what it had acknowledged. */
export interface TailWatch {
  /** Copies of the log. */
  readonly replicas: number;
  /** The last message stored is gone (R8), and others before it may be; found when the link to the log was back. */
  onLost(): void;
}

/** Appends messages one after the other, each until it is stored. */
export class LogWriter {
  readonly #platform: Platform;
  readonly #appender: Appender;
  readonly #log: Log;
  readonly #watch: TailWatch | undefined;
  readonly #queue: Waiting[] = [];
  #stored: Acknowledged | undefined;
  #tag = 0;
  #attempt = 0;
  #retryMs = retryMsMin;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(platform: Platform, log: Log, watch?: TailWatch) {
    this.#platform = platform;
    this.#log = log;
    this.#watch = watch;
    this.#appender = log.appender(
      (tag, attempt, result) => this.#onResult(tag, attempt, result),
      (event) => {
        if (event !== "reconnected" || this.#isClosed) return;
        if (this.#queue.length > 0) this.#send();
        void this.#checkTail();
      },
    );
  }

  /** Number of messages not yet known to be stored. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Queues one message; `onStored` is called once, when it is known to be in the log. Never called after `close`. */
  enqueue(payload: Uint8Array, onStored: (sequence: Sequence) => void, onFull?: () => void): void {
    if (this.#isClosed) return;
    this.#queue.push({ payload, onStored, onFull });
    if (this.#queue.length === 1) this.#next();
  }

  /** {@link enqueue} as a promise. */
  append(payload: Uint8Array, onFull?: () => void): Promise<Sequence> {
    return new Promise((resolve) => this.enqueue(payload, resolve, onFull));
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#queue.length = 0;
    this.#appender.close();
  }

  async #checkTail(): Promise<void> {
    const [watch, stored] = [this.#watch, this.#stored];
    if (watch === undefined || stored === undefined) return;
    // What is stored by then is behind it, and is looked at when the link is back the next time.
    const isOver = (): boolean => this.#isClosed;
    const isLost = await isTailLost(this.#platform, this.#log, watch.replicas, stored, isOver).catch(() => false);
    if (isLost && !isOver()) watch.onLost();
  }

  #next(): void {
    this.#tag += 1;
    this.#retryMs = retryMsMin;
    this.#send();
  }

  #send(): void {
    const head = this.#queue[0];
    if (head === undefined || this.#isClosed) return;
    this.#attempt += 1;
    this.#arm(replyTimeoutMs);
    this.#appender.append(head.payload, this.#tag, this.#attempt);
  }

  #arm(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#platform.clock.schedule(delayMs, () => this.#send());
  }

  #onResult(tag: number, _attempt: number, result: AppendResult): void {
    if (this.#isClosed || tag !== this.#tag) return;
    const head = this.#queue[0];
    if (head === undefined) return;
    if (result.kind === "stored") {
      this.#cancelTimer?.();
      this.#queue.shift();
      if (this.#watch !== undefined) this.#stored = { sequence: result.sequence, payload: head.payload };
      head.onStored(result.sequence);
      if (this.#queue.length > 0 && !this.#isClosed) this.#next();
      return;
    }
    // Whoever may make room does, also when something that may not is before it: a fence waits for no watermark (R13).
    if (result.kind === "full") this.#queue.find(({ onFull }) => onFull !== undefined)?.onFull?.();
    this.#arm(this.#retryMs);
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
  }
}
