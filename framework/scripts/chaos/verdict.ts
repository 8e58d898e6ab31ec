/**
 * What the sinks hold, against what the load must give.
 *
 * Owns the comparison. Takes rows as they are stored, from whoever reads the sink, and nothing that the job says of itself.
 *
 * V1. A record is lost when a window counts too few, or is missing; duplicated when it counts too many, or comes twice. A window is wrong when its
 *     count or its sum is not the load's, when it is missing or comes twice, and when there should be none.
 */
import { expectedOf, type LoadShape } from "../recovery/load.ts";

/** A row of a sink. */
export interface StoredResult {
  readonly key: number;
  readonly startMs: number;
  readonly count: number;
  readonly weight: number;
  /** When the sink stored it, ms since the epoch. */
  readonly storedMs: number;
}

/** What is wrong, in numbers of records and windows. */
export interface Verdict {
  /** That the load consists of. */
  readonly records: number;
  /** Results in the sink. */
  readonly results: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly wrongWindows: number;
  /** The first few that are wrong, in words. */
  readonly examples: readonly string[];
}

const examplesMax = 10;

/** Compares `results` with the load up to `endMs`. */
export function judge(shape: LoadShape, endMs: number, results: Iterable<StoredResult>): Verdict {
  const { beginMs, windowMs, recordsPerMs } = shape;
  const windows = byWindow(results);
  const sums = { results: 0, lost: 0, duplicated: 0, wrongWindows: 0, examples: [] as string[] };
  for (let startMs = beginMs; startMs < endMs; startMs += windowMs) {
    const found = windows.get(startMs) ?? new Map<number, StoredResult[]>();
    windows.delete(startMs);
    for (const [key, expected] of expectedOf(shape, startMs)) {
      add(sums, { key, startMs, ...expected }, found.get(key) ?? []);
      found.delete(key);
    }
    for (const [key, rows] of found) add(sums, { key, startMs, count: 0, weight: 0 }, rows);
  }
  for (const [startMs, found] of windows)
    for (const [key, rows] of found) add(sums, { key, startMs, count: 0, weight: 0 }, rows);
  return { records: (endMs - beginMs) * recordsPerMs, ...sums };
}

function byWindow(results: Iterable<StoredResult>): Map<number, Map<number, StoredResult[]>> {
  const windows = new Map<number, Map<number, StoredResult[]>>();
  for (const result of results) {
    const window = windows.get(result.startMs) ?? new Map<number, StoredResult[]>();
    windows.set(result.startMs, window);
    window.set(result.key, [...(window.get(result.key) ?? []), result]);
  }
  return windows;
}

type Sums = { -readonly [K in Exclude<keyof Verdict, "records" | "examples">]: Verdict[K] } & {
  readonly examples: string[];
};

function add(sums: Sums, expected: Omit<StoredResult, "storedMs">, rows: readonly StoredResult[]): void {
  const { key, startMs, count, weight } = expected;
  const counted = rows.reduce((sum, row) => sum + row.count, 0);
  sums.results += rows.length;
  sums.lost += Math.max(0, count - counted);
  sums.duplicated += Math.max(0, counted - count);
  const isRight = rows.length === 1 && rows[0]?.count === count && rows[0].weight === weight;
  if (isRight) return;
  sums.wrongWindows += 1;
  if (sums.examples.length >= examplesMax) return;
  const found = rows.map((row) => `${row.count} records, sum ${row.weight}`).join(" and ") || "nothing";
  sums.examples.push(`key ${key}, window of ${startMs}: ${found} instead of ${count} records, sum ${weight}`);
}
