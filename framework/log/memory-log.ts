/**
 * One log in memory, as a handle that addresses it by name.
 *
 * Owns nothing: like a subject, the name leads to whatever life of the log is there now. What identifies a life is its creation time.
 */
import { StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import type {
  Appender,
  AppendResult,
  Entry,
  LinkEvent,
  Log,
  LogState,
  LogReader,
  OnAppended,
  ReadOptions,
  Sequence,
} from "./contracts.ts";
import { answerLater, DeliveryQueue } from "./memory-delivery.ts";
import { MemoryReader } from "./memory-reader.ts";
import type { MessageStore } from "./memory-store.ts";

/** A handle on a log in memory. */
export class MemoryLog implements Log {
  readonly name: string;
  readonly createdMs: number;
  readonly #clock: Clock;
  readonly #opened: MessageStore;
  readonly #current: () => MessageStore | undefined;

  /** @param current answers the life of the log that is there now */
  constructor(clock: Clock, opened: MessageStore, current: () => MessageStore | undefined) {
    this.name = opened.name;
    this.createdMs = opened.createdMs;
    this.#clock = clock;
    this.#opened = opened;
    this.#current = current;
  }

  appender(onAppended: OnAppended, _onLink: (event: LinkEvent) => void): Appender {
    const acks = new DeliveryQueue<Parameters<OnAppended>>(this.#clock, (ack) => onAppended(...ack));
    return {
      append: (payload, tag, attempt) => acks.push([tag, attempt, this.#append(payload)]),
      close: () => acks.close(),
    };
  }

  append(payload: Uint8Array): Promise<Sequence> {
    const copy = new Uint8Array(payload);
    return answerLater(this.#clock, () => {
      const result = this.#append(copy);
      if (result.kind === "stored") return result.sequence;
      throw new StreamError(
        result.kind === "full" ? "LOG_FULL" : "NOT_FOUND",
        `append to ${this.name}: ${result.kind === "full" ? "no room" : result.reason}`,
      );
    });
  }

  read(options: ReadOptions): LogReader {
    return new MemoryReader(this.#clock, this.#opened, this.#current, options);
  }

  get(sequence: Sequence): Promise<Entry | undefined> {
    return answerLater(this.#clock, () => this.#there().get(sequence));
  }

  trim(sequence: Sequence): Promise<void> {
    return answerLater(this.#clock, () => this.#there().trim(sequence));
  }

  resize(maxBytes: number): Promise<void> {
    return answerLater(this.#clock, () => this.#there().resize(maxBytes));
  }

  info(): Promise<LogState> {
    return answerLater(this.#clock, () => this.#there().info);
  }

  #append(payload: Uint8Array): AppendResult {
    const store = this.#current();
    return store?.append(payload, this.#clock.now()) ?? { kind: "failed", reason: `no log ${this.name}` };
  }

  #there(): MessageStore {
    const store = this.#current();
    if (store === undefined) throw new StreamError("NOT_FOUND", `log ${this.name} does not exist`);
    return store;
  }
}
