/**
 * What is heard of the progress of instances (R15).
 */
import { expect, test } from "vitest";
import { Witness } from "../../framework/actor/witness.ts";
import { report } from "./rig.ts";

const instance = { stage: 0, partition: 0 };

test("an instance with an inbox has progressed when it has caught up, also when it does something else then", () => {
  const witness = new Witness();
  witness.reported(report({ epoch: 3, state: "replaying" }));
  expect(witness.hasProgressed(instance, 3, false)).toBe(false);
  witness.reported(report({ epoch: 3, state: "running" }));
  witness.reported(report({ epoch: 3, state: "failed" }));
  expect(witness.hasProgressed(instance, 3, false)).toBe(true);
});

test("one that reads a split has when its pointer has moved, or when its input has ended", () => {
  const witness = new Witness();
  witness.reported(report({ epoch: 3, state: "running", snapshot: 10 }));
  expect(witness.hasProgressed(instance, 3, true)).toBe(false);
  witness.reported(report({ epoch: 3, state: "running", snapshot: 11 }));
  expect(witness.hasProgressed(instance, 3, true)).toBe(true);
  expect(witness.snapshot(instance, 3)).toBe(11);
  witness.reported(report({ epoch: 4, state: "running", activity: "ended", snapshot: 11 }));
  expect(witness.hasProgressed(instance, 4, true)).toBe(true);
});

test("what was heard of another incarnation, or not at all, is no progress", () => {
  const witness = new Witness();
  expect(witness.hasProgressed(instance, 3, false)).toBe(false);
  witness.reported(report({ epoch: 3, state: "running" }));
  witness.reported(report({ epoch: 4, state: "claiming" }));
  witness.reported(report({ epoch: 3, state: "running" }));
  expect(witness.hasProgressed(instance, 3, false)).toBe(false);
  expect(witness.hasProgressed(instance, 4, false)).toBe(false);
});

test("what another worker announces of its incarnations is known, too", () => {
  const witness = new Witness();
  witness.announced([3, 4]);
  expect(witness.hasProgressed(instance, 4, false)).toBe(true);
  expect(witness.hasProgressed(instance, 5, false)).toBe(false);
});
