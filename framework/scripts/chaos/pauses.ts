/**
 * How long results stayed away: of the keys that a fault has hit, and of all others.
 *
 * Owns what is made of the moments at which the sink has stored results; whose keys were hit, it is told.
 *
 * P1. A result is *late* by its delay (stored less the end of its window) less the median delay of the calm phase.
 * P2. The recovery of a key from a fault is the latest of its results from the fault on until one is in time again, but no more than the time since the
 *     fault. Faults that overlap are each charged with what they find; what a fault comes to alone, those say that no other one has overlapped.
 * P3. The pause of the others is the longest gap between two results of a key that no fault of the time had hit; only while none held up every key. Its
 *     measure is the same gap in the calm phase.
 */
import type { StoredResult } from "./verdict.ts";

/** A fault and the keys that it has hit. */
export interface Hit {
  readonly kind: string;
  /** ms since the epoch: when it came, and when the last of it was put right. */
  readonly atMs: number;
  readonly healedMs: number;
  readonly keys: ReadonlySet<number> | "all";
}

/** Pauses in ms. */
export interface Pauses {
  readonly recoveryMs: ReadonlyMap<string, readonly number[]>;
  /** The same of faults that no other one has overlapped. */
  readonly aloneMs: ReadonlyMap<string, readonly number[]>;
  readonly othersPauseMs: readonly number[];
  readonly calmPauseMs: readonly number[];
}

interface Result {
  readonly endMs: number;
  readonly storedMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A result that is no later than this is in time, ms. */
const inTimeMs = 100;
/** Length of the spans that the calm phase is cut into, ms: about as long as a fault lasts. */
const calmSpanMs = 5_000;

/** What the results come to. */
export function pausesOf(results: Iterable<StoredResult>, windowMs: number, calm: Span, hits: readonly Hit[]): Pauses {
  const byKey = resultsByKey(results, windowMs);
  const usualMs = medianDelay(byKey, calm);
  const recoveryMs = new Map<string, number[]>();
  const spans = hits.map((hit) => {
    const recoveries = [...byKey]
      .filter(([key]) => hit.keys === "all" || hit.keys.has(key))
      .map(([, of]) => recoveryOf(of, hit, usualMs));
    collect(recoveryMs, hit.kind, recoveries);
    const longestMs = recoveries.reduce((longest, ms) => Math.max(longest, ms), 0);
    return { hit, recoveries, fromMs: hit.atMs, toMs: Math.max(hit.healedMs, hit.atMs + longestMs) + windowMs };
  });
  const aloneMs = new Map<string, number[]>();
  for (const span of spans)
    if (spans.every((other) => other === span || !overlaps(span, other)))
      collect(aloneMs, span.hit.kind, span.recoveries);
  const othersPauseMs = spans.flatMap((span) => {
    const hitThen = spans.filter((other) => overlaps(span, other)).map(({ hit }) => hit);
    if (hitThen.some(({ keys }) => keys === "all")) return [];
    const others = [...byKey].filter(([key]) => hitThen.every(({ keys }) => keys !== "all" && !keys.has(key)));
    return others.flatMap(([, of]) => longestGap(of, span));
  });
  return { recoveryMs, aloneMs, othersPauseMs, calmPauseMs: calmGaps(byKey, calm) };
}

function overlaps(one: Span, other: Span): boolean {
  return other.fromMs < one.toMs && one.fromMs < other.toMs;
}

function collect(all: Map<string, number[]>, kind: string, more: readonly number[]): void {
  all.set(kind, [...(all.get(kind) ?? []), ...more]);
}

function resultsByKey(results: Iterable<StoredResult>, windowMs: number): Map<number, Result[]> {
  const byKey = new Map<number, Result[]>();
  for (const { key, startMs, storedMs } of results) {
    const of = byKey.get(key) ?? [];
    byKey.set(key, of);
    of.push({ endMs: startMs + windowMs, storedMs });
  }
  for (const of of byKey.values()) of.sort((a, b) => a.endMs - b.endMs);
  return byKey;
}

function medianDelay(byKey: ReadonlyMap<number, readonly Result[]>, { fromMs, toMs }: Span): number {
  const delays = [...byKey.values()].flatMap((of) =>
    of.filter(({ endMs }) => endMs > fromMs && endMs <= toMs).map(({ endMs, storedMs }) => storedMs - endMs),
  );
  return delays.toSorted((a, b) => a - b)[Math.floor(delays.length / 2)] ?? 0;
}

function recoveryOf(of: readonly Result[], { atMs, healedMs }: Hit, usualMs: number): number {
  let latestMs = 0;
  for (const { endMs, storedMs } of of) {
    if (endMs < atMs) continue;
    const lateMs = storedMs - endMs - usualMs;
    latestMs = Math.max(latestMs, Math.min(lateMs, storedMs - atMs));
    if (lateMs <= inTimeMs && (latestMs > inTimeMs || endMs > healedMs)) break;
  }
  return latestMs;
}

function longestGap(of: readonly Result[], { fromMs, toMs }: Span): number[] {
  let longestMs = 0;
  for (const [at, { storedMs }] of of.entries()) {
    const before = of[at - 1];
    if (before !== undefined && storedMs > fromMs && storedMs <= toMs)
      longestMs = Math.max(longestMs, storedMs - before.storedMs);
  }
  return longestMs === 0 ? [] : [longestMs];
}

function calmGaps(byKey: ReadonlyMap<number, readonly Result[]>, { fromMs, toMs }: Span): number[] {
  const gaps: number[] = [];
  for (let spanMs = fromMs; spanMs + calmSpanMs <= toMs; spanMs += calmSpanMs)
    for (const of of byKey.values()) gaps.push(...longestGap(of, { fromMs: spanMs, toMs: spanMs + calmSpanMs }));
  return gaps;
}
