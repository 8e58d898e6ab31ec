/**
 * Whose turn a worker is in, written down before a step is taken (R15).
 */
import { beforeEach, expect, test } from "vitest";
import { SuspectRegister } from "../../framework/actor/suspect-register.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import type { Suspect } from "../../framework/record/poison.ts";
import { decodeSuspect } from "../../framework/record/wire/poison.ts";
import { FatefulRegisters, Rig } from "./rig.ts";

const key = "suspect.1.w";
let rig: Rig;
let registers: Registers;
let fateful: FatefulRegisters;
let register: SuspectRegister;

beforeEach(async () => {
  rig = new Rig();
  registers = await rig.result(rig.seams.registers("job"));
  fateful = new FatefulRegisters(registers);
  register = new SuspectRegister(rig.platform, fateful, key);
});

const suspect = (partition: number, sequence: number): Suspect => ({
  instance: { stage: 1, partition },
  epoch: 5,
  site: { sequence, step: 0 },
  isCertain: false,
});

async function stored(): Promise<Suspect | undefined> {
  const found = await rig.result(registers.get(key));
  return found === undefined ? undefined : decodeSuspect(found.value);
}

test("SR2: a step is taken when the register names it; when the turn is over the register says that", async () => {
  const holder = {};
  let isKnown = false;
  register.enter(holder, suspect(0, 7), () => (isKnown = true));
  expect(isKnown).toBe(false);
  await rig.clock.settle();
  expect(isKnown).toBe(true);
  expect(await stored()).toEqual(suspect(0, 7));
  register.leave(holder, suspect(0, 7));
  await rig.clock.settle();
  expect((await stored())?.site).toEqual({ sequence: 0, step: 0 });
});

test("SR1: another one's step waits until the turn is over", async () => {
  const [one, other] = [{}, {}];
  const known: string[] = [];
  register.enter(one, suspect(0, 7), () => known.push("one"));
  register.enter(other, suspect(1, 3), () => known.push("other"));
  register.enter(one, suspect(0, 8), () => known.push("one again"));
  await rig.clock.settle();
  expect(known).toEqual(["one", "one again"]);
  expect(await stored()).toEqual(suspect(0, 8));
  register.leave(one, suspect(0, 0));
  await rig.clock.settle();
  expect(known).toEqual(["one", "one again", "other"]);
  expect(await stored()).toEqual(suspect(1, 3));
});

test("SR1: who is gone while it waits is not waited for", async () => {
  const [one, other] = [{}, {}];
  const known: string[] = [];
  register.enter(one, suspect(0, 7), () => known.push("one"));
  register.enter(other, suspect(1, 3), () => known.push("other"));
  register.leave(other, suspect(1, 0));
  register.leave(one, suspect(0, 0));
  await rig.clock.settle();
  expect(known).toEqual(["one"]);
});

test("a write whose reply is lost is made again, over what it has written itself", async () => {
  fateful.writes.push("lost", "refused");
  let isKnown = false;
  register.enter({}, suspect(0, 7), () => (isKnown = true));
  await rig.pass(1_000);
  expect(isKnown).toBe(true);
  expect(await stored()).toEqual(suspect(0, 7));
});
