/**
 * Sources that live in the program: arrays and generators.
 *
 * Owns the splits and their readers. A record is a pure function of its position, so a split can be read again from anywhere (S1); positions are
 * dense and start at 1 (S2).
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Split, SourceSpec, SplitOpening, SplitReader, SplitTake } from "../log/source.ts";
import { Pace, rateOfSplit } from "./pace.ts";

/** Options of {@link fromArray} and {@link fromArrays}. */
export interface ArrayOptions<T> {
  /**
   * Takes the event timestamp of a value, ms since the epoch; timestamps may not go back within a split. For values out of order say
   * `.timestamps(of, { outOfOrderness })` on the stream instead.
   * @default none: the program says so, or there is no event time
   */
  readonly timestamps?: ((value: T) => number) | undefined;
  /**
   * Records per second, over all splits together and counted from the reader's opening.
   * @default as fast as they are taken
   */
  readonly rate?: number | undefined;
}

/**
 * The values of an array as a bounded source of one split.
 *
 * @example
 * const clicks = job("clicks").source("clicks", fromArray([{ user: "a", at: 0 }], { timestamps: (click) => click.at }));
 * @throws OPTION_INVALID for a rate that is no number above 0
 */
export function fromArray<T>(values: readonly T[], options: ArrayOptions<T> = {}): SourceSpec<T> {
  return fromArrays([values], options);
}

/**
 * The values of several arrays as a bounded source with one split per array: each is in order for itself, and they are read side by side.
 *
 * @example
 * const readings = job("plant").source("readings", fromArrays([[{ device: "a", celsius: 20 }], [{ device: "b", celsius: 21 }]]));
 * @throws OPTION_INVALID for a rate that is no number above 0, or for no array at all
 */
export function fromArrays<T>(arrays: readonly (readonly T[])[], options: ArrayOptions<T> = {}): SourceSpec<T> {
  const splits = arrays.map((values, index) => ({ name: String(index), identity: `array of ${values.length}` }));
  return dense({
    description: arrays.length === 1 ? `array(${count(arrays[0]?.length ?? 0)})` : `arrays(${arrays.length})`,
    splits,
    bounded: true,
    isWhole: true,
    rate: options.rate,
    timestamps: options.timestamps,
    lengthOf: (split) => arrays[split]?.length ?? 0,
    valueAt: (split, index) => arrays[split]?.[index] as T,
  });
}

/** Options of {@link generator}. */
export interface GeneratorOptions<T> {
  /**
   * Makes record `index` (0, 1, 2 … over all splits) of split `split`. A pure function of its arguments: after a crash records are made again.
   * When it throws, the record becomes a dead letter.
   */
  readonly make: (index: number, split: number) => T;
  /**
   * Number of records over all splits.
   * @default no end
   */
  readonly count?: number | undefined;
  /**
   * Records per second, over all splits together and counted from the reader's opening.
   * @default as fast as they are taken
   */
  readonly rate?: number | undefined;
  /**
   * Number of splits; record `index` belongs to split `index % splits`.
   * @default 1
   */
  readonly splits?: number | undefined;
  /**
   * Takes the event timestamp of a value, ms since the epoch; timestamps may not go back within a split. For values out of order say
   * `.timestamps(of, { outOfOrderness })` on the stream instead.
   * @default none: the program says so, or there is no event time
   */
  readonly timestamps?: ((value: T) => number) | undefined;
}

/**
 * Records made by a function of their index: for demonstrations, tests and load.
 *
 * @example
 * const load = job("load").source("load", generator({ rate: 1_000, make: (index) => ({ user: index % 10, at: index }) }));
 * @throws OPTION_INVALID for a count that is no whole number, fewer than one split, or a rate that is no number above 0
 */
export function generator<T>(options: GeneratorOptions<T>): SourceSpec<T> {
  const { make, splits = 1, count: total = Infinity, rate } = options;
  if (total !== Infinity) checkWhole(total, 0, "count");
  checkWhole(splits, 1, "splits");
  const extent = options.count === undefined ? "no end" : count(total);
  return dense({
    description: `generator(${extent}${rate === undefined ? "" : `, ${rate}/s`})`,
    splits: Array.from({ length: splits }, (_, index) => ({
      name: String(index),
      identity: `generator ${index} of ${splits}`,
    })),
    bounded: options.count !== undefined,
    isWhole: false,
    rate,
    timestamps: options.timestamps,
    lengthOf: (split) => Math.ceil((total - split) / splits),
    valueAt: (split, index) => make(index * splits + split, split),
  });
}

interface DenseSource<T> {
  readonly description: string;
  readonly splits: readonly Split[];
  readonly bounded: boolean;
  readonly isWhole: boolean;
  readonly rate: number | undefined;
  readonly timestamps: ((value: T) => number) | undefined;
  lengthOf(split: number): number;
  valueAt(split: number, index: number): T;
}

function dense<T>(source: DenseSource<T>): SourceSpec<T> {
  const { description, splits, bounded, isWhole, timestamps } = source;
  if (splits.length === 0) throw new StreamError("OPTION_INVALID", "a source takes at least one array");
  const rate = rateOfSplit(source.rate, splits.length);
  return {
    description,
    ...(timestamps === undefined ? {} : { timestamps: { of: timestamps, outOfOrdernessMs: 0 } }),
    reader: {
      kind: "replayable",
      positions: "dense",
      bounded,
      isWhole,
      splits: () => Promise.resolve(splits),
      async open(opening) {
        const split = splits.findIndex(({ name }) => name === opening.split.name);
        checkIdentity(splits[split], opening.split);
        return new DenseReader(source, split, rate, opening);
      },
    },
  };
}

function checkIdentity(now: Split | undefined, before: Split): void {
  if (now?.identity === before.identity) return;
  const found = now === undefined ? "is not there any more" : `is now ${now.identity}`;
  throw new StreamError(
    "SOURCE_CHANGED",
    `split ${before.name}: the job has been reading ${before.identity}, which ${found}`,
  );
}

/** Reads one split; what has been read is a number. */
class DenseReader<T> implements SplitReader {
  readonly #source: DenseSource<T>;
  readonly #split: number;
  readonly #length: number;
  readonly #pace: Pace;
  #read: number;

  constructor(source: DenseSource<T>, split: number, rate: number | undefined, opening: SplitOpening) {
    this.#source = source;
    this.#split = split;
    this.#length = source.lengthOf(split);
    this.#pace = new Pace(rate, opening);
    this.#read = opening.after ?? 0;
  }

  take(): SplitTake {
    if (this.#read >= this.#length) return "ended";
    if (!this.#pace.isDue()) return "waiting";
    this.#pace.took();
    this.#read += 1;
    const position = this.#read;
    try {
      return { position, value: this.#source.valueAt(this.#split, position - 1) };
    } catch (error) {
      return { position, invalid: messageOf(error), raw: `record ${position} of split ${this.#split}` };
    }
  }

  close(): void {
    this.#pace.close();
  }
}

function checkWhole(value: number, least: number, what: string): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new StreamError("OPTION_INVALID", `${what} is ${value}; it takes a whole number of ${least} or more`);
}

function count(records: number): string {
  return `${records} ${records === 1 ? "record" : "records"}`;
}
