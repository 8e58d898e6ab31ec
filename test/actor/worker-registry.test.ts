/** Which workers live, as one candidate has heard it. */
import { beforeEach, expect, test } from "vitest";
import { WorkerRegistry, silenceMsMax } from "../../framework/actor/worker-registry.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let registry: WorkerRegistry;

beforeEach(() => {
  rig = new Rig();
  registry = new WorkerRegistry(rig.clock, "self");
});

const alive = () => registry.alive().map(({ worker }) => worker);

test("a worker lives while it is heard, and is dead after two seconds of silence", async () => {
  registry.announced({ worker: "a", load: 0, isLeaving: false });
  await rig.pass(silenceMsMax);
  expect(alive()).toEqual(["self", "a"]);
  await rig.pass(1);
  expect(alive()).toEqual(["self"]);
  registry.heard("a");
  expect(alive()).toEqual(["self", "a"]);
});

test("one reported dead stays dead: ids are never used twice", () => {
  registry.heard("a");
  registry.dead("a");
  registry.dead("never heard of");
  registry.heard("a");
  registry.announced({ worker: "a", load: 1, isLeaving: false });
  registry.heard("never heard of");
  expect(alive()).toEqual(["self"]);
});

test("a leaving worker lives, and is not given anything: it says so itself", () => {
  registry.announced({ worker: "a", load: 2, isLeaving: true });
  registry.leaving();
  expect(registry.alive()).toEqual([
    { worker: "self", isLeaving: true },
    { worker: "a", isLeaving: true },
  ]);
});

test("the worker itself needs nobody to tell it that it lives", async () => {
  await rig.pass(60_000);
  expect(registry.isAlive("self")).toBe(true);
  expect(registry.isAlive("stranger")).toBe(false);
});
