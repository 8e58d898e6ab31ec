/**
 * Where in its inbox an instance may trim while it keeps what it has read (R14).
 *
 * Owns how many bytes lie in front of which position, in coarse steps; nothing is decided on more than that.
 *
 * M1. What is trimmed frees no more than is asked for, as far as the payloads tell.
 */
import type { LogState } from "../log/contracts.ts";

/** Bytes between two marks. */
const stepBytes = 64 * 1024;

interface Mark {
  readonly sequence: number;
  /** Read up to and with it, counted from the beginning of the log as it was opened. */
  readonly bytes: number;
}

/** Marks in one inbox. */
export class TrimMarks {
  readonly #marks: Mark[] = [];
  #bytes = 0;
  #trimmedBytes = 0;

  /** The log is read behind `sequence`: what lies before is taken as a share of it. */
  begin({ first, last, bytes }: Pick<LogState, "first" | "last" | "bytes">, sequence: number): void {
    if (sequence < first) return;
    this.#bytes = (bytes * (sequence - first + 1)) / Math.max(1, last - first + 1);
    this.#marks.push({ sequence, bytes: this.#bytes });
  }

  /** A message has been read. */
  read(sequence: number, bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes - (this.#marks.at(-1)?.bytes ?? 0) >= stepBytes) this.#marks.push({ sequence, bytes: this.#bytes });
  }

  /** The furthest position up to `limit` that frees at most `bytes` (M1); undefined: none. */
  within(bytes: number, limit: number): number | undefined {
    const fits = (mark: Mark) => mark.sequence <= limit && mark.bytes - this.#trimmedBytes <= bytes;
    return this.#marks.findLast((mark) => fits(mark))?.sequence;
  }

  /** Everything below `sequence` is gone. */
  trimmed(sequence: number): void {
    const gone = this.#marks.findLastIndex((mark) => mark.sequence <= sequence);
    if (gone < 0) return;
    this.#trimmedBytes = this.#marks[gone]?.bytes ?? this.#trimmedBytes;
    this.#marks.splice(0, gone + 1);
  }
}
