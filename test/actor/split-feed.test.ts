/** Reading a split: entries in order, watermarks when they are due, and the ends. */
import { beforeEach, describe, expect, test } from "vitest";
import { SplitFeed } from "../../framework/actor/split-feed.ts";
import type { ReplayableSource, SplitOpening, SplitTake } from "../../framework/log/source.ts";
import type { StageProgram } from "../../framework/operator/program.ts";
import type { Manifest } from "../../framework/record/snapshot-record.ts";
import { Rig } from "./rig.ts";

class FakeProgram {
  readonly told: unknown[] = [];
  readonly times: number[] = [];
  watermark = -Infinity;
  process(value: unknown): void {
    this.told.push(value);
  }
  refuse(error: Error, raw: unknown): void {
    this.told.push(`refused ${error.message}: ${String(raw)}`);
  }
  setNow(ms: number): void {
    this.times.push(ms);
  }
}

let program: FakeProgram;
let feed: SplitFeed;
let takes: SplitTake[];
let opening: SplitOpening | undefined;
let failures: unknown[];

beforeEach(async () => {
  await open();
});

async function open(manifest?: Partial<Manifest>, isAligned = false, wholeMs?: number): Promise<void> {
  program = new FakeProgram();
  takes = [];
  failures = [];
  const source: ReplayableSource = {
    kind: "replayable",
    positions: "dense",
    bounded: true,
    splits: () => Promise.resolve([]),
    open: (with_) => {
      opening = with_;
      return Promise.resolve({ take: () => takes.shift() ?? "empty", close: () => undefined });
    },
  };
  const events = { onReadable: () => undefined, onFailed: (error: unknown) => void failures.push(error) };
  const rig = new Rig();
  feed = new SplitFeed(
    { name: "s", identity: "i" },
    source,
    program as unknown as StageProgram,
    { clock: rig.clock, ends: { cluster: undefined, logger: rig.platform.logger }, isAligned, wholeMs },
    events,
  );
  await feed.open(manifest as Manifest | undefined);
}

const records = (...values: unknown[]) => values.map((value, index) => ({ position: index + 1, value }));

test("a split that was whole when the job began has that time from the start; another one has none until a record says it", async () => {
  expect(program.times).toEqual([]);
  await open(undefined, false, 5_000);
  expect(program.times).toEqual([5_000]);
});

test("a batch of entries is one turn", () => {
  takes = records("a", "b", "c");
  expect(feed.turn(true)).toBe("turned");
  expect(program.told).toEqual(["a", "b", "c"]);
  expect(feed.position).toBe(3);
  expect(feed.turn(true)).toBe("empty");
});

test("S3: a row that does not parse is refused at its position, and the split goes on", () => {
  takes = [
    { position: 1, invalid: "no number", raw: "x" },
    { position: 2, value: "b" },
  ];
  feed.turn(true);
  expect(program.told).toEqual(["refused s: no number: x", "b"]);
  expect(feed.position).toBe(2);
});

test("processing time is what the split's store says, where it says something", () => {
  takes = [
    { position: 1, value: "a", storedAtMs: 77 },
    { position: 2, value: "b" },
  ];
  feed.turn(true);
  expect(program.times).toEqual([77]);
});

describe("alignment", () => {
  test("D1: nothing is read while the watermark is ahead of the limit, and the split is not quiet meanwhile", async () => {
    await open(undefined, true);
    takes = [
      { position: 1, watermark: 50 },
      { position: 2, value: "b" },
      { position: 3, watermark: 60 },
      ...records("d"),
    ];
    expect(feed.turn(true)).toBe("turned");
    expect([feed.position, feed.isQuiet]).toEqual([1, false]);
    expect([feed.turn(true), feed.turn(true)]).toEqual(["empty", "empty"]);
    expect([feed.position, feed.isQuiet]).toEqual([1, false]);
    feed.mayReadTo(50);
    expect(feed.turn(true)).toBe("turned");
    expect([feed.position, program.told]).toEqual([3, ["b"]]);
    feed.mayReadTo(Infinity);
    feed.turn(true);
    expect([program.told, feed.isQuiet]).toEqual([["b", "d"], true]);
  });
});

describe("event time", () => {
  test("is the larger of the split's own watermarks and what the program makes of the records", () => {
    takes = [
      { position: 1, watermark: 50 },
      { position: 2, watermark: 20 },
    ];
    feed.turn(true);
    expect(feed.watermark).toBe(50);
    program.watermark = 80;
    expect(feed.watermark).toBe(80);
  });

  test("ends with the split, for ever", () => {
    takes = ["ended", { position: 1, value: "never" }];
    expect(feed.turn(true)).toBe("ended");
    expect([feed.isEnded, feed.watermark]).toEqual([true, Infinity]);
    expect(feed.turn(true)).toBe("empty");
    expect(program.told).toEqual([]);
  });

  test("ends where it is when the input is ended from outside", () => {
    takes = records("a");
    feed.turn(true);
    feed.endInput();
    takes = [{ position: 2, value: "b" }];
    expect(feed.turn(true)).toBe("empty");
    expect(feed.state()).toMatchObject({ sequence: 1, watermark: Infinity });
  });
});

describe("R16: quiet", () => {
  test.each([
    ["empty", true],
    ["waiting", false],
    ["ended", false],
  ] as const)("%s: %s", (take, isQuiet) => {
    takes = [take];
    feed.turn(true);
    expect(feed.isQuiet).toBe(isQuiet);
  });

  test("an entry that may not be processed yet is held, and not lost", () => {
    takes = records("a", "b");
    expect([feed.turn(false), feed.turn(false)]).toEqual(["gated", "gated"]);
    expect(program.told).toEqual([]);
    expect(feed.position).toBe(0);
    expect(feed.turn(true)).toBe("turned");
    expect(program.told).toEqual(["a", "b"]);
  });
});

describe("snapshots", () => {
  test("a split of which nothing has been read can be snapshotted, and begins at its beginning again", async () => {
    expect(feed.state().sequence).toBe(0);
    await open({ sequence: 0, watermark: -Infinity });
    expect(opening?.after).toBeUndefined();
  });

  test("the reader goes on behind the manifest's position; the split's own watermark is kept", async () => {
    await open({ sequence: 41, watermark: 9 });
    expect(opening?.after).toBe(41);
    expect(feed.watermark).toBe(9);
  });

  test("what had ended stays ended", async () => {
    await open({ sequence: 41, watermark: Infinity });
    expect(feed.isEnded).toBe(true);
    expect(feed.turn(true)).toBe("empty");
  });
});

test("a split that cannot be read on fails the instance", () => {
  opening?.onFailed(new Error("disk"));
  expect(failures).toMatchObject([{ code: "UNAVAILABLE" }]);
});
