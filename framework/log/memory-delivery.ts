/**
 * How anything in memory becomes asynchronous: through the injected clock, as it would through a network.
 *
 * Owns the two ways in which an outcome reaches a caller. Nothing of the memory seams answers within the caller's own task, so that a virtual
 * clock drives all of it and code that works here does not depend on an order NATS would not keep.
 */
import type { Clock } from "../platform/platform.ts";

/** A promise settled by `answer` from within a scheduled task: the call is carried out then, not when it is made. */
export function answerLater<T>(clock: Clock, answer: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    clock.schedule(0, () => {
      try {
        resolve(answer());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** A queue whose entries arrive in order, later, together with what has been queued meanwhile: one connection's stream of messages. */
export class DeliveryQueue<T> {
  readonly #clock: Clock;
  readonly #deliver: (entry: T) => void;
  #queued: T[] = [];
  #isClosed = false;

  constructor(clock: Clock, deliver: (entry: T) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  push(entry: T): void {
    if (this.#isClosed) return;
    this.#queued.push(entry);
    if (this.#queued.length === 1) this.#clock.schedule(0, () => this.#flush());
  }

  /** Nothing is delivered any more, not even what is queued. */
  close(): void {
    this.#isClosed = true;
    this.#queued = [];
  }

  #flush(): void {
    const due = this.#queued;
    this.#queued = [];
    for (const entry of due) {
      if (this.#isClosed) return;
      this.#deliver(entry);
    }
  }
}
