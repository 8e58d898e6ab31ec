/** The life of an incarnation as a machine: what becomes of what is heard in another phase than most of the time. */
import { expect, test } from "vitest";
import { instanceActor, type InstanceEvent } from "../../framework/actor/instance-machine.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { until } from "../support/until.ts";

/** The phase that an incarnation is in after these events, from the end of its restore on. */
async function after(...events: readonly InstanceEvent["type"][]): Promise<unknown> {
  const done = () => Promise.resolve();
  const phases = { claim: done, restore: done, drain: done, begin: () => undefined, end: () => undefined };
  const actor = instanceActor(phases, new VirtualClock());
  actor.start();
  await until("it is restored", () => actor.getSnapshot().value === "replaying");
  for (const type of events) actor.send({ type } as InstanceEvent);
  return actor.getSnapshot().value;
}

test.each([
  [["CAUGHT_UP"], "running"],
  [["SNAPSHOT", "CAUGHT_UP", "SNAPSHOT_DONE"], "running"],
  [["SNAPSHOT", "SNAPSHOT_DONE"], "replaying"],
  [["CAUGHT_UP", "FREEZE", "THAW"], "running"],
  [["FREEZE", "THAW"], "replaying"],
  [["FREEZE", "CAUGHT_UP", "THAW"], "running"],
] as const)("R17: who has caught up works, whatever it was doing then: %s", async (events, phase) => {
  expect(await after(...events)).toBe(phase);
});
