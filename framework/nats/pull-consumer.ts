/**
 * One ephemeral consumer and the requests to it: delivers messages until something is odd, then says so and is thrown away.
 *
 * Owns the consumer's name, its subscription, and how many messages have been asked for. Does not heal: whoever made it makes the next one.
 *
 * P1. Messages asked for and not delivered never exceed what the reader has room for; more is asked for at half.
 * P2. Anything but a message, an idle heartbeat or the end of a request is odd: any other status, an unreadable reply subject, silence.
 *     Silence counts in time that this process was awake. In a cluster the server of the consumer may die, or a request get lost before every server knows
 *     the consumer, and the connection stays: so a server of a cluster is asked for more signs of life.
 * P3. After `close` nothing is delivered, and the server is asked to forget the consumer (it would do so by itself later).
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/nats-core";
import type { Entry } from "../log/contracts.ts";
import type { JetStreamApi } from "./api.ts";
import { guarded, type Link } from "./link.ts";
import { type Delivery, parseDelivery } from "./stored-message.ts";
import { systemMonotonicMs } from "./system-time.ts";

/** Messages and bytes of one request. */
const batchMessages = 128;
const batchBytes = 2 * 1024 * 1024;

/** A request ends after this, unless it has been satisfied. */
const expiresMs = 30_000;

/** Signs of life: the server sends one this often while it has nothing to deliver; without any for so long the consumer is given up. */
interface Pulse {
  readonly heartbeatMs: number;
  readonly silenceMsMax: number;
}

const pulseOfOne: Pulse = { heartbeatMs: 5_000, silenceMsMax: 12_500 };
const pulseOfCluster: Pulse = { heartbeatMs: 1_000, silenceMsMax: 3_000 };

/** Looks are made more often than this while the process is awake. */
const awakeMsMax = 1_000;

/** The server forgets a consumer that nobody asks for this long. */
const inactiveMs = 60_000;

const nsPerMs = 1_000_000;

/** Why an ended request is no reason for concern: heartbeat, no messages, request expired. */
const status = { heartbeat: 100, noMessages: 404, expired: 408, conflict: 409 } as const;

/** Room for what the server counts besides the payload: subject, reply, headers. */
const envelopeBytes = 64 * 1024;

/** Whom a consumer tells. */
export interface PullConsumerEvents {
  /** `message` is valid only within the call; `delivery` says how it came. */
  readonly onEntry: (entry: Entry, message: Msg, delivery: Delivery) => void;
  /** Called at most once; the consumer is of no use any more. */
  readonly onOdd: (reason: string) => void;
  /** Whether the reader has room for a request's worth of messages. */
  readonly hasRoom: () => boolean;
}

/** A consumer of one stream from one sequence on. */
export class PullConsumer {
  readonly #api: JetStreamApi;
  readonly #link: Link;
  readonly #stream: string;
  readonly #inbox: string;
  readonly #name: string;
  readonly #events: PullConsumerEvents;
  #subscription: Subscription | undefined;
  readonly #pullRequest: string;
  readonly #pulse: Pulse;
  #lookedMs = systemMonotonicMs();
  #asked = 0;
  #isCreated = false;
  #heardMs = systemMonotonicMs();
  #isClosed = false;

