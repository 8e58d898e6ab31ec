/** Delays of xstate machines on the injected clock. */
import { expect, test } from "vitest";
import { createActor, setup } from "xstate";
import { machineClock } from "../../framework/actor/machine-clock.ts";
import { Rig } from "./rig.ts";

const machine = setup({ types: { events: {} as { type: "GO" } } }).createMachine({
  initial: "waiting",
  states: { waiting: { after: { 1_000: "late" }, on: { GO: "gone" } }, late: {}, gone: {} },
});

test("a delayed transition follows virtual time, and is called off when its state is left", async () => {
  const rig = new Rig();
  const clock = machineClock(rig.clock);
  const [late, gone] = [createActor(machine, { clock }).start(), createActor(machine, { clock }).start()];
  await rig.pass(999);
  gone.send({ type: "GO" });
  expect(late.getSnapshot().value).toBe("waiting");
  await rig.pass(1);
  expect([late.getSnapshot().value, gone.getSnapshot().value]).toEqual(["late", "gone"]);
});
