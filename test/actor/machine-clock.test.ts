/** Delays of xstate machines on the injected clock. */
import { expect, test } from "vitest";
import { machineClock } from "../../framework/actor/machine-clock.ts";
import { Rig } from "./rig.ts";

test("a delay follows virtual time, and one that is called off never comes", async () => {
  const rig = new Rig();
  const clock = machineClock(rig.clock);
  const woken: string[] = [];
  clock.setTimeout(() => woken.push("late"), 1_000);
  clock.clearTimeout(clock.setTimeout(() => woken.push("called off"), 500));
  await rig.pass(999);
  expect(woken).toEqual([]);
  await rig.pass(1);
  expect(woken).toEqual(["late"]);
});

test("calling off what has happened, or never was, is harmless", async () => {
  const rig = new Rig();
  const clock = machineClock(rig.clock);
  const woken: number[] = [];
  const first = clock.setTimeout(() => woken.push(1), 1);
  await rig.pass(1);
  clock.setTimeout(() => woken.push(2), 1);
  clock.clearTimeout(first);
  clock.clearTimeout(99);
  await rig.pass(1);
  expect(woken).toEqual([1, 2]);
});
