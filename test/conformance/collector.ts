/**
 * What tests take from a log, and what they hear of their appends.
 */
import type { AppendResult, Entry, Log, LogReader, ReadBroken, Sequence } from "../../framework/log/contracts.ts";
import { until } from "../support/until.ts";

/** A reader that keeps what it takes. */
export class Collector {
  readonly entries: Entry[] = [];
  readonly broken: ReadBroken[] = [];
  readonly reader: LogReader;
  calls = 0;
  #isTaking: boolean;

  constructor(log: Log, from: Sequence, isTaking = true) {
    this.#isTaking = isTaking;
    this.reader = log.read({
      from,
      onReadable: () => {
        this.calls++;
        if (this.#isTaking) this.take();
      },
      onBroken: (broken) => void this.broken.push(broken),
    });
  }

  /** Takes what is there, from now on always. */
  take(): void {
    this.#isTaking = true;
    for (let entry = this.reader.take(); entry !== undefined; entry = this.reader.take()) {
      this.entries.push({ ...entry, payload: new Uint8Array(entry.payload) });
    }
  }

  get sequences(): readonly Sequence[] {
    return this.entries.map(({ sequence }) => sequence);
  }

  has(count: number): Promise<void> {
    return until(`${count} entries (${this.entries.length} are there)`, () => this.entries.length >= count);
  }

  breaks(): Promise<void> {
    return until("the reader is broken", () => this.broken.length > 0);
  }
}

/** An appender that remembers its results. */
export class Appending {
  readonly results: { readonly tag: number; readonly attempt: number; readonly result: AppendResult }[] = [];
  readonly log: Log;
  readonly append: (payload: Uint8Array, tag?: number, attempt?: number) => void;
  readonly close: () => void;
  #tag = 0;

  constructor(log: Log) {
    this.log = log;
    const appender = log.appender(
      (tag, attempt, result) => void this.results.push({ tag, attempt, result }),
      () => {},
    );
    this.append = (payload, tag = ++this.#tag, attempt = 1) => appender.append(payload, tag, attempt);
    this.close = () => appender.close();
  }

  heard(count: number): Promise<void> {
    return until(`${count} results (${this.results.length} are there)`, () => this.results.length >= count);
  }

  /** Appends each payload, a window at a time, and waits for all results. */
  async appendAll(messages: readonly Uint8Array[]): Promise<void> {
    const before = this.results.length;
    for (const [index, payload] of messages.entries()) {
      this.append(payload);
      if (index % 64 === 63) await this.heard(before + index + 1);
    }
    await this.heard(before + messages.length);
  }

  /** In the order of the appends: a refusal may overtake an acknowledgement. */
  get kinds(): readonly string[] {
    return this.results.toSorted((a, b) => a.tag - b.tag).map(({ result }) => result.kind);
  }
}

/** `count` payloads of `size` bytes that differ. */
export function payloads(count: number, size = 16): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const payload = new Uint8Array(size).fill(index & 255);
    new DataView(payload.buffer).setUint32(0, index + 1);
    return payload;
  });
}

/** The number in a payload of {@link payloads}. */
export function numberOf({ payload }: Entry): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}

/** 1, 2, … `count`, or from `first` on. */
export function numbers(count: number, first = 1): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
