/**
 * Entries received and not yet taken: a queue that knows its size.
 */
import type { Entry } from "../log/contracts.ts";

/** First in, first out. */
export class EntryQueue {
  #entries: (Entry | undefined)[] = [];
  #taken = 0;
  #bytes = 0;

  get messages(): number {
    return this.#entries.length - this.#taken;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.payload.length;
  }

  take(): Entry | undefined {
    const entry = this.#entries[this.#taken];
    if (entry === undefined) return undefined;
    this.#entries[this.#taken] = undefined;
    this.#taken++;
    this.#bytes -= entry.payload.length;
    if (this.#taken === this.#entries.length) this.clear();
    return entry;
  }

  clear(): void {
    this.#entries = [];
    this.#taken = 0;
    this.#bytes = 0;
  }
}
