/**
 * All logs of one process's memory.
 *
 * Owns which life of a log is the current one of its name.
 *
 * M5. No two lives of a name have the same creation time, however close together they begin: it is their identity (R8).
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import type { Log, LogConfig, LogState, Logs } from "./contracts.ts";
import { answerLater } from "./memory-delivery.ts";
import { MemoryLog } from "./memory-log.ts";
import { MessageStore } from "./memory-store.ts";

/** Logs in memory. To replace a log under a reader's feet: `delete`, then `create`. To cut it: {@link MemoryLogs.loseTail}. */
export class MemoryLogs implements Logs {
  readonly #clock: Clock;
  readonly #stores = new Map<string, MessageStore>();
  #createdMsLast = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  create(name: string, config: LogConfig): Promise<Log> {
    return answerLater(this.#clock, () => {
      const store = this.#stores.get(name);
      if (store !== undefined) checkConfig(store, config);
      return this.#handle(store ?? this.#begin(name, config));
    });
  }

  open(name: string): Promise<Log> {
    return answerLater(this.#clock, () => {
      const store = this.#stores.get(name);
      if (store === undefined) throw new StreamError("NOT_FOUND", `log ${name} does not exist`);
      return this.#handle(store);
    });
  }

  list(prefix: string): Promise<readonly LogState[]> {
    return answerLater(this.#clock, () =>
      [...this.#stores.values()].filter(({ name }) => name.startsWith(prefix)).map(({ info }) => info),
    );
  }

  delete(name: string): Promise<void> {
    return answerLater(this.#clock, () => {
      const store = this.#stores.get(name);
      this.#stores.delete(name);
      store?.notify();
    });
  }

  /** A fault: the log forgets its last `messages` messages, acknowledged or not, and gives their sequences to others. */
  loseTail(name: string, messages: number): void {
    this.#stores.get(name)?.loseTail(messages);
  }

  #begin(name: string, config: LogConfig): MessageStore {
    this.#createdMsLast = Math.max(this.#clock.now(), this.#createdMsLast + 1);
    const store = new MessageStore(name, this.#createdMsLast, config);
    this.#stores.set(name, store);
    return store;
  }

  #handle(store: MessageStore): MemoryLog {
    return new MemoryLog(this.#clock, store, () => this.#stores.get(store.name));
  }
}

/** A log that has been resized upwards since (R13: a refused fence) is still the one that was asked for. */
function checkConfig(store: MessageStore, wanted: LogConfig): void {
  const { maxBytes, full } = store.config;
  if (full === wanted.full && maxBytes >= wanted.maxBytes) return;
  const found = `maxBytes ${maxBytes}, ${full}`;
  throw new StreamError(
    "SERVER_UNSUITABLE",
    `log ${store.name} has ${found}; needed is maxBytes ${wanted.maxBytes}, ${wanted.full}: delete the log or restore its configuration`,
  );
}
