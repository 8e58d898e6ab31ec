/**
 * A push source made replayable: its producer appends to an ingress log, and the instance reads that log as a split.
 *
 * Owns the adaptation of the log to the source contract; the producer is in `producer.ts`. Trimmed like an inbox (R7).
 */
import { StreamError } from "../errors.ts";
import type { Log, LogReader } from "../log/contracts.ts";
import type { PushSource, SplitOpening, SplitReader, SplitTake } from "../log/source.ts";
import type { TrimmableSource } from "./split-feed.ts";

/** The ingress log of a split as a source: positions are sequences. */
export function ingressSource(log: Log, source: PushSource): TrimmableSource {
  return {
    kind: "replayable",
    positions: "dense",
    bounded: false,
    splits: (home) => source.splits(home),
    open: (opening) => Promise.resolve(new IngressReader(log, source, opening)),
    trim: (sequence) => log.trim(sequence),
  };
}

class IngressReader implements SplitReader {
  readonly #source: PushSource;
  readonly #reader: LogReader;

  constructor(log: Log, source: PushSource, opening: SplitOpening) {
    this.#source = source;
    this.#reader = log.read({
      from: (opening.after ?? 0) + 1,
      onReadable: opening.onReadable,
      onBroken: ({ expected, first, last }) =>
        opening.onFailed(
          new StreamError(
            "DATA_LOST",
            `ingress ${log.name}: expected message ${expected}, the log has ${first} to ${last}`,
          ),
        ),
    });
  }

  take(): SplitTake {
    const entry = this.#reader.take();
    if (entry === undefined) return "empty";
    const { sequence: position, storedAtMs } = entry;
    try {
      return { position, storedAtMs, value: this.#source.codec.decode(entry.payload) };
    } catch (error) {
      return {
        position,
        invalid: StreamError.from(error, "CORRUPT", "cannot be decoded").message,
        raw: `${entry.payload.byteLength} bytes`,
      };
    }
  }

  close(): void {
    this.#reader.close();
  }
}
