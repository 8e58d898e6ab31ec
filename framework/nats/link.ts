/**
 * One connection to the server, as the seams see it: up or down.
 *
 * Owns the connection's state and who is told of its changes. The client reconnects by itself, for ever; what it does with messages of the meantime
 * (keep without bound, then drop) is the reason why nobody here sends while the link is down.
 *
 * L1. Listeners hear `disconnected` and `reconnected` strictly in turn, and nothing of a close that was asked for.
 * L2. A callback that throws does not reach the client, whose read loop would end: the error is thrown in a task of its own.
 * L3. A server that is parted from its cluster goes on talking to its clients, and reaches nothing for them. Who is not answered, or told that JetStream is
 *     not there, says so; when nobody has been answered otherwise for a while, the connection moves on to another server, if there is one.
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { LinkEvent, Unsubscribe } from "../log/contracts.ts";
import { systemMonotonicMs } from "./system-time.ts";

/** L3: how long nobody is answered before the connection moves on, and how soon it does so again at the earliest. */
const doubtedMsMax = 4_000;
const stayMsMin = 10_000;

/** How often watchers look at what may have gone silent. */
const watchMs = 500;

/** Where things are on the other side. */
export interface LinkOptions {
  /** Beginning of the subjects on which answers to this connection arrive. @default "_INBOX" */
  readonly inboxPrefix?: string | undefined;
  /** Beginning of the subjects of the JetStream API, where a domain or another account has it. @default {@link apiPrefixOfServer} */
  readonly apiPrefix?: string | undefined;
  /** All servers that may be connected to. @default one */
  readonly servers?: readonly string[] | undefined;
}

/** Beginning of the subjects of the JetStream API of the server that is connected to. */
export const apiPrefixOfServer = "$JS.API";

/** A connection and its ups and downs. */
export class Link {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string;
  readonly apiPrefix: string;
  readonly #hasOthers: boolean;
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  readonly #watchers = new Set<(nowMs: number) => void>();
  readonly #watch: NodeJS.Timeout;
  #isUp = true;
  #isClosed = false;
  #doubtedSinceMs: number | undefined;
  #movedAtMs = -Infinity;

  constructor(
    connection: NatsConnection,
    { inboxPrefix = "_INBOX", apiPrefix = apiPrefixOfServer, servers = [] }: LinkOptions = {},
  ) {
    this.connection = connection;
    this.inboxPrefix = inboxPrefix;
    this.apiPrefix = apiPrefix;
    this.#hasOthers = servers.length > 1;
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

  /** A question or message has got no answer, or none from JetStream (L3). */
  doubt(nowMs: number = systemMonotonicMs()): void {
    this.#doubtedSinceMs ??= nowMs;
    const isLong = nowMs - this.#doubtedSinceMs >= doubtedMsMax && nowMs - this.#movedAtMs >= stayMsMin;
    const hasOthers = this.#hasOthers || (this.connection.info?.connect_urls?.length ?? 0) > 1;
    if (!isLong || !this.isUp || !hasOthers) return;
    this.#doubtedSinceMs = undefined;
    this.#movedAtMs = nowMs;
    void this.connection.reconnect();
  }

  /** JetStream has answered over this connection. */
  trust(): void {
    this.#doubtedSinceMs = undefined;
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
    this.#doubtedSinceMs = undefined;
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
