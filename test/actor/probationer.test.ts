/** An instance on probation, as its worker sees it: a program that cannot be run in a thread is no reason to fail. */
import { expect, test } from "vitest";
import { Probationer, type ProbationWorld } from "../../framework/actor/probationer.ts";
import type { ProbationEars, ProbationOrder } from "../../framework/actor/probation.ts";
import type { SuspectRegister } from "../../framework/actor/suspect-register.ts";

const order: ProbationOrder = { instance: { stage: 1, partition: 0 }, epoch: 7, worker: "w", site: undefined };

function started(): { readonly probationer: Probationer; readonly ears: ProbationEars; readonly told: string[] } {
  const told: string[] = [];
  let heard: ProbationEars | undefined;
  const world: ProbationWorld = {
    register: { enter: () => undefined, leave: () => told.push("left") } as unknown as SuspectRegister,
    startProbation: (_order, ears) => {
      heard = ears;
      return { release: () => undefined, kill: () => told.push("killed") };
    },
    onUnusable: (reason) => told.push(`unusable: ${reason}`),
    onChanged: ({ phase }) => told.push(phase),
  };
  const probationer = new Probationer(world, order);
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
