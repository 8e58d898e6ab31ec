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
  /** Its index, which no other record has: a window that misses one and has another twice does not come to the same sum. */
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
    weight: index,
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

/** What a reader of the load shares with its process. */
export interface LoadWorld {
  /** When the load ends, ms since the epoch: told to every process before that moment comes. */
  endMs: number;
  /** Wall clock with fractions, ms since the epoch; not called in turns. */
  wallMs(): number;
  /** A record behind the end of a window has been read, at `atMs` on the wall clock. Called in turns; again when it is read again. */
  onPassed(split: number, endMs: number, atMs: number): void;
}

/** The load as a source. `world.endMs` may be set while it is read. */
export function loadSource(shape: LoadShape, world: LoadWorld): SourceSpec<Hit> {
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
        const aheadMs = world.wallMs() - monotonicMs();
        const wall = { nowMs: () => monotonicMs() + aheadMs, schedule, onReadable };
        return Promise.resolve(new LoadReader(shape, world, Number(split.name), after ?? 0, wall));
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
  readonly #world: LoadWorld;
  readonly #split: number;
  readonly #wall: Wall;
  #read: number;
  #readableMs = -Infinity;
  #passesMs: number;
  #cancelWake: (() => void) | undefined;

  constructor(shape: LoadShape, world: LoadWorld, split: number, read: number, wall: Wall) {
    this.#shape = shape;
    this.#world = world;
    this.#split = split;
    this.#read = read;
    this.#wall = wall;
    const { beginMs, windowMs } = shape;
    this.#passesMs = beginMs + (Math.floor((this.#next().at - beginMs) / windowMs) + 1) * windowMs;
  }

  take(): SplitTake {
    const value = this.#next();
    if (value.at >= this.#world.endMs) return "ended";
    if (value.at > this.#readableMs && !this.#isReadable(value.at)) return "waiting";
    this.#read += 1;
    if (value.at >= this.#passesMs) this.#pass();
    return { position: this.#read, value };
  }

  close(): void {
    this.#cancelWake?.();
  }

  #next(): Hit {
    return hitAt(this.#shape, this.#read * this.#shape.splits + this.#split);
  }

  #pass(): void {
    this.#world.onPassed(this.#split, this.#passesMs, this.#wall.nowMs());
    this.#passesMs += this.#shape.windowMs;
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
