/** Something done again and again. */
import { expect, test } from "vitest";
import { repeat } from "../../framework/actor/repeat.ts";
import { Rig } from "./rig.ts";

test("it is done every so often, until it is stopped", async () => {
  const rig = new Rig();
  let times = 0;
  const stop = repeat(rig.clock, 100, () => (times += 1));
  await rig.pass(99);
  expect(times).toBe(0);
  await rig.pass(251);
  expect(times).toBe(3);
  stop();
  await rig.pass(1_000);
  expect(times).toBe(3);
});
