/** Whether acknowledgements have come to a standstill. */
import { beforeEach, expect, test } from "vitest";
import { AckStall } from "../../framework/actor/ack-stall.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let said: { ordinal: number; acknowledged: number };
let stall: AckStall;

beforeEach(() => {
  rig = new Rig();
  said = { ordinal: 3, acknowledged: 1 };
  stall = new AckStall(rig.clock, said);
});

test("AS1: five seconds without any acknowledgement, and something that waits for one", async () => {
  await rig.pass(4_999);
  expect(stall.lasts()).toBe(false);
  await rig.pass(1);
  expect(stall.lasts()).toBe(true);
});

test("AS1: each acknowledgement begins the time anew", async () => {
  await rig.pass(4_000);
  said.acknowledged = 2;
  expect(stall.lasts()).toBe(false);
  await rig.pass(4_000);
  expect(stall.lasts()).toBe(false);
  await rig.pass(1_000);
  expect(stall.lasts()).toBe(true);
});

test("AS1: where nothing waits nothing stalls, however long it takes", async () => {
  said.acknowledged = 3;
  await rig.pass(60_000);
  expect(stall.isOver).toBe(true);
  expect(stall.lasts()).toBe(false);
});
