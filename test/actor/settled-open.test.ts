/** Opening an inbox again while its servers may still be finding out what it holds. */
import { expect, test } from "vitest";
import { openWhenSettled } from "../../framework/actor/settled-open.ts";
import { StreamError } from "../../framework/errors.ts";
import { Rig } from "./rig.ts";

function opening(failures: number, code: "DATA_LOST" | "CORRUPT" = "DATA_LOST") {
  const calls = { count: 0 };
  const open = () => {
    calls.count += 1;
    return calls.count <= failures
      ? Promise.reject(new StreamError(code, "what is needed is not there"))
      : Promise.resolve();
  };
  return { calls, open };
}

test("Z1: with several copies what is missing is looked for again, and found", async () => {
  const rig = new Rig();
  const { calls, open } = opening(5);
  const opened = openWhenSettled(rig.platform, 3, open);
  await rig.pass(2_000);
  await opened;
  expect(calls.count).toBe(6);
});

test("Z1: after 10 s it is lost", async () => {
  const rig = new Rig();
  const { calls, open } = opening(Infinity);
  const opened = openWhenSettled(rig.platform, 3, open).catch((error: unknown) => error);
  await rig.pass(9_900);
  const before = calls.count;
  await rig.pass(1_000);
  expect(await opened).toMatchObject({ code: "DATA_LOST" });
  expect(before).toBeGreaterThan(50);
  expect(rig.clock.monotonicMs()).toBeGreaterThanOrEqual(10_000);
});

test("Z1: with one copy it is lost at once, and what is corrupt is corrupt in any case", async () => {
  const rig = new Rig();
  await expect(openWhenSettled(rig.platform, 1, opening(1).open)).rejects.toMatchObject({ code: "DATA_LOST" });
  await expect(openWhenSettled(rig.platform, 3, opening(1, "CORRUPT").open)).rejects.toMatchObject({ code: "CORRUPT" });
});
