/**
 * Reads splits through the contract of sources alone, on a clock that moves by hand.
 */
import { expect } from "vitest";
import type {
  ReplayableSource,
  SourceSpec,
  SplitEntry,
  SplitOpening,
  SplitReader,
  SplitTake,
} from "../../framework/log/source.ts";
import { noCluster } from "./home.ts";

/** A clock that moves when it is told to. */
export class HandClock {
  nowMs = 0;
  readonly #wakes = new Set<{ readonly atMs: number; readonly wake: () => void }>();

  readonly schedule = (delayMs: number, wake: () => void): (() => void) => {
    const entry = { atMs: this.nowMs + delayMs, wake };
    this.#wakes.add(entry);
    return () => this.#wakes.delete(entry);
  };

  get scheduled(): number {
    return this.#wakes.size;
  }

  moveTo(nowMs: number): void {
    this.nowMs = nowMs;
    for (const entry of [...this.#wakes].filter(({ atMs }) => atMs <= nowMs)) {
      this.#wakes.delete(entry);
      entry.wake();
    }
  }
}

/** A reader with what it has been told. */
export interface Reading {
  readonly reader: SplitReader;
  readonly clock: HandClock;
  /** Resolves when `onReadable` is called next; rejects with what `onFailed` is called with. */
  readonly readable: () => Promise<void>;
  /** How often `onReadable` has been called. */
  readonly wakes: () => number;
}

/** The replayable source of a spec. */
export function replayable(spec: SourceSpec): ReplayableSource {
  if (spec.reader.kind !== "replayable") throw new Error(`${spec.description} is a push source`);
  return spec.reader;
}

/** Opens split `index` behind position `after`. */
export async function openSplit(source: ReplayableSource, index = 0, after?: number): Promise<Reading> {
  const split = (await source.splits(noCluster))[index];
  if (split === undefined) throw new Error(`there is no split ${index}`);
  return openAs(source, { split, after });
}

/** Opens a split that has been listed before. */
export async function openAs(source: ReplayableSource, at: Pick<SplitOpening, "split" | "after">): Promise<Reading> {
  const clock = new HandClock();
  let wakes = 0;
  let failed: { readonly error: unknown } | undefined;
  let waiting: { resolve(): void; reject(error: unknown): void } | undefined;
  const reader = await source.open({
    ...at,
    onReadable: () => {
      wakes += 1;
      waiting?.resolve();
    },
    onFailed: (error) => {
      failed = { error };
      waiting?.reject(error);
    },
    schedule: clock.schedule,
    monotonicMs: () => clock.nowMs,
    home: noCluster,
  });
  return {
    reader,
    clock,
    wakes: () => wakes,
    readable: () =>
      new Promise((resolve, reject) => {
        if (failed !== undefined) reject(failed.error);
        waiting = { resolve, reject };
      }),
  };
}

/** Everything up to the end of the split. */
export async function readToEnd({ reader, readable }: Reading): Promise<readonly SplitEntry[]> {
  const entries: SplitEntry[] = [];
  for (;;) {
    const isReadable = readable();
    const taken: SplitTake = reader.take();
    if (taken === "ended") return entries;
    if (taken === "empty") throw new Error("a bounded split is never empty");
    if (taken === "waiting") await isReadable;
    else {
      isReadable.catch(() => undefined);
      entries.push(taken);
    }
  }
}

/** Everything in split `index` behind position `after`. */
export async function readSplit(source: ReplayableSource, index = 0, after?: number): Promise<readonly SplitEntry[]> {
  const reading = await openSplit(source, index, after);
  try {
    return await readToEnd(reading);
  } finally {
    reading.reader.close();
  }
}

/** The values among entries. */
export function valuesOf(entries: readonly SplitEntry[]): readonly unknown[] {
  return entries.flatMap((entry) => ("value" in entry ? [entry.value] : []));
}

/** Checks S1 and S2: from behind each entry, what follows it is read, and positions grow. */
export async function expectReplayable(source: ReplayableSource, index = 0): Promise<readonly SplitEntry[]> {
  const entries = await readSplit(source, index);
  for (const [at, { position }] of entries.entries()) {
    expect(position).toBeGreaterThan(entries[at - 1]?.position ?? 0);
    expect(await readSplit(source, index, position)).toEqual(entries.slice(at + 1));
  }
  return entries;
}
