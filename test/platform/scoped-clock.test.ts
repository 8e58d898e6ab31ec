/**
 * A clock that ends before the others: of a part that ends while the process goes on.
 */
import { expect, test } from "vitest";
import { realClock } from "../../framework/platform/real-clock.ts";
import { scopedClock } from "../../framework/platform/scoped-clock.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import { heldAfter, muchBytes } from "../support/young.ts";

test("until it is closed it is like the clock beneath", async () => {
  const beneath = new VirtualClock();
  const { clock } = scopedClock(beneath);
  const told: string[] = [];
  clock.schedule(20, () => told.push(`late ${clock.monotonicMs() === beneath.monotonicMs()}`));
  clock.schedule(10, () => told.push("early"));
  const cancel = clock.schedule(15, () => told.push("cancelled"));
  cancel();
  await beneath.settle();
  cancel();
  expect(told).toEqual(["early", "late true"]);
  expect(clock.now()).toBe(beneath.now());
});

test("T4: closed, nothing comes of what was asked for before, or is asked for later; others are not touched", async () => {
  const beneath = new VirtualClock();
  const scope = scopedClock(beneath);
  const { clock } = scope;
  const told: string[] = [];
  const startMs = beneath.monotonicMs();
  const again = (): void => {
    told.push("again");
    clock.schedule(100, again);
  };
  again();
  clock.schedule(60_000, () => told.push("much later"));
  beneath.schedule(250, () => {
    scope.close();
    clock.schedule(1, () => told.push("after"));
  });
  beneath.schedule(300, () => told.push("beneath"));
  await beneath.settle();
  expect(told).toEqual(["again", "again", "again", "beneath"]);
  // Nothing was left that the clock beneath had to wait for.
  expect(beneath.monotonicMs() - startMs).toBe(300);
});

test("what was called off, or has come, is held by nothing that is asked for later", () => {
  const scope = scopedClock(realClock());
  const { clock } = scope;
  let cancel = clock.schedule(60_000, () => undefined);
  const held = heldAfter((made) => {
    const next = clock.schedule(60_000, () => void made);
    cancel();
    cancel = next;
  });
  scope.close();
  expect(held).toBeLessThan(muchBytes);
});
