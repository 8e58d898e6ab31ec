/** When an instance's own inbox gets a tick (R9). */
import { beforeEach, expect, test } from "vitest";
import { TickSchedule } from "../../framework/actor/tick-schedule.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let ticks: PromiseWithResolvers<void>[];
let appended: number;
let schedule: TickSchedule;

beforeEach(() => {
  rig = new Rig();
  ticks = [];
  appended = 0;
  const append = () => {
    const tick = Promise.withResolvers<void>();
    ticks.push(tick);
    return tick.promise;
  };
  schedule = new TickSchedule(rig.clock, append, () => void (appended += 1));
});

const inMs = (ms: number) => rig.clock.now() + ms;

test("a tick is appended when the earliest timer is due, not before", async () => {
  schedule.arrange(inMs(100), rig.clock.now());
  await rig.pass(99);
  expect(ticks).toHaveLength(0);
  await rig.pass(2);
  expect(ticks).toHaveLength(1);
});

test("TS2: a timer that is due already fires a millisecond later, and is not put off by what is read meanwhile", async () => {
  const at = inMs(0);
  schedule.arrange(at, rig.clock.now());
  await rig.pass(0);
  expect(ticks).toHaveLength(0);
  schedule.arrange(at, rig.clock.now() + 5);
  await rig.pass(1);
  expect(ticks).toHaveLength(1);
});

test("an earlier timer brings it forward, and none calls it off", async () => {
  schedule.arrange(inMs(100), rig.clock.now());
  schedule.arrange(inMs(10), rig.clock.now());
  await rig.pass(11);
  expect(ticks).toHaveLength(1);
  ticks[0]?.resolve();
  await rig.pass(1);
  schedule.arrange(inMs(10), rig.clock.now());
  schedule.arrange(undefined, rig.clock.now());
  await rig.pass(1_000);
  expect(ticks).toHaveLength(1);
});

test("one is outstanding at a time: the next is arranged when it is in the inbox", async () => {
  schedule.arrange(inMs(10), rig.clock.now());
  await rig.pass(11);
  schedule.arrange(inMs(0), rig.clock.now());
  await rig.pass(100);
  expect(ticks).toHaveLength(1);
  ticks[0]?.resolve();
  await rig.pass(1);
  expect(appended).toBe(1);
  schedule.arrange(inMs(5), rig.clock.now());
  await rig.pass(6);
  expect(ticks).toHaveLength(2);
});

test("a wall clock that has gone back means waiting again; one that has gone ahead is found at the next look", async () => {
  schedule.arrange(inMs(100), rig.clock.now());
  rig.clock.jumpWall(-50);
  await rig.pass(101);
  expect(ticks).toHaveLength(0);
  await rig.pass(50);
  expect(ticks).toHaveLength(1);
});

test("TS1: while the log's clock is behind, the next tick comes when it is time there, or after a second", async () => {
  const at = inMs(10);
  schedule.arrange(at, rig.clock.now());
  await rig.pass(11);
  ticks[0]?.resolve();
  await rig.pass(1);
  schedule.arrange(at, at - 300);
  await rig.pass(299);
  expect(ticks).toHaveLength(1);
  await rig.pass(1);
  expect(ticks).toHaveLength(2);
  ticks[1]?.resolve();
  await rig.pass(1);
  schedule.arrange(at, at - 3_600_000);
  await rig.pass(999);
  expect(ticks).toHaveLength(2);
  await rig.pass(1);
  expect(ticks).toHaveLength(3);
});

test("a closed schedule appends nothing, and tells nobody", async () => {
  schedule.arrange(inMs(10), rig.clock.now());
  await rig.pass(11);
  schedule.close();
  ticks[0]?.resolve();
  schedule.arrange(inMs(10), rig.clock.now());
  await rig.pass(1_000);
  expect(ticks).toHaveLength(1);
  expect(appended).toBe(0);
});
