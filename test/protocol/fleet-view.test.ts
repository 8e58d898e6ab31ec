/** What the job log says of a job's workers, besides what they host. */
import { expect, test } from "vitest";
import { FleetView } from "../../framework/protocol/fleet-view.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { FleetOrderKind, QuarantineRecord } from "../../framework/record/fleet-records.ts";
import type { Assignment, AssignmentCause } from "../../framework/record/messages.ts";

const order = (kind: FleetOrderKind, subject: string, workers = 0) =>
  ({ kind: "fleetOrder", order: kind, subject, workers, by: "ada@host" }) as const;
const quarantine = (subject: string, durationMs: number, leader = 1): QuarantineRecord => {
  return { kind: "quarantine", leader, scope: "worker", subject, evidence: "3 crashes", durationMs };
};
const assignment = (worker: string, cause: AssignmentCause): Assignment => {
  return { kind: "assignment", leader: 1, instance: { stage: 0, partition: 0 }, worker, cause, detail: "" };
};

test("F1: a drain lasts until it is undone, and said twice is the same as once", () => {
  const view = new FleetView();
  view.order(order("drain", "a"));
  view.order(order("drain", "a"));
  expect([...view.drained]).toEqual(["a"]);
  view.order(order("undrain", "a"));
  view.order(order("undrain", "b"));
  expect([...view.drained]).toEqual([]);
});

test("F1: the newest size of a starter counts", () => {
  const view = new FleetView();
  expect(view.sizeOf("s")).toBeUndefined();
  view.order(order("scale", "s", 4));
  view.order(order("scale", "s", 2));
  expect([view.sizeOf("s"), view.sizeOf("t")]).toEqual([2, undefined]);
});

test("F2: a quarantine lasts for its time, and says how often there has been one", () => {
  const view = new FleetView();
  view.quarantine(1_000, quarantine("a", 500));
  expect(view.quarantinesAt(1_499)).toMatchObject([{ subject: "a", sinceMs: 1_000, untilMs: 1_500, times: 1 }]);
  expect(view.quarantinesAt(1_500)).toEqual([]);
  view.quarantine(2_000, quarantine("a", 1_000));
  expect(view.quarantinesAt(2_500)).toMatchObject([{ times: 2, untilMs: 3_000 }]);
});

test("F2: a release ends it, and forgets what was held against the worker", () => {
  const view = new FleetView();
  view.assigned("a", assignment("b", "crash"), 5);
  view.quarantine(1_000, quarantine("a", 500));
  view.order(order("release", "a"));
  expect([view.quarantinesAt(1_001), view.incidents]).toEqual([[], []]);
});

test("incidents are crashes and lost workers, not moves, and name who had the instance", () => {
  const view = new FleetView();
  for (const cause of ["start", "crash", "release", "balance", "workerLost"] as const)
    view.assigned("a", assignment("b", cause), 7);
  expect(view.incidents.map(({ kind, worker, atMs }) => [kind, worker, atMs])).toEqual([
    ["crash", "a", 7],
    ["death", "a", 7],
  ]);
});

test("a death that an instance has caused by a turn of its own speaks against nobody, whoever is assigned first", () => {
  const view = new FleetView();
  view.assigned("a", assignment("c", "workerLost"), 7);
  view.assigned("a", assignment("c", "poison"), 8);
  view.assigned("a", assignment("c", "workerLost"), 9);
  view.assigned("b", assignment("c", "workerLost"), 10);
  expect(view.incidents.map(({ worker }) => worker)).toEqual(["b"]);
});

test("the job log folds them: orders count whoever leads, quarantines of an older leader are void (J1)", () => {
  const view = new JobLogView();
  view.apply(1, 10, { kind: "leaderStart", worker: "a" });
  view.apply(2, 20, order("drain", "a"));
  view.apply(3, 30, quarantine("b", 100));
  view.apply(4, 40, { kind: "leaderStart", worker: "b" });
  view.apply(5, 50, quarantine("c", 100));
  view.apply(6, 60, { ...assignment("a", "start"), leader: 4 });
  view.apply(7, 70, { ...assignment("b", "crash"), leader: 4 });
  expect([...view.fleet.drained]).toEqual(["a"]);
  expect(view.fleet.quarantines.map(({ subject }) => subject)).toEqual(["b"]);
  expect(view.fleet.incidents).toMatchObject([{ kind: "crash", worker: "a" }]);
});

test("F3: a restart of the job by command begins anew", () => {
  const view = new JobLogView();
  view.apply(1, 10, { kind: "leaderStart", worker: "a" });
  view.apply(2, 20, quarantine("b", 100));
  view.apply(3, 30, { kind: "command", command: "stop", by: "ada" });
  view.apply(4, 40, { kind: "command", command: "restart", by: "ada" });
  expect(view.fleet.quarantinesAt(41)).toEqual([]);
});
