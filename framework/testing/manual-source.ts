/**
 * A source that a test feeds by hand: records, watermarks and the end come when the test says so.
 *
 * Owns the entries of its splits, which stay, so that a crashed instance can read them again. Watermarks come from the test alone: what the
 * program's `timestamps` would make of the records is not used.
 */
import type { ReplayableSource, SourceSpec, SplitEntry, SplitOpening, SplitReader, SplitTake } from "../log/source.ts";

interface ManualSplit {
  readonly entries: SplitEntry[];
  /** Position before the first entry: that of the savepoint, in a job that goes on from one. */
  before: number;
  readonly readers: Set<SplitOpening>;
  isEnded: boolean;
}

/** A source driven by a test. */
export class ManualSource {
  readonly #splits: readonly ManualSplit[];
  readonly #original: SourceSpec | undefined;
  readonly #now: (() => number) | undefined;

  /** `now`: what the split's store gives records as their time; none without it. */
  constructor(splits = 1, original?: SourceSpec, now?: () => number) {
    this.#now = now;
    this.#splits = Array.from({ length: splits }, () => ({
      entries: [],
      before: 0,
      readers: new Set<SplitOpening>(),
      isEnded: false,
    }));
    this.#original = original;
  }

  /** The source as a plan carries it. */
  get spec(): SourceSpec {
    const timestamps = this.#original?.timestamps;
    return { description: "manual", reader: this.#reader(), ...(timestamps === undefined ? {} : { timestamps }) };
  }

  /** Adds records to one split. */
  feed(values: readonly unknown[], split = 0): void {
    const storedAtMs = this.#now?.();
    for (const value of values) this.#push(split, (position) => ({ position, value, storedAtMs }));
  }

  /** Event time of every split comes to `watermark`. */
  watermark(watermark: number): void {
    for (const split of this.#splits.keys()) this.#push(split, (position) => ({ position, watermark }));
  }

  /** Event time of one split alone comes to `watermark`. */
  watermarkOf(split: number, watermark: number): void {
    this.#push(split, (position) => ({ position, watermark }));
  }

  /** Every split ends. */
  end(): void {
    for (const split of this.#splits) {
      split.isEnded = true;
      wake(split);
    }
  }

  #push(index: number, make: (position: number) => SplitEntry): void {
    const split = this.#splits[index];
    if (split === undefined) throw new RangeError(`the source has no split ${index}`);
    split.entries.push(make(split.before + split.entries.length + 1));
    wake(split);
  }

  #reader(): ReplayableSource {
    return {
      kind: "replayable",
      positions: "dense",
      bounded: false,
      storesTimes: this.#now !== undefined,
      splits: () =>
        Promise.resolve(this.#splits.map((_, index) => ({ name: `manual-${index}`, identity: `manual-${index}` }))),
      open: (opening) => Promise.resolve(this.#open(opening)),
    };
  }

  #open(opening: SplitOpening): SplitReader {
    const split = this.#splits[Number(opening.split.name.slice("manual-".length))];
    if (split === undefined) throw new RangeError(`the source has no split ${opening.split.name}`);
    const { after = 0 } = opening;
    if (split.entries.length === 0) split.before = after;
    let next = after - split.before;
    split.readers.add(opening);
    return {
      take(): SplitTake {
        const entry = split.entries[next];
        if (entry === undefined) return split.isEnded ? "ended" : "empty";
        next += 1;
        return entry;
      },
      close: () => split.readers.delete(opening),
    };
  }
}

function wake(split: ManualSplit): void {
  for (const { schedule, onReadable } of split.readers) schedule(0, onReadable);
}