  /** @param api creates the consumer; @param link carries the messages */
  constructor(api: JetStreamApi, link: Link, stream: string, events: PullConsumerEvents) {
    this.#api = api;
    this.#link = link;
    this.#stream = stream;
    this.#inbox = createInbox(link.inboxPrefix);
    this.#name = `tm_${this.#inbox.slice(this.#inbox.lastIndexOf(".") + 1)}`;
    this.#events = events;
    this.#pulse = link.connection.info?.cluster === undefined ? pulseOfOne : pulseOfCluster;
    // A message larger than a whole request would never come.
    const messageBytesMax = (link.connection.info?.max_payload ?? 0) + envelopeBytes;
    this.#pullRequest = JSON.stringify({
      batch: batchMessages,
      max_bytes: Math.max(batchBytes, messageBytesMax),
      expires: expiresMs * nsPerMs,
      idle_heartbeat: this.#pulse.heartbeatMs * nsPerMs,
    });
  }

  /**
   * Creates the consumer at `sequence` and begins to ask. The caller has checked that this is where the stream can be read from. Answers how many messages
   * there were from there on.
   */
  async open(sequence: number): Promise<number> {
    const pending = await this.create(sequence);
    this.begin();
    return pending;
  }

  /** The first half of {@link open}: nothing is asked for, and so nothing delivered, before {@link begin}. */
  async create(sequence: number): Promise<number> {
    const config = {
      name: this.#name,
      ack_policy: "none",
      deliver_policy: "by_start_sequence",
      opt_start_seq: sequence,
      replay_policy: "instant",
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: inactiveMs * nsPerMs,
    };
    const body = { stream_name: this.#stream, config, action: "create" };
    const created = await this.#api.call<{ readonly num_pending: number }>(
      `read stream ${this.#stream}`,
      `CONSUMER.CREATE.${this.#stream}.${this.#name}`,
      body,
    );
    this.#isCreated = true;
    if (this.#isClosed) this.#forget();
    return created.num_pending;
  }

  /** The second half: from now on it delivers. The caller has checked the place. */
  begin(): void {
    if (this.#isClosed) return;
    this.#heardMs = systemMonotonicMs();
    this.#subscription = this.#link.connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
        else this.#odd(error.message);
      },
    });
    this.askForMore();
  }

  /** Asks for more if less than half of a request is outstanding and there is room. Call it when room has been made. */
  askForMore(): void {
    if (this.#isClosed || this.#subscription === undefined || !this.#link.isUp) return;
    if (this.#asked > batchMessages / 2 || !this.#events.hasRoom()) return;
    if (this.#asked === 0) this.#heardMs = systemMonotonicMs();
    this.#asked += batchMessages;
    const subject = this.#api.subjectOf(`CONSUMER.MSG.NEXT.${this.#stream}.${this.#name}`);
    this.#link.connection.publish(subject, this.#pullRequest, { reply: this.#inbox });
  }

  /** Gives up when nothing has been heard for too long although something was asked for. */
  look(nowMs: number): void {
    const asleepMs = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    if (asleepMs > awakeMsMax) this.#heardMs += asleepMs;
    if (this.#subscription === undefined || this.#asked === 0) return;
    if (nowMs - this.#heardMs > this.#pulse.silenceMsMax)
      this.#odd(`silent for ${Math.round(nowMs - this.#heardMs)} ms`);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#subscription?.unsubscribe();
    if (this.#isCreated && this.#link.isUp) this.#forget();
  }

  #receive(message: Msg): void {
    if (this.#isClosed) return;
    this.#heardMs = systemMonotonicMs();
    const { headers } = message;
    if (headers !== undefined && headers.code > 0) return this.#hearStatus(headers.code, headers.description, message);
    const delivery = parseDelivery(message.reply ?? "");
    if (delivery === undefined) return this.#odd(`message with reply ${message.reply}`);
    this.#asked = Math.max(0, this.#asked - 1);
    const { sequence, storedAtMs } = delivery;
    this.#events.onEntry({ sequence, storedAtMs, payload: new Uint8Array(message.data) }, message, delivery);
    this.askForMore();
  }

  #hearStatus(code: number, description: string, message: Msg): void {
    if (code === status.heartbeat) return;
    const isEnd = code === status.expired || code === status.noMessages || isOutOfBytes(code, description);
    if (!isEnd) return this.#odd(`status ${code} ${description}`);
    const pending = Number(message.headers?.get("Nats-Pending-Messages") || batchMessages);
    this.#asked = Math.max(0, this.#asked - pending);
    this.askForMore();
  }

  #odd(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    guarded(() => this.#events.onOdd(reason));
  }

  #forget(): void {
    this.#api.ask(`CONSUMER.DELETE.${this.#stream}.${this.#name}`).catch(() => {});
  }
}

/** A request ends when the next message does not fit into its bytes; there is always room for one message in a whole request. */
function isOutOfBytes(code: number, description: string): boolean {
  return code === status.conflict && /exceeds maxbytes|batch completed/i.test(description);
}
