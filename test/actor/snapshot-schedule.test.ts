/** When an instance takes its snapshots: one at a time, by bytes, by time, and at the end. */
import { beforeEach, expect, test } from "vitest";
import type { Feed } from "../../framework/actor/feed.ts";
import { SnapshotSchedule } from "../../framework/actor/snapshot-schedule.ts";
import { Rig } from "./rig.ts";

const limits = { snapshotBytes: 1_000, snapshotIntervalMs: 10_000, inboxBytes: 8_000 };

let rig: Rig;
let state: { position: number; bytesRead: number; hasReadEverything: boolean; isHoldingBack: boolean };
let feed: Feed;
let schedule: SnapshotSchedule;

beforeEach(() => {
  rig = new Rig();
  state = { position: 5, bytesRead: 0, hasReadEverything: true, isHoldingBack: false };
  feed = state as unknown as Feed;
  schedule = new SnapshotSchedule(rig.clock, limits, 5);
});

test("due when so many bytes have been read, or so much time has passed, and there is something new", async () => {
  expect(schedule.isDue(feed, 0, false)).toBe(false);
  state.bytesRead = 1_000;
  expect(schedule.isDue(feed, 0, false)).toBe(false);
  state.position = 6;
  expect(schedule.isDue(feed, 0, false)).toBe(true);
  state.bytesRead = 10;
  expect(schedule.isDue(feed, 0, false)).toBe(false);
  await rig.pass(10_000);
  expect(schedule.isDue(feed, 0, false)).toBe(true);
});

test("T1: the first one of an incarnation comes after an eighth of the interval, the next ones after all of it", async () => {
  state.position = 6;
  await rig.pass(1_249);
  expect(schedule.isDue(feed, 0, false)).toBe(false);
  await rig.pass(1);
  expect(schedule.isDue(feed, 0, false)).toBe(true);
  await schedule.run(feed, false, () => Promise.resolve());
  state.position = 7;
  await rig.pass(9_999);
  expect(schedule.isDue(feed, 0, false)).toBe(false);
  await rig.pass(1);
  expect(schedule.isDue(feed, 0, false)).toBe(true);
});

test("R13: an inbox that is nearly full and has been read is relieved without anything new", () => {
  expect(schedule.isDue(feed, 6_000, false)).toBe(false);
  expect(schedule.isDue(feed, 6_001, false)).toBe(true);
  state.hasReadEverything = false;
  expect(schedule.isDue(feed, 6_001, false)).toBe(false);
});

test("T2: the inbox is looked at before anything is known of it, and again when it may have become half full", () => {
  expect(schedule.mayBeCrowded(feed)).toBe(true);
  schedule.looked(feed, 1_000);
  expect(schedule.mayBeCrowded(feed)).toBe(false);
  state.bytesRead = 3_000;
  expect(schedule.mayBeCrowded(feed)).toBe(false);
  state.bytesRead = 3_001;
  expect(schedule.mayBeCrowded(feed)).toBe(true);
});

test("T2: many small messages fill an inbox, too: a log counts more of each than its payload", () => {
  schedule.looked(feed, 1_000);
  state.bytesRead += 100;
  state.position += 11;
  expect(schedule.mayBeCrowded(feed)).toBe(false);
  state.position += 1;
  expect(schedule.mayBeCrowded(feed)).toBe(true);
});

test("T2: a snapshot makes no room by itself: what was nearly full is looked at until it is not", async () => {
  schedule.looked(feed, 7_000);
  state.position = 6;
  await schedule.run(feed, false, () => Promise.resolve());
  expect(schedule.mayBeCrowded(feed)).toBe(true);
  schedule.looked(feed, 100);
  expect(schedule.mayBeCrowded(feed)).toBe(false);
});

test("one at a time; what is read while it is taken belongs to the next one", async () => {
  state.position = 8;
  state.bytesRead = 2_000;
  const taking = Promise.withResolvers<void>();
  const run = schedule.run(feed, false, () => taking.promise);
  expect(schedule.isTaking).toBe(true);
  state.position = 20;
  state.bytesRead = 9_000;
  expect(schedule.isDue(feed, 0, true)).toBe(false);
  taking.resolve();
  await run;
  expect(schedule.isTaking).toBe(false);
  expect(schedule.bytesSince(feed)).toBe(7_000);
  expect(schedule.hasProgressed(feed)).toBe(true);
  expect(schedule.isDue(feed, 0, false)).toBe(true);
});

test("the last one is the last one", async () => {
  expect(schedule.isDue(feed, 0, true)).toBe(true);
  await schedule.run(feed, true, () => Promise.resolve());
  state.position = 99;
  state.bytesRead = 99_999;
  expect(schedule.isDue(feed, 0, true)).toBe(false);
  expect(schedule.isOver).toBe(true);
});

test("T3: after the last one an inbox that fills again is relieved, as often as it does, and nothing else is a reason", async () => {
  await schedule.run(feed, true, () => Promise.resolve());
  state.position = 99;
  await rig.pass(60_000);
  expect(schedule.isDue(feed, 6_000, true)).toBe(false);
  expect(schedule.isDue(feed, 6_001, true)).toBe(true);
  await schedule.run(feed, true, () => Promise.resolve());
  expect(schedule.isDue(feed, 6_001, true)).toBe(true);
});
