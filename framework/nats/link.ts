/**
 * One connection to the server, as the seams see it: up or down.
 *
 * Owns the connection's state and who is told of its changes. The client reconnects by itself, for ever; what it does with messages of the meantime
 * (keep without bound, then drop) is the reason why nobody here sends while the link is down.
 *
 * L1. Listeners hear `disconnected` and `reconnected` strictly in turn, and nothing of a close that was asked for.
 * L2. A callback that throws does not reach the client, whose read loop would end: the error is thrown in a task of its own.
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { LinkEvent, Unsubscribe } from "../log/contracts.ts";
import { systemMonotonicMs } from "./system-time.ts";

/** How often watchers look at what may have gone silent. */
const watchMs = 500;

/** Where things are on the other side. */
export interface LinkSubjects {
  /** Beginning of the subjects on which answers to this connection arrive. @default "_INBOX" */
  readonly inboxPrefix?: string | undefined;
  /** Beginning of the subjects of the JetStream API, where a domain or another account has it. @default {@link apiPrefixOfServer} */
  readonly apiPrefix?: string | undefined;
}

/** Beginning of the subjects of the JetStream API of the server that is connected to. */
export const apiPrefixOfServer = "$JS.API";

/** A connection and its ups and downs. */
export class Link {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string;
  readonly apiPrefix: string;
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  readonly #watchers = new Set<(nowMs: number) => void>();
  readonly #watch: NodeJS.Timeout;
  #isUp = true;
  #isClosed = false;

  constructor(
    connection: NatsConnection,
    { inboxPrefix = "_INBOX", apiPrefix = apiPrefixOfServer }: LinkSubjects = {},
  ) {
    this.connection = connection;
    this.inboxPrefix = inboxPrefix;
    this.apiPrefix = apiPrefix;
    this.#watch = setInterval(() => this.#look(), watchMs).unref();
    void this.#follow();
  }

  get isUp(): boolean {
    return this.#isUp && !this.#isClosed;
  }

  onEvent(listener: (event: LinkEvent) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Calls `look` about twice a second, with monotonic time. */
  onWatch(look: (nowMs: number) => void): Unsubscribe {
    this.#watchers.add(look);
    return () => void this.#watchers.delete(look);
  }

  /** Resolves when the link is up. @throws UNAVAILABLE when it is still down after `timeoutMs`, or closed */
  untilUp(timeoutMs: number): Promise<void> {
    if (this.isUp) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        if (this.isUp) resolve();
        else reject(new StreamError("UNAVAILABLE", "the connection to the NATS server is down"));
      };
      const timer = setTimeout(done, this.#isClosed ? 0 : timeoutMs);
      const stop = this.onEvent(done);
    });
  }

  /** Sends what is waiting to be sent, if that is possible at all, and closes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#watch);
    if (this.#isUp) await Promise.race([this.connection.flush().catch(() => {}), afterMs(500)]);
    await this.connection.close();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect") this.#turn(false);
      if (type === "reconnect") this.#turn(true);
    }
    this.#turn(false);
    this.#isClosed = true;
    clearInterval(this.#watch);
  }

  #turn(isUp: boolean): void {
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    if (this.#isClosed) return;
    for (const listener of this.#listeners) guarded(() => listener(isUp ? "reconnected" : "disconnected"));
  }

  #look(): void {
    const nowMs = systemMonotonicMs();
    for (const look of this.#watchers) guarded(() => look(nowMs));
  }
}

/** Runs a callback of somebody else from within one of the client's (L2). */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Resolves after `delayMs`; does not keep the process alive. */
export function afterMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, delayMs).unref());
}
