/**
 * The bus in memory: publish and subscribe by subject, requests by reply.
 *
 * Owns the subscriptions. Each has a queue of its own, so that one subscriber sees messages in the order in which they were published, later than
 * the publisher's task, and none after it has unsubscribed.
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import type { Bus, Reply, Unsubscribe } from "./contracts.ts";
import { answerLater, DeliveryQueue } from "./memory-delivery.ts";

interface Message {
  readonly payload: Uint8Array;
  readonly reply: Reply | undefined;
  readonly subject: string;
}

/** A bus within one process. */
export class MemoryBus implements Bus {
  readonly #clock: Clock;
  readonly #exact = new Map<string, Set<DeliveryQueue<Message>>>();
  /** Keyed by what stands before the `>`. */
  readonly #below = new Map<string, Set<DeliveryQueue<Message>>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.#deliver({ subject, payload: new Uint8Array(payload), reply: undefined });
  }

  subscribe(
    subject: string,
    onMessage: (payload: Uint8Array, reply: Reply | undefined, subject: string) => void,
  ): Unsubscribe {
    const queue = new DeliveryQueue<Message>(this.#clock, (message) =>
      onMessage(message.payload, message.reply, message.subject),
    );
    const isBelow = subject.endsWith(".>");
    const table = isBelow ? this.#below : this.#exact;
    const key = isBelow ? subject.slice(0, -1) : subject;
    const queues = table.get(key) ?? new Set();
    table.set(key, queues.add(queue));
    return () => {
      queue.close();
      queues.delete(queue);
      if (queues.size === 0 && table.get(key) === queues) table.delete(key);
    };
  }

  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const late = this.#clock.schedule(timeoutMs, () =>
      reject(new StreamError("TIMEOUT", `no answer on ${subject} within ${timeoutMs} ms`)),
    );
    const reply: Reply = (answer) => {
      const copy = new Uint8Array(answer);
      this.#clock.schedule(0, () => {
        late();
        resolve(copy);
      });
    };
    if (this.#deliver({ subject, payload: new Uint8Array(payload), reply })) return promise;
    late();
    return answerLater(this.#clock, () => {
      throw new StreamError("NO_RESPONDERS", `nobody listens on ${subject}`);
    });
  }

  #deliver(message: Message): boolean {
    const queues = this.#subscribers(message.subject);
    for (const queue of queues) queue.push(message);
    return queues.length > 0;
  }

  #subscribers(subject: string): DeliveryQueue<Message>[] {
    const queues = [...(this.#exact.get(subject) ?? [])];
    for (let dot = subject.indexOf("."); dot >= 0; dot = subject.indexOf(".", dot + 1)) {
      queues.push(...(this.#below.get(subject.slice(0, dot + 1)) ?? []));
    }
    return queues;
  }
}
