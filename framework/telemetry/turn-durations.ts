/**
 * How long turns take: percentiles of the last seconds, from counts in fixed buckets.
 *
 * Owns two sets of buckets, the one being filled and the one before it. Eight buckets per doubling, in microseconds; nothing is allocated after the
 * constructor, and no clock is read: the caller knows the time anyway.
 *
 * D1. A percentile is never below the true one, and at most an eighth (or 1 microsecond) above it.
 * D2. A percentile speaks of the last 10 to 20 s: what is older has no part in it.
 */

/** Time after which the buckets being filled become the ones before, ms. */
const windowMs = 10_000;

/** Durations below this have a bucket per microsecond. */
const exactMicros = 16;
const exactBits = 4;
/** Buckets per doubling, as bits. */
const stepBits = 3;
const steps = 1 << stepBits;
/** The last bucket takes everything longer: about 35 minutes. */
const microsMax = 2 ** 31 - 1;
const buckets = exactMicros + (31 - exactBits) * steps;

/** Durations of the turns of one instance. */
export class TurnDurations {
  #filling = new Uint32Array(buckets);
  #before = new Uint32Array(buckets);
  #untilMs = -Infinity;

  /** A turn that ended at `nowMs` (monotonic, as in every other call) took `durationMs`. */
  record(durationMs: number, nowMs: number): void {
    if (nowMs >= this.#untilMs) this.#turnOver(nowMs);
    const bucket = bucketOf(durationMs);
    this.#filling[bucket] = (this.#filling[bucket] ?? 0) + 1;
  }

  /** The duration that the share `share` (0.99: all but one in a hundred) of the turns did not exceed, ms; 0 when there were none. */
  percentileMs(share: number, nowMs: number): number {
    if (nowMs >= this.#untilMs) this.#turnOver(nowMs);
    let total = 0;
    for (let at = 0; at < buckets; at += 1) total += this.#count(at);
    let left = Math.ceil(total * share);
    if (left === 0) return 0;
    for (let at = 0; at < buckets; at += 1) {
      left -= this.#count(at);
      if (left <= 0) return upperMs(at);
    }
    return upperMs(buckets - 1);
  }

  #count(bucket: number): number {
    return (this.#filling[bucket] ?? 0) + (this.#before[bucket] ?? 0);
  }

  #turnOver(nowMs: number): void {
    const isLongAgo = nowMs >= this.#untilMs + windowMs;
    [this.#filling, this.#before] = [this.#before, this.#filling];
    this.#filling.fill(0);
    if (isLongAgo) this.#before.fill(0);
    this.#untilMs = nowMs + windowMs;
  }
}

function bucketOf(durationMs: number): number {
  const micros = Math.max(0, Math.min(durationMs * 1_000, microsMax)) | 0;
  if (micros < exactMicros) return micros;
  const exponent = 31 - Math.clz32(micros);
  return exactMicros + (exponent - exactBits) * steps + ((micros >>> (exponent - stepBits)) & (steps - 1));
}

/** Where the bucket ends, ms. */
function upperMs(bucket: number): number {
  if (bucket < exactMicros) return (bucket + 1) / 1_000;
  const at = bucket - exactMicros;
  const exponent = exactBits + Math.floor(at / steps);
  return ((steps + (at % steps) + 1) * 2 ** (exponent - stepBits)) / 1_000;
}
