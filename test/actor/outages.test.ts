/** How long instances were down, with the cause of each restart and move. */
import { beforeEach, expect, test } from "vitest";
import { Outages } from "../../framework/actor/outages.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { AssignmentCause } from "../../framework/record/messages.ts";
import { Rig, report } from "./rig.ts";

const instance = { stage: 1, partition: 0 };

let rig: Rig;
let view: JobLogView;
let outages: Outages;

beforeEach(() => {
  rig = new Rig();
  view = new JobLogView();
  outages = new Outages(rig.platform, view, ({ stage, partition }) => `${stage}/${partition}`);
  view.apply(1, 0, { kind: "leaderStart", worker: "w" });
});

/** The job log names a new epoch: answers it. */
function assign(cause: AssignmentCause, detail = ""): number {
  const epoch = view.position + 1;
  view.apply(epoch, epoch * 1_000, { kind: "assignment", leader: 1, instance, worker: "w", cause, detail });
  return epoch;
}

const works = (epoch: number) => outages.reported(report({ instance, epoch, state: "running" }));
const lengths = () => outages.history().map(({ downMs }) => downMs);

test("a crash: from the report of the failure until the successor works", async () => {
  works(assign("start"));
  outages.down(instance, rig.clock.monotonicMs());
  await rig.pass(40);
  const epoch = assign("crash", "USER_FUNCTION: no");
  await rig.pass(30);
  outages.reported(report({ instance, epoch, state: "replaying" }));
  expect(lengths()).toEqual([undefined]);
  await rig.pass(10);
  works(epoch);
  expect(outages.history()).toEqual([
    {
      instance: "1/0",
      epoch,
      worker: "w",
      cause: "crash",
      detail: "USER_FUNCTION: no",
      at: epoch * 1_000,
      downMs: 80,
    },
  ]);
});

test("a lost worker: from the last moment it was heard", async () => {
  works(assign("start"));
  const heardAtMs = rig.clock.monotonicMs();
  await rig.pass(2_000);
  outages.down(instance, heardAtMs);
  const epoch = assign("workerLost");
  await rig.pass(15);
  works(epoch);
  expect(lengths()).toEqual([2_015]);
});

test("a successor that is lost before it works: the keys have been down all the time", async () => {
  works(assign("start"));
  outages.down(instance, rig.clock.monotonicMs());
  assign("crash");
  await rig.pass(100);
  outages.down(instance, rig.clock.monotonicMs());
  const epoch = assign("workerLost");
  await rig.pass(100);
  works(epoch);
  expect(lengths()).toEqual([undefined, 200]);
});

test("what is said again of the same incarnation, or by it, changes nothing", async () => {
  const first = assign("start");
  outages.down(instance, rig.clock.monotonicMs());
  await rig.pass(50);
  outages.down(instance, rig.clock.monotonicMs());
  works(first);
  const epoch = assign("crash");
  works(epoch);
  works(epoch);
  expect(lengths()).toEqual([50]);
});

test("a new leader knows the causes from the job log, and no lengths that it has not seen", () => {
  assign("start");
  const epoch = assign("release");
  works(epoch);
  expect(outages.history()).toMatchObject([{ cause: "release", downMs: undefined }]);
});
