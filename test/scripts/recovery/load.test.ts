/** The load of the measurements: records due by the wall clock, the same in every process. */
import { expect, test } from "vitest";
import type { SplitReader } from "tidemark";
import {
  expectedOf,
  hitAt,
  loadSource,
  type LoadWorld,
  type LoadShape,
} from "../../../framework/scripts/recovery/load.ts";
import { noCluster } from "../../connectors/home.ts";

const shape: LoadShape = {
  beginMs: 10_000,
  recordsPerMs: 4,
  splits: 2,
  keys: 7,
  partitions: 3,
  windowMs: 1_000,
  stepMs: 5,
};

interface Opened {
  readonly reader: SplitReader;
  readonly world: LoadWorld;
  nowMs: number;
  readonly wakes: number[];
}

/** Opens split 0 with a wall clock that the test moves. */
async function open(given: Partial<LoadWorld> = {}, after?: number): Promise<Opened> {
  const world = { endMs: Infinity, wallMs: () => 0, onPassed: () => undefined, ...given };
  const source = loadSource(shape, world).reader;
  if (source.kind !== "replayable") throw new Error("it can be read again");
  const [split] = await source.splits(noCluster);
  if (split === undefined) throw new Error("no split");
  const opened = { nowMs: 0, wakes: [] as number[] };
  const reader = await source.open({
    split,
    home: noCluster,
    after,
    onReadable: () => undefined,
    onFailed: () => undefined,
    schedule: (delayMs) => {
      opened.wakes.push(delayMs);
      return () => undefined;
    },
    monotonicMs: () => opened.nowMs,
  });
  return Object.assign(opened, { reader, world });
}

function positions({ reader }: Opened): number[] {
  const read: number[] = [];
  for (let entry = reader.take(); typeof entry !== "string"; entry = reader.take()) read.push(entry.position);
  return read;
}

test("L2: records become readable in steps, the first of a window at its begin", async () => {
  const opened = await open();
  opened.nowMs = 10_001;
  expect(positions(opened)).toEqual([1, 2]);
  opened.nowMs = 10_004.9;
  expect(positions(opened)).toEqual([]);
  opened.nowMs = 10_005;
  expect(positions(opened)).toHaveLength(10);
});

test("one that has been held up reads what has become due meanwhile, and goes on behind a position", async () => {
  const opened = await open({}, 2);
  opened.nowMs = 10_100;
  const read = positions(opened);
  expect([read[0], read.at(-1)]).toEqual([3, 202]);
});

test("L1: it ends where it is told, also while it is read", async () => {
  const opened = await open();
  opened.nowMs = 10_050;
  const before = positions(opened).length;
  opened.world.endMs = 10_100;
  opened.nowMs = 20_000;
  expect(before + positions(opened).length).toBe(200);
  expect(opened.reader.take()).toBe("ended");
});

test("the end of a window is said when it is passed, each once", async () => {
  const said: number[][] = [];
  const opened = await open({ onPassed: (...what) => void said.push(what) }, 1_999);
  opened.nowMs = 10_999;
  positions(opened);
  expect(said).toEqual([]);
  opened.nowMs = 11_001;
  positions(opened);
  opened.nowMs = 12_003;
  positions(opened);
  expect(said).toEqual([
    [0, 11_000, 11_001],
    [0, 12_000, 12_003],
  ]);
});

test("what a window must hold is what its records come to", () => {
  const expected = expectedOf(shape, 11_000);
  const found = new Map<number, { count: number; weight: number }>();
  for (let index = 4_000; index < 8_000; index += 1) {
    const { key, at, weight } = hitAt(shape, index);
    expect(at).toBeGreaterThanOrEqual(11_000);
    expect(at).toBeLessThan(12_000);
    const before = found.get(key) ?? { count: 0, weight: 0 };
    found.set(key, { count: before.count + 1, weight: before.weight + weight });
  }
  expect(expected).toEqual(found);
});
