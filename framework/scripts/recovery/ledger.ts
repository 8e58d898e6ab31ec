/**
 * Every result that has arrived, once: when, and whether it is right.
 *
 * Owns the comparison with what the load must give, and the delay of each result. Rows come from an idempotent sink: one that comes again with the same
 * number is dropped, and must say the same.
 *
 * D1. The delay of a result is the moment at which the sink is given it less the end of its window, both on the wall clock of this machine. From the source:
 *     less the moment at which the end of its window had been passed at every split. What the sink then needs to hand it over is no delay of the job.
 * D2. Lost: a (key, window) of the load without a result. Doubled: one with two results under different numbers. Wrong: anything else that does not agree
 *     with the load, or with an earlier row of the same number.
 */
import { expectedOf, partitionOfKey, type LoadShape } from "./load.ts";
import type { ResultRow } from "./messages.ts";

/** A result with its delay. */
export interface Arrival {
  readonly key: number;
  readonly partition: number;
  readonly delayMs: number;
}

/** Results of one window, by key; NaN: none has arrived. */
interface WindowLedger {
  readonly delays: Float64Array;
  readonly counts: Float64Array;
  readonly weights: Float64Array;
  arrived: number;
}

/** What is wrong with the results. */
export interface Verdict {
  readonly results: number;
  readonly lost: number;
  readonly doubled: number;
  readonly wrong: number;
  /** Rows that came again under their number, and were dropped: no mistake. */
  readonly repeated: number;
}

/** The results of one measurement. */
export class Ledger {
  readonly #shape: LoadShape;
  readonly #partitions: readonly number[];
  readonly #windows = new Map<number, WindowLedger>();
  /** By partition and number of the row: which result it was. */
  readonly #taken: number[][];
  /** By end of the window and split. */
  readonly #passed = new Map<number, Map<number, number>>();
  readonly #sizes = new Map<number, number>();
  #doubled = 0;
  #wrong = 0;
  #repeated = 0;
  #results = 0;

  constructor(shape: LoadShape) {
    this.#shape = shape;
    this.#partitions = Array.from({ length: shape.keys }, (_, key) => partitionOfKey(shape, key));
    this.#taken = Array.from({ length: shape.partitions }, () => []);
  }

  /** Takes a row that the sink was given at `atMs`. */
  add(partition: number, row: ResultRow, atMs: number): void {
    const [number, key, startMs, count, weight] = row;
    const { beginMs, windowMs, keys } = this.#shape;
    const result = ((startMs - beginMs) / windowMs) * keys + key;
    const window = this.#window(startMs);
    const taken = this.#taken[partition];
    const before = taken?.[number];
    if (taken === undefined || before !== undefined) return this.#repeat(before === result, window, row);
    taken[number] = result;
    if (!Number.isNaN(window.delays[key])) {
      this.#doubled += 1;
      return;
    }
    if (this.#partitions[key] !== partition) this.#wrong += 1;
    this.#results += 1;
    window.arrived += 1;
    window.delays[key] = atMs - (startMs + windowMs);
    window.counts[key] = count;
    window.weights[key] = weight;
  }

  /** A record behind the end of a window has been read from `split`; what is said first counts. */
  passed(split: number, endMs: number, atMs: number): void {
    const passed = this.#passed.get(endMs) ?? new Map<number, number>();
    this.#passed.set(endMs, passed);
    if (!passed.has(split)) passed.set(split, atMs);
  }

  /** How long after its end the window beginning at `startMs` had been passed at every split; undefined while it has not. */
  passedMs(startMs: number): number | undefined {
    const endMs = startMs + this.#shape.windowMs;
    const passed = this.#passed.get(endMs);
    return passed?.size === this.#shape.splits ? Math.max(...passed.values()) - endMs : undefined;
  }

  /** Results of the window beginning at `startMs` that have arrived. */
  arrivals(startMs: number): readonly Arrival[] {
    const arrivals: Arrival[] = [];
    for (const [key, delayMs] of this.#windows.get(startMs)?.delays.entries() ?? [])
      if (!Number.isNaN(delayMs)) arrivals.push({ key, partition: this.#partitions[key] ?? -1, delayMs });
    return arrivals;
  }

  /** Whether every key of the load has its result of that window. */
  isWhole(startMs: number): boolean {
    let size = this.#sizes.get(startMs);
    if (size === undefined) this.#sizes.set(startMs, (size = expectedOf(this.#shape, startMs).size));
    return (this.#windows.get(startMs)?.arrived ?? 0) >= size;
  }

  /** Compares every window up to `endMs` with the load. */
  verdict(endMs: number): Verdict {
    const { beginMs, windowMs } = this.#shape;
    let lost = 0;
    let wrong = this.#wrong;
    for (let startMs = beginMs; startMs < endMs; startMs += windowMs) {
      const { counts, weights, arrived } = this.#window(startMs);
      const expected = expectedOf(this.#shape, startMs);
      let agreeing = 0;
      for (const [key, { count, weight }] of expected) {
        if (Number.isNaN(counts[key])) lost += 1;
        else if (counts[key] === count && weights[key] === weight) agreeing += 1;
      }
      wrong += arrived - agreeing;
    }
    for (const [startMs, { arrived }] of this.#windows) if (startMs >= endMs) wrong += arrived;
    return { results: this.#results, lost, doubled: this.#doubled, wrong, repeated: this.#repeated };
  }

  #repeat(isSame: boolean, { counts, weights }: WindowLedger, [, key, , count, weight]: ResultRow): void {
    if (isSame && counts[key] === count && weights[key] === weight) this.#repeated += 1;
    else this.#wrong += 1;
  }

  #window(startMs: number): WindowLedger {
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      const empty = () => new Float64Array(this.#shape.keys).fill(Number.NaN);
      window = { delays: empty(), counts: empty(), weights: empty(), arrived: 0 };
      this.#windows.set(startMs, window);
    }
    return window;
  }
}
