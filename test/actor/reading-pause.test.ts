import { expect, test } from "vitest";
import { ReadingPause } from "../../framework/actor/reading-pause.ts";
import { Rig } from "./rig.ts";

test("a pause lasts as long as was said last, and tells when it may be over", async () => {
  const rig = new Rig();
  let told = 0;
  const pause = new ReadingPause(rig.clock, () => void (told += 1));
  expect(pause.lasts).toBe(false);
  pause.for(100);
  await rig.pass(60);
  pause.for(100);
  await rig.pass(60);
  expect([pause.lasts, told]).toEqual([true, 1]);
  await rig.pass(60);
  expect([pause.lasts, told]).toEqual([false, 2]);
  pause.for(100);
  pause.for(0);
  await rig.pass(1);
  expect([pause.lasts, told]).toEqual([false, 3]);
});
