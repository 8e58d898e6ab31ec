/** What the line about a recovery says. */
import { expect, test } from "vitest";
import { RecoveryTimes } from "../../framework/actor/recovery-times.ts";
import { Rig } from "./rig.ts";

test("the lengths of claim, restore and replay, and how much was read again", async () => {
  const rig = new Rig();
  const times = new RecoveryTimes(rig.clock);
  await rig.pass(20);
  times.claimed();
  await rig.pass(30);
  times.restored(100);
  await rig.pass(50);
  expect(times.caughtUp(350)).toEqual({ claimMs: 20, restoreMs: 30, replayMs: 50, replayed: 250 });
});
