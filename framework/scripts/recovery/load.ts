/**
 * The load of the recovery and soak measurements: records that are a function of their index, due by the wall clock, and the results they must give.
 *
 * Owns the records and what their windows come to. Open loop: record `index` is due when the wall clock reaches its timestamp, whether anybody has fallen
 * behind or not; so what a crash delays is late, and not merely moved.
 *
 * L1. A record is a function of its index alone; index i belongs to split i % splits. An end, once told, is the same for every reader.
 * L2. Records become readable in steps of `stepMs` of the wall clock, of which the ends of windows are multiples: at the end of a window its first
 *     record is readable.
 */
import type { SourceSpec, Split, SplitReader, SplitTake } from "../../index.ts";
import { hashKey, partitionOf } from "../../record/key.ts";

/** A record. */
export interface Hit {
  readonly key: number;
  readonly at: number;
  readonly weight: number;
}

/** What the load is made of; the same in every process of a measurement. */
export interface LoadShape {
  /** First timestamp, and the moment at which the load begins: a multiple of `windowMs`. */
  readonly beginMs: number;
  readonly recordsPerMs: number;
  readonly splits: number;
  readonly keys: number;
  readonly partitions: number;
  readonly windowMs: number;
  readonly stepMs: number;
}

/** What the window of a key must hold. */
export interface Expected {
  readonly count: number;
  readonly weight: number;
}

/** Record `index`. */
export function hitAt({ beginMs, recordsPerMs, keys }: LoadShape, index: number): Hit {
  return {
    key: mixed(index) % keys,
    at: beginMs + Math.floor(index / recordsPerMs),
    weight: index % 1_009,
  };
}

/** Every key that has records in the window beginning at `startMs`, with what they come to. */
export function expectedOf(shape: LoadShape, startMs: number): Map<number, Expected> {
  const expected = new Map<number, Expected>();
  const first = (startMs - shape.beginMs) * shape.recordsPerMs;
  for (let index = first; index < first + shape.windowMs * shape.recordsPerMs; index += 1) {
    const { key, weight } = hitAt(shape, index);
    const before = expected.get(key);
    expected.set(key, { count: (before?.count ?? 0) + 1, weight: (before?.weight ?? 0) + weight });
  }
  return expected;
}

/** The partition that a key belongs to. */
export function partitionOfKey({ partitions }: LoadShape, key: number): number {
  return partitionOf(hashKey(key), partitions);
}

/** When the load ends, ms since the epoch: told to every process before that moment comes. */
export interface LoadEnd {
  atMs: number;
}

/** The load as a source. `end` may be set while it is read. */
export function loadSource(shape: LoadShape, end: LoadEnd): SourceSpec<Hit> {
  const splits: Split[] = Array.from({ length: shape.splits }, (_, index) => ({
    name: String(index),
    identity: `load ${index} of ${shape.splits} from ${shape.beginMs}`,
  }));
  return {
    description: `load(${shape.recordsPerMs * 1_000}/s)`,
    reader: {
      kind: "replayable",
      positions: "dense",
      bounded: true,
      splits: () => Promise.resolve(splits),
      open: ({ split, after, onReadable, schedule, monotonicMs }) => {
        // Within a turn the wall clock answers from the message: its distance from the monotonic one is taken here.
        const aheadMs = Date.now() - monotonicMs();
        const wall = { nowMs: () => monotonicMs() + aheadMs, schedule, onReadable };
        return Promise.resolve(new LoadReader(shape, end, Number(split.name), after ?? 0, wall));
      },
    },
  };
}

interface Wall {
  nowMs(): number;
  schedule(delayMs: number, wake: () => void): () => void;
  onReadable(): void;
}

class LoadReader implements SplitReader {
  readonly #shape: LoadShape;
  readonly #end: LoadEnd;
  readonly #split: number;
  readonly #wall: Wall;
  #read: number;
  #readableMs = -Infinity;
  #cancelWake: (() => void) | undefined;

  constructor(shape: LoadShape, end: LoadEnd, split: number, read: number, wall: Wall) {
    this.#shape = shape;
    this.#end = end;
    this.#split = split;
    this.#read = read;
    this.#wall = wall;
  }

  take(): SplitTake {
    const value = hitAt(this.#shape, this.#read * this.#shape.splits + this.#split);
    if (value.at >= this.#end.atMs) return "ended";
    if (value.at > this.#readableMs && !this.#isReadable(value.at)) return "waiting";
    this.#read += 1;
    return { position: this.#read, value };
  }

  close(): void {
    this.#cancelWake?.();
  }

  #isReadable(atMs: number): boolean {
    const { stepMs } = this.#shape;
    const nowMs = this.#wall.nowMs();
    this.#readableMs = Math.floor(nowMs / stepMs) * stepMs;
    if (atMs <= this.#readableMs) return true;
    const dueMs = Math.ceil(atMs / stepMs) * stepMs;
    this.#cancelWake ??= this.#wall.schedule(Math.max(0, dueMs - nowMs), () => {
      this.#cancelWake = undefined;
      this.#wall.onReadable();
    });
    return false;
  }
}

function mixed(index: number): number {
  let hash = Math.imul(index ^ (index >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
