/**
 * When what is hurt: drawn before anything starts, from a seed alone.
 *
 * S1. The same seed, duration and kinds give the same schedule. Who exactly is hit is drawn from it too; that the same worker leads then is nobody's
 *     promise.
 * S2. A volley of one to three faults every 5 to 20 s; within it they overlap.
 */
import { seededRandom } from "../../platform/random.ts";

/** A kind of fault, as far as the schedule needs to know it. */
export interface ScheduledKind {
  readonly name: string;
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** How long it lasts. */
  readonly lastsMs: readonly [min: number, max: number];
}

/** One fault that is to come. */
export interface PlannedFault<K extends ScheduledKind = ScheduledKind> {
  readonly kind: K;
  /** From the beginning of the fire. */
  readonly atMs: number;
  readonly lastsMs: number;
  /** From 0 to 1: which of those that fit is hit. */
  readonly pick: number;
  /** From 0 to 1: how badly, where there are degrees. */
  readonly degree: number;
}

const volleyMsMin = 5_000;
const volleyMsMax = 20_000;
const volleyMax = 3;
/** The faults of a volley begin within this. */
const spreadMs = 2_500;

/** Draws the faults of `durationMs`, in order of time. */
export function drawSchedule<K extends ScheduledKind>(
  seed: string,
  durationMs: number,
  kinds: readonly K[],
): readonly PlannedFault<K>[] {
  const random = seededRandom(seed).fork("schedule");
  const between = (min: number, max: number) => min + random.next() * (max - min);
  const faults: PlannedFault<K>[] = [];
  for (let atMs = between(1_000, volleyMsMin); atMs < durationMs; atMs += between(volleyMsMin, volleyMsMax)) {
    const count = 1 + random.below(volleyMax);
    for (let fault = 0; fault < count; fault += 1) {
      const kind = weighted(kinds, random.next());
      const beginMs = atMs + (fault === 0 ? 0 : random.next() * spreadMs);
      const lastsMs = between(...kind.lastsMs);
      faults.push({ kind, atMs: beginMs, lastsMs, pick: random.next(), degree: random.next() });
    }
  }
  return faults.filter(({ atMs }) => atMs < durationMs).toSorted((a, b) => a.atMs - b.atMs);
}

function weighted<K extends ScheduledKind>(kinds: readonly K[], share: number): K {
  const [first] = kinds;
  if (first === undefined) throw new RangeError("no kinds of faults");
  let left = share * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  return first;
}
