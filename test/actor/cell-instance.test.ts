/** An instance on probation, as its worker sees it: a program that cannot be run in a thread is no reason to fail. */
import { expect, test } from "vitest";
import { CellInstance, type CellInstanceWorld } from "../../framework/actor/cell-instance.ts";
import type { CellEars, CellOrder } from "../../framework/actor/cell-contract.ts";
import { Rig } from "./rig.ts";
import type { SuspectRegister } from "../../framework/actor/suspect-register.ts";

const order: CellOrder = {
  instance: { stage: 1, partition: 0 },
  epoch: 7,
  worker: "w",
  isOnProbation: true,
  site: undefined,
};

function started(
  rig = new Rig(),
  ordered = order,
): { readonly probationer: CellInstance; readonly ears: CellEars; readonly told: string[] } {
  const told: string[] = [];
  let heard: CellEars | undefined;
  const world: CellInstanceWorld = {
    platform: rig.platform,
    register: { enter: () => told.push("entered"), leave: () => told.push("left") } as unknown as SuspectRegister,
    startCell: (_order, ears) => {
      heard = ears;
      return { release: () => undefined, kill: () => told.push("killed") };
    },
    onUnusable: (reason) => told.push(`unusable: ${reason}`),
    onChanged: ({ phase }) => told.push(phase),
  };
  const probationer = new CellInstance(world, ordered);
  probationer.start();
  if (heard === undefined) throw new Error("no thread was started");
  return { probationer, ears: heard, told };
}

test("a program that cannot be run in a thread is told to the worker, which hosts the instance itself; nothing is reported of it", () => {
  const { probationer, ears, told } = started();
  ears.onUnusable("it exports no job");
  expect(told).toEqual(["unusable: it exports no job"]);
  expect(probationer).toMatchObject({ phase: "fenced", hasNews: false });
  // The thread's end comes after it, and says nothing new.
  ears.onGone("its thread has exited", undefined);
  expect(told).toHaveLength(1);
});

test("a thread that is gone is a failure, with the step that it was in", () => {
  const { probationer, ears, told } = started();
  ears.onGone("its thread has exited", { sequence: 3, step: 2 });
  expect(told).toEqual(["killed", "left", "failed"]);
  expect(probationer.report()).toMatchObject({ state: "failed", site: { sequence: 3, step: 2 } });
});

test("what the thread has counted is not known when it has ended, and is not reported as nothing", () => {
  const { probationer, ears } = started();
  ears.onEnded();
  expect(probationer.report()).toMatchObject({ state: "released" });
  expect(probationer.report().counts).toBeUndefined();
});

test("PR1: the message that it died in last is begun after a while that nobody knows before, once; others are at once", async () => {
  const rig = new Rig();
  const { ears, told } = started(rig, { ...order, site: { sequence: 9, step: 0 } });
  const step = (sequence: number, at: number) => ears.onStep({ sequence, step: at }, () => undefined);
  step(8, 1);
  expect(told).toEqual(["entered"]);
  step(9, 1);
  await rig.pass(499);
  expect(told).toEqual(["entered"]);
  await rig.pass(2_001);
  expect(told).toEqual(["entered", "entered"]);
  step(9, 2);
  expect(told).toEqual(["entered", "entered", "entered"]);
});

test("PR1: one that is gone meanwhile is in no turn", async () => {
  const rig = new Rig();
  const { probationer, ears, told } = started(rig, { ...order, site: { sequence: 9, step: 0 } });
  ears.onStep({ sequence: 9, step: 1 }, () => undefined);
  probationer.fail(new Error("the worker goes"));
  await rig.pass(5_000);
  expect(told).not.toContain("entered");
});
