/**
 * What a worker may have in flight over all its lanes (R3: 8 MiB).
 *
 * Bounds frames that are sent and not answered, never what waits: every frame in flight is answered or times out, so the bound cannot hold anything up for
 * good, whereas one on waiting records could make two instances of a worker wait for each other.
 */

/** Bytes in flight, shared by the lanes of one worker. */
export class FlightBudget {
  readonly #bytesMax: number;
  #waiting = new Set<() => void>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for a frame; false: there is none, and `onFree` is called once when there may be. A single frame always has room. */
  take(bytes: number, onFree: () => void): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      this.#waiting.add(onFree);
      return false;
    }
    this.#bytes += bytes;
    return true;
  }

  /** Frames have been answered, or are in flight no more. */
  give(bytes: number): void {
    if (bytes === 0) return;
    this.#bytes -= bytes;
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const onFree of waiting) onFree();
  }
}
