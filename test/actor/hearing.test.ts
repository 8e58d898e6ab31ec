/** Whether a worker is cut off, or does not read what the others write. */
import { beforeEach, expect, test } from "vitest";
import { Hearing } from "../../framework/actor/hearing.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let hearing: Hearing;

beforeEach(() => {
  rig = new Rig();
  hearing = new Hearing(rig.clock);
});

test("silence for more than 3 s is an obstacle, until something is heard again", async () => {
  await rig.pass(3_000);
  expect(hearing.obstacles(0)).toEqual([]);
  await rig.pass(1_000);
  expect(hearing.obstacles(0)).toEqual(["nothing has been heard over the bus for 4 s: the server does not answer"]);
  hearing.heard();
  expect(hearing.obstacles(0)).toEqual([]);
});

test("a leader that is heard and not read of for more than 3 s: the job log is not being read", async () => {
  hearing.heardLeader(7);
  expect(hearing.obstacles(4)).toEqual([]);
  await rig.pass(2_000);
  hearing.heardLeader(7);
  await rig.pass(1_001);
  expect(hearing.obstacles(4)).toEqual([
    "the job log is not being read: its leader has epoch 7, the last one read is 4",
  ]);
  expect(hearing.obstacles(7)).toEqual([]);
});

test("an older leader that speaks late is no news", async () => {
  hearing.heardLeader(7);
  await rig.pass(4_000);
  hearing.heardLeader(4);
  expect(hearing.obstacles(7)).toEqual([]);
});
