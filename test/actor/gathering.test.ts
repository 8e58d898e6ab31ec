/** How long the first placement waits for those who are just starting. */
import { beforeEach, expect, test } from "vitest";
import { Gathering } from "../../framework/actor/gathering.ts";
import { Rig } from "./rig.ts";

const quietMs = 100;

let rig: Rig;
let asked: number[];
let workers: number;
let gathering: Gathering;
let overAtMs: number | undefined;

function ask(): void {
  asked.push(rig.clock.monotonicMs());
  if (gathering.isOver(workers)) overAtMs ??= rig.clock.monotonicMs();
}

beforeEach(() => {
  rig = new Rig();
  asked = [];
  workers = 1;
  overAtMs = undefined;
  gathering = new Gathering(rig.clock, quietMs, ask);
});

test("G1: it is over when nobody new has been heard of for a while, and is asked for at that moment", async () => {
  ask();
  expect(overAtMs).toBeUndefined();
  await rig.pass(60);
  workers = 2;
  ask();
  await rig.pass(60);
  expect(overAtMs).toBeUndefined();
  await rig.pass(60);
  expect(overAtMs).toBe(160);
  expect(asked).toEqual([0, 60, 160]);
});

test("G1: one that goes meanwhile does not prolong it, nor when it comes back", async () => {
  workers = 2;
  ask();
  await rig.pass(50);
  for (workers of [1, 2]) ask();
  await rig.pass(50);
  expect(overAtMs).toBe(100);
});

test("G1: whoever else may come, it is over after four times that, and does not begin again", async () => {
  ask();
  for (let each = 0; each < 8; each += 1) {
    await rig.pass(60);
    workers += 1;
    ask();
  }
  expect(overAtMs).toBe(400);
  workers += 10;
  expect(gathering.isOver(workers)).toBe(true);
});

test("without a time to wait it is over at once", () => {
  gathering = new Gathering(rig.clock, 0, ask);
  expect(gathering.isOver(1)).toBe(true);
});
