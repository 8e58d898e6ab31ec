/** What one incarnation is measured by. */
import { beforeEach, expect, test } from "vitest";
import { InstanceMeter } from "../../framework/actor/instance-meter.ts";
import { noCounts, noLoad, Rig } from "./rig.ts";

let rig: Rig;
let meter: InstanceMeter;

beforeEach(() => {
  rig = new Rig();
  meter = new InstanceMeter(rig.clock);
});

test("before anything has happened there is nothing to say", () => {
  expect(meter.load()).toEqual(noLoad);
  expect(meter.measures(noCounts, false)).toEqual({
    work: { ...noCounts, turns: 0, turnMs: 0, snapshots: 0 },
    inbox: undefined,
    snapshot: { atMs: 0, durationMs: 0, bytes: 0 },
    uncoveredMs: 0,
    turnP99Ms: 0,
  });
});

test("what the snapshot had counted is not this incarnation's work", () => {
  meter.restored({ recordsIn: 100, recordsOut: 50, late: 3, deadLetters: 2, windowsOut: 9 });
  const counts = { recordsIn: 107, recordsOut: 55, late: 4, deadLetters: 2, windowsOut: 10 };
  expect(meter.measures(counts, true).work).toMatchObject({
    recordsIn: 7,
    recordsOut: 5,
    late: 1,
    deadLetters: 0,
    windowsOut: 1,
  });
});

test("the slices of a turn are one turn", () => {
  meter.turned(8, 8, true);
  meter.turned(8, 17, true);
  meter.turned(4, 22, false);
  meter.turned(1, 23, false);
  const { work, turnP99Ms } = meter.measures(noCounts, true);
  expect(work).toMatchObject({ turns: 2, turnMs: 21 });
  expect(turnP99Ms).toBeGreaterThanOrEqual(20);
  expect(turnP99Ms).toBeLessThan(23);
});

test("how busy it is: its turns, and sending what they said; which makes no turn longer", async () => {
  for (const waitMs of [4_000, 1_000]) {
    meter.load();
    await rig.pass(waitMs);
  }
  meter.turned(100, rig.clock.monotonicMs(), false);
  meter.flushed(150);
  expect(meter.load().busy).toBeCloseTo(0.25, 2);
  expect(meter.load().turnP99Ms).toBeLessThan(110);
  expect(meter.measures(noCounts, true).work).toMatchObject({ turns: 1, turnMs: 100 });
});

test("a percentile is computed anew twice a second at most", async () => {
  meter.turned(1, 0, false);
  expect(meter.load().turnP99Ms).toBeLessThan(2);
  meter.turned(50, 0, false);
  expect(meter.load().turnP99Ms).toBeLessThan(2);
  await rig.pass(500);
  expect(meter.load().turnP99Ms).toBeGreaterThanOrEqual(50);
});

test("a snapshot has the wall-clock time of its end, its length from the cut, and its size", async () => {
  const cutAtMs = rig.clock.monotonicMs();
  await rig.pass(30);
  meter.snapshotTaken(4_000, cutAtMs);
  const atMs = rig.clock.now();
  expect(meter.load()).toMatchObject({ snapshotAt: atMs, snapshotDurationMs: 30, snapshotBytes: 4_000 });
  expect(meter.measures(noCounts, true)).toMatchObject({
    work: { snapshots: 1 },
    snapshot: { atMs, durationMs: 30, bytes: 4_000 },
    uncoveredMs: 30,
  });
});

test("what has been read is uncovered since the cut of the last snapshot, or since the restore; nothing is when it covers all", async () => {
  await rig.pass(100);
  meter.restored(noCounts);
  await rig.pass(70);
  expect(meter.measures(noCounts, true).uncoveredMs).toBe(70);
  expect(meter.measures(noCounts, false).uncoveredMs).toBe(0);
});

test("the newest look at the inbox stands", () => {
  meter.looked({ lag: 5, bytes: 900 });
  meter.looked({ lag: 0, bytes: 400 });
  expect(meter.load()).toMatchObject({ lag: 0, inboxBytes: 400 });
  expect(meter.measures(noCounts, false).inbox).toEqual({ lag: 0, bytes: 400 });
});
