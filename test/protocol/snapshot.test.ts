/**
 * When a snapshot is due, and what may be removed after it (R6, R7, R13).
 */
import { expect, test } from "vitest";
import {
  chunkName,
  collectable,
  decideSnapshot,
  sweepable,
  trimTarget,
  type SnapshotFacts,
} from "../../framework/protocol/snapshot.ts";
import type { ChunkRef, Pointer } from "../../framework/record/snapshot-record.ts";

const idle: SnapshotFacts = {
  bytesSince: 0,
  msSince: 0,
  hasProgressed: false,
  inboxBytes: 0,
  dataLimit: 4_000,
  hasReadEverything: true,
  isHoldingBack: false,
  isEnded: false,
  snapshotBytes: 1_000,
  snapshotIntervalMs: 10_000,
};

function chunk(name: string): ChunkRef {
  return { name, offset: 0, length: 1, sha256: "same" };
}

function pointerAt(current: number | undefined, previous: number | undefined): Pointer {
  const refer = (sequence: number | undefined): Pointer["current"] =>
    sequence === undefined ? undefined : { sequence, manifest: [] };
  return { token: "t", epoch: 17, identity: "1000", current: refer(current), previous: refer(previous), skips: [] };
}

test("a snapshot is due when so many bytes have been read since the last one", () => {
  expect(decideSnapshot({ ...idle, hasProgressed: true, bytesSince: 999 })).toBeUndefined();
  expect(decideSnapshot({ ...idle, hasProgressed: true, bytesSince: 1_000 })).toBe("bytes");
});

test("a snapshot is due when the interval has passed and something was read", () => {
  expect(decideSnapshot({ ...idle, hasProgressed: true, msSince: 9_999 })).toBeUndefined();
  expect(decideSnapshot({ ...idle, hasProgressed: true, msSince: 10_000 })).toBe("interval");
});

test("without progress neither bytes nor time make a snapshot due", () => {
  expect(decideSnapshot({ ...idle, bytesSince: 5_000, msSince: 99_000 })).toBeUndefined();
});

test("R13: an inbox over three quarters full that has been read is relieved, even without progress", () => {
  expect(decideSnapshot({ ...idle, inboxBytes: 3_000 })).toBeUndefined();
  expect(decideSnapshot({ ...idle, inboxBytes: 3_001 })).toBe("room");
  expect(decideSnapshot({ ...idle, inboxBytes: 3_001, hasProgressed: true })).toBe("room");
});

test("R13: an inbox that has not been read is relieved by reading", () => {
  expect(decideSnapshot({ ...idle, inboxBytes: 3_999, hasReadEverything: false })).toBeUndefined();
});

test("the last snapshot is taken when the input has ended, and comes before every other reason", () => {
  expect(decideSnapshot({ ...idle, isEnded: true })).toBe("end");
  expect(decideSnapshot({ ...idle, isEnded: true, hasProgressed: true, bytesSince: 5_000 })).toBe("end");
});

test("R7: the inbox is trimmed up to the previous snapshot's message, not the current one's, and keeps that message", () => {
  expect(trimTarget(pointerAt(900, 700))).toBe(700);
});

test("R7: two snapshots at one place let the trim reach it", () => {
  expect(trimTarget(pointerAt(900, 900))).toBe(900);
});

test("R7: nothing is trimmed while there is no previous snapshot, or it was taken before the first message", () => {
  expect(trimTarget(pointerAt(undefined, undefined))).toBeUndefined();
  expect(trimTarget(pointerAt(900, undefined))).toBeUndefined();
  expect(trimTarget(pointerAt(900, 0))).toBeUndefined();
});

test("R6: of a dropped manifest's chunks those go that no retained one names", () => {
  const dropped = [chunk("s.0.17.1.m.0.a"), chunk("s.0.17.1.4.0.b"), chunk("s.0.17.1.5.0.c")];
  const retained = [chunk("s.0.17.2.m.0.d"), chunk("s.0.17.1.4.0.b")];
  expect(collectable(dropped, retained)).toEqual([chunk("s.0.17.1.m.0.a"), chunk("s.0.17.1.5.0.c")]);
});

test("R6: equal content under another name keeps no chunk", () => {
  expect(collectable([chunk("s.0.17.1.4.0.b")], [chunk("s.0.17.2.4.0.b")])).toEqual([chunk("s.0.17.1.4.0.b")]);
});

const identity = { stage: "moving-average", partition: 3, epoch: 17, snapshot: 2, segment: 5, part: 0, sha256: "ab12" };

test("R6: a chunk's name says whose it is, in tokens a subject may hold", () => {
  expect(chunkName(identity)).toBe("moving-average.3.17.2.5.0.ab12");
  expect(chunkName({ ...identity, segment: -1 })).toBe("moving-average.3.17.2.m.0.ab12");
  expect(chunkName({ ...identity, segment: -1 })).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/);
});

test("R6: chunks that differ in anything have different names", () => {
  const others = [
    { stage: "x" },
    { partition: 4 },
    { epoch: 18 },
    { snapshot: 3 },
    { segment: -1 },
    { segment: 6 },
    { part: 1 },
    { sha256: "cd34" },
  ];
  const names = [identity, ...others.map((other) => ({ ...identity, ...other }))].map(chunkName);
  expect(new Set(names).size).toBe(names.length);
});

test("R6: after a claim the chunks of lower epochs go that no retained manifest names", () => {
  const old = chunkName({ ...identity, epoch: 9 });
  const shared = chunkName({ ...identity, epoch: 9, segment: 6 });
  expect(sweepable([old, shared], 17, [chunk(shared)])).toEqual([old]);
});

test("R6: chunks of the own epoch and of higher ones are never swept", () => {
  expect(
    sweepable(
      [chunkName(identity), chunkName({ ...identity, epoch: 18 }), chunkName({ ...identity, epoch: 170 })],
      17,
      [],
    ),
  ).toEqual([]);
});

test("R6: epochs are compared as numbers, and what is not a chunk's name is left alone", () => {
  expect(sweepable(["s.0.9.1.m.0.a", "s.0.100.1.m.0.a", "s.0.x.1", "s", "s.0..1"], 17, [])).toEqual(["s.0.9.1.m.0.a"]);
});
