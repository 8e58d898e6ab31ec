/**
 * One cut through keyed state: the segments that had changed, as they were at that instant.
 *
 * Owns which of them are still to be encoded. The cut itself costs nothing; segments are encoded in slices between turns, and the store has one
 * encoded at once before the first write to it.
 *
 * F1. The bytes are of the instant of the cut, whatever is written afterwards.
 * F2. Every segment that changed between two cuts is in the later one.
 */
import { invariant } from "../errors.ts";
import type { Segment } from "./row.ts";

/** One segment of a cut. */
export interface EncodedSegment {
  readonly segment: number;
  /** Undefined: the segment holds no rows any more. */
  readonly bytes: Uint8Array | undefined;
}

/** The changed segments at one instant; made by `KeyedStore.cut`. */
export class SegmentCut {
  readonly #frozen: readonly Segment[];
  readonly #encode: (segment: Segment) => Uint8Array | undefined;
  readonly #encoded: EncodedSegment[] = [];
  #next = 0;

  constructor(dirty: readonly Segment[], encode: (segment: Segment) => Uint8Array | undefined) {
    this.#frozen = dirty;
    this.#encode = encode;
    for (const segment of dirty) {
      segment.cut = this;
      segment.isDirty = false;
    }
  }

  /** Encodes whole segments until about `bytesMax` are written; answers whether all are done. Called between turns. @throws VALUE_NOT_ENCODABLE */
  encodeSome(bytesMax: number): boolean {
    let written = 0;
    while (this.#next < this.#frozen.length && written < bytesMax) {
      const segment = this.#frozen[this.#next];
      this.#next += 1;
      if (segment?.cut === this) written += this.encode(segment);
    }
    return this.#next >= this.#frozen.length;
  }

  /** Encodes one segment now: it is about to be written to (F1). Answers its bytes' length. */
  encode(segment: Segment): number {
    const bytes = this.#encode(segment);
    segment.cut = undefined;
    this.#encoded.push({ segment: segment.index, bytes });
    return bytes?.length ?? 0;
  }

  /** The segments of the cut; called when `encodeSome` has answered true. */
  segments(): readonly EncodedSegment[] {
    invariant(this.#encoded.length === this.#frozen.length, "the cut is not encoded yet");
    return this.#encoded;
  }

  /** The cut will not become a snapshot: its segments belong to the next one (F2). */
  discard(): void {
    for (const segment of this.#frozen) {
      if (segment.cut === this) segment.cut = undefined;
      segment.isDirty = true;
    }
  }
}
