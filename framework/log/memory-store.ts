/**
 * The messages of one life of a log in memory: from its creation to its deletion.
 *
 * Owns sequences, sizes and limits as JetStream counts them. Synchronous; who is told when is the business of `memory-log.ts` and `memory-reader.ts`.
 *
 * M1. Sequences are dense and never reused, except by {@link MessageStore.loseTail}, which is the fault R8 exists for.
 * M2. Payloads are copied when stored, for callers reuse their buffers (by constructor: `slice` of a Buffer copies nothing).
 */
import type { AppendResult, Entry, LogConfig, LogState, Sequence } from "./contracts.ts";

/** What JetStream's file store adds to the payload and the subject of each message, bytes. */
const overheadBytes = 30;

/** Removed places at the front that are worth a copy of the array. */
const slackMax = 1024;

/** One life of a log. */
export class MessageStore {
  readonly name: string;
  readonly createdMs: number;
  /** Called when a message has been stored, or the log was cut or has ended. */
  readonly watchers: Set<() => void> = new Set();
  config: LogConfig;
  #entries: (Entry | undefined)[] = [];
  /** Sequence of the message at index 0 of `#entries`, whether it is still there or not. */
  #origin = 1;
  #first = 1;
  #bytes = 0;

  constructor(name: string, createdMs: number, config: LogConfig) {
    this.name = name;
    this.createdMs = createdMs;
    this.config = config;
  }

  get first(): Sequence {
    return this.#first;
  }

  get last(): Sequence {
    return this.#origin + this.#entries.length - 1;
  }

  get info(): LogState {
    const { name, createdMs, first, last, config } = this;
    return { name, createdMs, first, last, bytes: this.#bytes, config };
  }

  append(payload: Uint8Array, storedAtMs: number): AppendResult {
    const bytes = this.#bytes + this.#sizeOf(payload);
    if (bytes > this.config.maxBytes && this.config.full === "refuse") return { kind: "full" };
    const sequence = this.last + 1;
    this.#entries.push({ sequence, storedAtMs, payload: new Uint8Array(payload) });
    this.#bytes = bytes;
    this.#dropOverflow();
    this.notify();
    return { kind: "stored", sequence };
  }

  get(sequence: Sequence): Entry | undefined {
    return sequence < this.#first ? undefined : this.#entries[sequence - this.#origin];
  }

  /** Removes what is below `sequence`; the last message always stays, so that a log is never emptied (R7). */
  trim(sequence: Sequence): void {
    const end = Math.min(sequence, this.last);
    while (this.#first < end) this.#removeFirst();
  }

  resize(maxBytes: number): void {
    this.config = { ...this.config, maxBytes };
    this.#dropOverflow();
  }

  /** Forgets the last `messages` messages, as a store does that lost power: their sequences are given to others (hazard 23). */
  loseTail(messages: number): void {
    for (let lost = 0; lost < messages && this.last >= this.#first; lost++) {
      const entry = this.#entries.pop();
      if (entry !== undefined) this.#bytes -= this.#sizeOf(entry.payload);
    }
    this.notify();
  }

  /** Tells everyone who watches that there is something to look at. */
  notify(): void {
    for (const watcher of this.watchers) watcher();
  }

  #dropOverflow(): void {
    if (this.config.full !== "dropOldest") return;
    while (this.#bytes > this.config.maxBytes && this.#first <= this.last) this.#removeFirst();
  }

  #removeFirst(): void {
    const index = this.#first - this.#origin;
    const entry = this.#entries[index];
    if (entry !== undefined) this.#bytes -= this.#sizeOf(entry.payload);
    this.#entries[index] = undefined;
    this.#first++;
    if (index + 1 >= slackMax && index + 1 >= this.#entries.length / 2) this.#compact();
  }

  #compact(): void {
    this.#entries = this.#entries.slice(this.#first - this.#origin);
    this.#origin = this.#first;
  }

  #sizeOf(payload: Uint8Array): number {
    return overheadBytes + this.name.length + payload.length;
  }
}
