/**
 * A cursor over a log in memory, with the bounded buffer a cursor over a network has.
 *
 * Owns what it holds and where it stands. Fetches in tasks of its own; each fetch checks R8 first.
 *
 * M3. `onReadable` is called when `take` has answered undefined (or was never called) and there is something again; never within `take`.
 * M4. Once broken or closed it holds nothing and calls nobody.
 */
import type { Cancel, Clock } from "../platform/platform.ts";
import type { Entry, LogReader, ReadBroken, ReadOptions, Sequence } from "./contracts.ts";
import type { MessageStore } from "./memory-store.ts";

const bufferedMessagesMax = 256;
const bufferedBytesMax = 4 * 1024 * 1024;

/** A reader of one life of a log; `current` answers the life that is there now. */
export class MemoryReader implements LogReader {
  readonly #clock: Clock;
  readonly #store: MessageStore;
  readonly #current: () => MessageStore | undefined;
  readonly #options: ReadOptions;
  readonly #wake: () => void = () => this.#fetchSoon();
  #buffer: Entry[] = [];
  #taken = 0;
  #bytes = 0;
  #next: Sequence;
  #isWaiting = true;
  #isClosed = false;
  #fetch: Cancel | undefined;

  constructor(clock: Clock, store: MessageStore, current: () => MessageStore | undefined, options: ReadOptions) {
    this.#clock = clock;
    this.#store = store;
    this.#current = current;
    this.#options = options;
    this.#next = options.from;
    store.watchers.add(this.#wake);
    this.#fetchSoon();
  }

  get buffered(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#buffer.length - this.#taken, bytes: this.#bytes };
  }

  take(): Entry | undefined {
    const entry = this.#buffer[this.#taken];
    if (entry === undefined) {
      this.#isWaiting = true;
      return undefined;
    }
    this.#taken++;
    this.#bytes -= entry.payload.length;
    if (this.#taken === this.#buffer.length) this.#forgetTaken();
    if (this.#hasRoom && this.#store.last >= this.#next) this.#fetchSoon();
    return entry;
  }

  close(): void {
    this.#isClosed = true;
    this.#fetch?.();
    this.#store.watchers.delete(this.#wake);
    this.#forgetTaken();
    this.#bytes = 0;
  }

  /** Fetching begins again when half of the buffer is free. */
  get #hasRoom(): boolean {
    return this.buffered.messages <= bufferedMessagesMax / 2 && this.#bytes <= bufferedBytesMax / 2;
  }

  #fetchSoon(): void {
    if (this.#isClosed || this.#fetch !== undefined) return;
    this.#fetch = this.#clock.schedule(0, () => {
      this.#fetch = undefined;
      this.#fill();
    });
  }

  #fill(): void {
    const broken = this.#whyBroken();
    if (broken !== undefined) {
      this.close();
      this.#options.onBroken(broken);
      return;
    }
    while (this.buffered.messages < bufferedMessagesMax && this.#bytes < bufferedBytesMax) {
      const entry = this.#store.get(this.#next);
      if (entry === undefined) break;
      this.#buffer.push(entry);
      this.#bytes += entry.payload.length;
      this.#next++;
    }
    this.#announce();
  }

  #announce(): void {
    if (!this.#isWaiting || this.buffered.messages === 0) return;
    this.#isWaiting = false;
    this.#options.onReadable();
  }

  #whyBroken(): ReadBroken | undefined {
    const current = this.#current();
    const { first, last, createdMs } = current ?? { first: 1, last: 0, createdMs: 0 };
    const isWhole = current === this.#store && first <= this.#next && last >= this.#next - 1;
    return isWhole ? undefined : { expected: this.#next, first, last, createdMs };
  }

  #forgetTaken(): void {
    this.#buffer = [];
    this.#taken = 0;
  }
}
