/** The restarts of crashed instances: who is parked, what counts, and when the budget is used up. */
import { beforeEach, expect, test } from "vitest";
import { Restarts } from "../../framework/actor/restarts.ts";
import { Rig } from "./rig.ts";

const instance = { stage: 1, partition: 0 };
const other = { stage: 1, partition: 1 };

let rig: Rig;
let restarts: Restarts;
let restarted: number;
const again = () => void (restarted += 1);

beforeEach(() => {
  rig = new Rig();
  restarts = new Restarts(rig.platform, { restartsMax: 2, withinMs: 60_000 });
  restarted = 0;
});

const crash = (times: number, snapshot = 0) => ({
  instance,
  snapshot,
  before: Array.from({ length: times }, (_, at) => ({ storedAtMs: at })),
  nowMs: 1_000,
});

test("the first restart comes at once; until then the instance is parked, and no other one", async () => {
  expect(restarts.crashed(crash(0), again)).toBeUndefined();
  expect([restarts.isParked(instance), restarts.isParked(other)]).toEqual([true, false]);
  await rig.pass(0);
  expect(restarts.isParked(instance)).toBe(false);
  expect(restarted).toBe(1);
});

test("B2: a later restart waits", async () => {
  restarts.crashed(crash(0), again);
  await rig.pass(0);
  restarts.crashed(crash(1), again);
  await rig.pass(10);
  expect(restarts.isParked(instance)).toBe(true);
  await rig.pass(5_000);
  expect(restarted).toBe(2);
});

test("B3: a budget that is used up says so, and nothing is restarted", async () => {
  for (const times of [0, 1]) {
    restarts.crashed(crash(times), again);
    await rig.pass(5_000);
  }
  expect(restarts.crashed(crash(2), again)).toContain("2 restarts are allowed");
  await rig.pass(5_000);
  expect(restarted).toBe(2);
});

test("B1: crashes before the pointer has moved do not count any more", async () => {
  restarts.crashed(crash(0), again);
  await rig.pass(0);
  restarts.crashed(crash(1), again);
  await rig.pass(5_000);
  expect(restarts.crashed(crash(2, 40), again)).toBeUndefined();
});

test("a leader that is deposed restarts nobody", async () => {
  restarts.crashed(crash(0), again);
  restarts.close();
  await rig.pass(5_000);
  expect(restarted).toBe(0);
});
