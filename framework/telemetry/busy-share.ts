/**
 * Which share of its time something was busy, over the last seconds.
 *
 * Owns the average; whoever does the work says how much it was, in all, when it is asked.
 *
 * B1. What happens in the first seconds says nothing yet: code is compiled, and what was missed is read.
 */

/** Time over which the average goes: after so long, what is older has lost two thirds of its weight, ms. */
const memoryMs = 30_000;
const sampleMsMin = 500;
const warmUpMs = 3_000;

/** An average that follows. */
export class BusyShare {
  #last: { readonly busyMs: number; readonly atMs: number } | undefined;
  #firstAtMs = Infinity;
  #share: number | undefined;

  /** `busyMs` in all so far, at `nowMs` (monotonic). Answers the share, 0 to 1 and a little above; undefined while it is not known. */
  sample(busyMs: number, nowMs: number): number | undefined {
    const last = this.#last;
    if (last !== undefined && nowMs - last.atMs < sampleMsMin) return this.#share;
    this.#last = { busyMs, atMs: nowMs };
    this.#firstAtMs = Math.min(this.#firstAtMs, nowMs);
    // B1
    if (last === undefined || last.atMs < this.#firstAtMs + warmUpMs) return this.#share;
    const passedMs = nowMs - last.atMs;
    const share = (busyMs - last.busyMs) / passedMs;
    const kept = this.#share === undefined ? 0 : Math.exp(-passedMs / memoryMs);
    this.#share = kept * (this.#share ?? 0) + (1 - kept) * share;
    return this.#share;
  }
}
