/** The reports of a worker's instances on their way to the leader. */
import { beforeEach, expect, test } from "vitest";
import type { Reporter } from "../../framework/actor/host.ts";
import { ReportOutbox } from "../../framework/actor/report-outbox.ts";
import { heldAfter, muchBytes } from "../support/young.ts";
import { Rig, report } from "./rig.ts";

let rig: Rig;
let outbox: ReportOutbox;
let batches: number[][];

beforeEach(() => {
  rig = new Rig();
  batches = [];
  outbox = new ReportOutbox(rig.clock, (reports) => batches.push(reports.map(({ instance }) => instance.partition)));
});

function reporter(partition: number, phase: Reporter["phase"] = "running", hasNews = true): Reporter {
  return { phase, hasNews, report: () => report({ instance: { stage: 1, partition } }) };
}

test("what changes first goes at once; what changes within 2 ms of it goes together, after them", async () => {
  outbox.changed(reporter(0));
  await rig.pass(0);
  expect(batches).toEqual([[0]]);
  outbox.changed(reporter(1));
  await rig.pass(1);
  outbox.changed(reporter(2));
  expect(batches).toHaveLength(1);
  await rig.pass(1);
  expect(batches).toEqual([[0], [1, 2]]);
});

test("an instance that changes twice before the batch goes is in it once", async () => {
  const one = reporter(0);
  outbox.changed(one);
  outbox.changed(one);
  await rig.pass(0);
  expect(batches).toEqual([[0]]);
});

test("an instance without news is not waited for; a new leader is told of it all the same", async () => {
  const silent = reporter(0, "running", false);
  outbox.changed(silent);
  await rig.pass(10);
  expect(batches).toEqual([]);
  outbox.reportAll([silent, reporter(1)]);
  expect(batches).toEqual([[0, 1]]);
});

test("a fenced incarnation has nothing to say: its successor speaks", () => {
  outbox.reportAll([reporter(0, "fenced"), reporter(1, "failed")]);
  expect(batches).toEqual([[1]]);
  outbox.reportAll([reporter(0, "fenced")]);
  expect(batches).toHaveLength(1);
});

test("a worker that has gone says nothing more, whatever waits", async () => {
  outbox.changed(reporter(0));
  outbox.close();
  await rig.pass(10);
  outbox.reportAll([reporter(1)]);
  expect(batches).toEqual([]);
});

test("instances that have reported are held by none that report later", () => {
  const held = heldAfter((made) => outbox.reportAll([Object.assign(reporter(0), { made }), reporter(1)]));
  expect(held).toBeLessThan(muchBytes);
});
