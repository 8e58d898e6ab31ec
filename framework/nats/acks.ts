/**
 * Acknowledgements of pipelined appends: one wildcard subscription per connection, routed by the reply subject.
 *
 * Owns the reply subjects (`<inbox>.<lane>.<attempt>.<tag>`) and the reading of acknowledgements. The client's own `js.publish` does the same at
 * several times the cost and without a window.
 *
 * K1. An acknowledgement is handed on as it is; what it proves is for the lane to decide (attempt, order).
 * K2. While the link is down nothing is sent: the client would keep the caller's buffers, which the caller reuses, and send them after the reconnect.
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/nats-core";
import { messageOf } from "../errors.ts";
import type { Appender, AppendResult, LinkEvent, OnAppended } from "../log/contracts.ts";
import { isAtItsLimit } from "./api-refusal.ts";
import type { ApiRefusal } from "./api.ts";
import { guarded, type Link } from "./link.ts";

/** The appenders of one link. */
export class Acknowledgements {
  readonly #link: Link;
  readonly #inbox: string;
  readonly #lanes = new Map<string, OnAppended>();
  readonly #subscription: Subscription;
  #lastLane = 0;

  constructor(link: Link) {
    this.#link = link;
    this.#inbox = createInbox(link.inboxPrefix);
    this.#subscription = link.connection.subscribe(`${this.#inbox}.*.*.*`, {
      callback: (error, message) => {
        if (error === null) this.#route(message);
      },
    });
  }

  /** A way into the stream that listens on `subject`. */
  appender(subject: string, onAppended: OnAppended, onLink: (event: LinkEvent) => void): Appender {
    const lane = String(++this.#lastLane);
    this.#lanes.set(lane, onAppended);
    const stop = this.#link.onEvent(onLink);
    return {
      append: (payload, tag, attempt) => {
        // Sent again: what was sent before was not answered, or refused.
        if (attempt > 1) this.#link.doubt();
        const failure = this.#send(subject, payload, `${this.#inbox}.${lane}.${attempt}.${tag}`);
        if (failure !== undefined) this.#fail(lane, tag, attempt, failure);
      },
      close: () => {
        stop();
        this.#lanes.delete(lane);
      },
    };
  }

  close(): void {
    this.#lanes.clear();
    this.#subscription.unsubscribe();
  }

  /** Answers why nothing was sent. */
  #send(subject: string, payload: Uint8Array, reply: string): string | undefined {
    if (!this.#link.isUp) return "the connection is down";
    try {
      this.#link.connection.publish(subject, payload, { reply });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #fail(lane: string, tag: number, attempt: number, reason: string): void {
    setImmediate(() => this.#lanes.get(lane)?.(tag, attempt, { kind: "failed", reason }));
  }

  #route(message: Msg): void {
    const [lane = "", attempt, tag] = message.subject.slice(this.#inbox.length + 1).split(".");
    const onAppended = this.#lanes.get(lane);
    if (onAppended === undefined) return;
    const result = parseAck(message);
    if (result.kind !== "failed") this.#link.trust();
    guarded(() => onAppended(Number(tag), Number(attempt), result));
  }
}

const sequenceMark = '"seq":';

/** What an acknowledgement says. An empty one carries its status in the headers (503 during an election). */
export function parseAck(message: Pick<Msg, "data" | "headers">): AppendResult {
  const { data } = message;
  if (data.length === 0) {
    const { code, description } = message.headers ?? { code: 0, description: "empty acknowledgement" };
    return { kind: "failed", reason: `${description} (status ${code})` };
  }
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString("latin1");
  const at = text.indexOf(sequenceMark);
  const sequence = at < 0 ? 0 : Number.parseInt(text.slice(at + sequenceMark.length).trimStart(), 10);
  // A refusal may carry `"seq":0`.
  return sequence > 0 && !text.includes('"error"') ? { kind: "stored", sequence } : parseRefusal(text);
}

function parseRefusal(text: string): AppendResult {
  try {
    const { error } = JSON.parse(text) as { readonly error?: ApiRefusal };
    if (error !== undefined && isAtItsLimit(error)) return { kind: "full" };
    return { kind: "failed", reason: `${error?.description ?? text} (JetStream ${error?.err_code ?? 0})` };
  } catch {
    return { kind: "failed", reason: `unreadable acknowledgement ${JSON.stringify(text.slice(0, 100))}` };
  }
}
