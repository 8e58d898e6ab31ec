/**
 * A cursor over a log as one process has it: late, cut off while the place is out of reach, and (beyond the fault model) with messages left out.
 */
import type { Entry, LogReader, ReadOptions } from "../../log/contracts.ts";
import { MemoryReader } from "../../log/memory-reader.ts";
import type { MessageStore } from "../../log/memory-store.ts";
import type { Connection } from "./connection.ts";

const slowMsMax = 3_000;
const clampedMax = 3;

/** A reader of one life of a log. */
export class SimulatedReader implements LogReader {
  readonly #connection: Connection;
  readonly #name: string;
  readonly #reader: MemoryReader;
  readonly #onReadable: () => void;
  #isLate = false;
  #isClosed = false;

  constructor(connection: Connection, store: MessageStore, options: ReadOptions) {
    const { place } = connection;
    this.#connection = connection;
    this.#name = store.name;
    this.#onReadable = options.onReadable;
    this.#reader = new MemoryReader(place.clock, store, () => place.log(store.name), {
      from: this.#fromOf(store, options.from),
      onReadable: () => this.#announce(),
      onBroken: options.onBroken,
    });
  }

  get buffered(): { readonly messages: number; readonly bytes: number } {
    return this.#isLate ? { messages: 0, bytes: 0 } : this.#reader.buffered;
  }

  take(): Entry | undefined {
    if (this.#isLate) return undefined;
    if (this.#connection.isDown) {
      this.#wait((go) => this.#connection.whenUp(go));
      return undefined;
    }
    if (this.#connection.isJobLogLate && this.#isJobLog) {
      this.#wait((go) => this.#connection.whenJobLogSeen(go));
      return undefined;
    }
    const entry = this.#reader.take();
    if (entry !== undefined && this.#reader.buffered.messages > 0 && this.#strikes("readerSkips"))
      return this.#reader.take();
    return entry;
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.close();
  }

  get #isJobLog(): boolean {
    return this.#name.endsWith("_LOG");
  }

  #announce(): void {
    if (this.#isLate) return;
    const delayMs = this.#strikes("readerSlow") ? 1 + this.#connection.dice.of("readerSlow").below(slowMsMax) : 0;
    if (delayMs === 0) return this.#onReadable();
    this.#wait((go) => this.#connection.later(delayMs, go));
  }

  /** Shows nothing until `go` is called. */
  #wait(until: (go: () => void) => void): void {
    this.#isLate = true;
    until(() => {
      this.#isLate = false;
      if (!this.#isClosed) this.#onReadable();
    });
  }

  #fromOf(store: MessageStore, from: number): number {
    if (from + 1 > store.last || !this.#strikes("readerClamped")) return from;
    return Math.min(store.last, from + 1 + this.#connection.dice.of("readerClamped").below(clampedMax));
  }

  #strikes(kind: "readerSkips" | "readerSlow" | "readerClamped"): boolean {
    return this.#connection.strikes(kind, this.#name);
  }
}
