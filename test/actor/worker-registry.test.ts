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

const rest = { capacity: 2, zone: "east", loopShare: 0.5, unstoredMs: 7, isWarming: false };
const said = (worker: string, load: number, isLeaving: boolean, nowMs = rig.clock.now()) =>
  registry.announced({ worker, load, isLeaving, host: "host", processId: 7, nowMs, settled: [], ...rest });
const unsaid = { capacity: 1, zone: "", loopShare: 0, unstoredMs: 0, isWarming: false };
const alive = () => registry.alive().map(({ worker }) => worker);

test("a worker lives while it is heard, and is dead after two seconds of silence", async () => {
  said("a", 0, false);
  await rig.pass(silenceMsMax);
  expect(alive()).toEqual(["self", "a"]);
  await rig.pass(1);
  expect(alive()).toEqual(["self"]);
  registry.heard("a");
  expect(alive()).toEqual(["self", "a"]);
});

test("those that stay: the others that live and are not about to go", async () => {
  said("a", 0, false);
  await rig.pass(silenceMsMax);
  said("b", 0, false);
  said("c", 0, true);
  expect(registry.staying()).toEqual(["a", "b"]);
  await rig.pass(1);
  expect(registry.staying()).toEqual(["b"]);
});

test("each has its turn to lead, in the order of the ids; the one that is succeeded has none", () => {
  said("a", 0, false);
  said("b", 0, false);
  said("z", 0, false);
  expect(registry.turnToLead(undefined)).toBe(2);
  expect(registry.turnToLead("a")).toBe(1);
  expect(registry.turnToLead("z")).toBe(2);
});

test("it says when the next silence will have been too long", async () => {
  expect(registry.silentInMs()).toBe(Infinity);
  said("a", 0, false);
  await rig.pass(500);
  said("b", 0, false);
  expect(registry.silentInMs()).toBe(silenceMsMax - 500);
  registry.dead("a");
  expect(registry.silentInMs()).toBe(silenceMsMax);
});

test("one reported dead stays dead: ids are never used twice", () => {
  registry.heard("a");
  registry.dead("a");
  registry.dead("never heard of");
  registry.heard("a");
  said("a", 1, false);
  registry.heard("never heard of");
  expect(alive()).toEqual(["self"]);
});

test("a leaving worker lives, and is not given anything: it says so itself", () => {
  said("a", 2, true);
  registry.leaving();
  expect(registry.alive()).toEqual([
    { worker: "self", isLeaving: true, host: "", processId: 0, ...unsaid, clockAheadMs: 0 },
    { worker: "a", isLeaving: true, host: "host", processId: 7, ...rest, clockAheadMs: 0 },
  ]);
});

test("the worker itself needs nobody to tell it that it lives", async () => {
  await rig.pass(60_000);
  expect(registry.isAlive("self")).toBe(true);
  expect(registry.isAlive("stranger")).toBe(false);
});

test("a worker says where it runs, and its clock shows when it is wrong", () => {
  said("a", 0, false, rig.clock.now() + 3_600_000);
  expect(registry.alive()).toContainEqual({
    worker: "a",
    isLeaving: false,
    host: "host",
    processId: 7,
    ...rest,
    clockAheadMs: 3_600_000,
  });
  registry.dead("a");
  expect([registry.hostOf("a"), registry.hostOf("stranger")]).toEqual(["host", ""]);
});

test("how long a worker has been silent is known of those that were ever heard", async () => {
  registry.heard("a");
  await rig.pass(1_500);
  registry.dead("a");
  registry.dead("b");
  expect(["a", "b", "self"].map((worker) => registry.silentMs(worker))).toEqual([1_500, 0, 0]);
});
