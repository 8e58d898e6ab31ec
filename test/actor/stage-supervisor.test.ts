/** The supervisor of one stage: what it publishes of its instances' reports, and whom it tells. */
import { beforeEach, describe, expect, test } from "vitest";
import { StageSupervisor } from "../../framework/actor/stage-supervisor.ts";
import type { Stage } from "../../framework/plan/plan.ts";
import { alignmentsOf, type ReadLimit } from "../../framework/protocol/alignment.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import type { InstanceId, Report, WatermarkControl } from "../../framework/record/messages.ts";
import { Rig, report } from "./rig.ts";

const stage: Stage = {
  index: 0,
  name: "own",
  source: undefined,
  isIngress: false,
  partitions: 2,
  inputs: [],
  entry: [],
  operators: [],
  sinks: [],
  idleTimeoutMs: 0,
  deadEdge: 8,
  lateEdge: 9,
};
const ids: readonly InstanceId[] = [0, 1].map((partition) => ({ stage: 0, partition }));

let view: JobLogView;
let published: WatermarkControl[];
/** By calling these, the controls that have been published are stored. */
let stored: (() => void)[];
let told: string[];
let supervisor: StageSupervisor;
let newSupervisor: (of: Stage) => StageSupervisor;
let rig: Rig;
/** How often the stages in front were told that somebody waits for another event time. */
let awaits: number;
/** What the stages behind wait for. */
let isAwaited: (before: number, after: number) => boolean;
let counts: number[];

beforeEach(() => {
  view = new JobLogView();
  published = [];
  stored = [];
  told = [];
  counts = [0, 0];
  rig = new Rig();
  awaits = 0;
  isAwaited = () => true;
  view.apply(1, 0, { kind: "leaderStart", worker: "w" });
  for (const instance of ids) assign(instance);
  const events = {
    publish: (control: WatermarkControl, onStored: (inbox: string) => void) => {
      published.push(control);
      stored.push(() => onStored("1/0"));
    },
    answer: ({ instance, n }: Report) => void told.push(`answer ${instance.partition}: ${n}`),
    limit: (limits: readonly ReadLimit[]) =>
      void told.push(...limits.map(({ instance, watermark }) => `limit ${instance.partition}: ${watermark}`)),
    failed: (instance: InstanceId, { failure }: Report) => void told.push(`failed ${instance.partition}: ${failure}`),
    isAwaited: (before: number, after: number) => isAwaited(before, after),
    awaits: () => void (awaits += 1),
    released: ({ partition }: InstanceId) => void told.push(`released ${partition}`),
  };
  newSupervisor = (of) =>
    new StageSupervisor(
      rig.platform,
      of,
      { indexes: [4, 5], inboxes: 2, fedBack: [] },
      1,
      view,
      events,
      alignmentsOf([of])[0],
    );
  supervisor = newSupervisor(stage);
});

/** The job log names a new epoch for an instance: answers it. */
function assign(instance: InstanceId | undefined): number {
  const epoch = view.position + 1;
  if (instance !== undefined)
    view.apply(epoch, 0, { kind: "assignment", leader: 1, instance, worker: "w", cause: "start", detail: "" });
  return epoch;
}

function says(partition: number, watermark: number, of: Partial<Report> = {}): void {
  counts[partition] = (counts[partition] ?? 0) + 1;
  const instance = { stage: 0, partition };
  const epoch = view.assignment(instance)?.epoch ?? 0;
  supervisor.report(report({ instance, epoch, n: counts[partition] ?? 0, watermark, ...of }));
}

const newest = () => published.at(-1);

describe("R10", () => {
  test("the minimum goes out over every edge, once per change, with the position of the job log", () => {
    says(0, 100);
    published.length = 0;
    says(1, 70);
    expect(published).toMatchObject([
      { edge: 4, watermark: 70, upto: 3, leader: 1, isIdle: false },
      { edge: 5, watermark: 70, upto: 3, leader: 1, isIdle: false },
    ]);
    says(1, 70);
    expect(published).toHaveLength(2);
    says(1, 130);
    expect(newest()?.watermark).toBe(100);
  });

  test("a step that nobody waits for is held back, and goes as one with what has come until then", async () => {
    isAwaited = (before, after) => before < 500 && 500 <= after;
    says(0, 1_000);
    says(1, 100);
    published.length = 0;
    says(1, 200);
    says(1, 300);
    expect(published).toEqual([]);
    await rig.pass(100);
    expect(published).toMatchObject([{ watermark: 300 }, { watermark: 300 }]);
    published.length = 0;
    says(1, 400);
    expect(published).toEqual([]);
    says(1, 500);
    expect(published).toMatchObject([{ watermark: 500 }, { watermark: 500 }]);
    await rig.pass(200);
    expect(published).toHaveLength(2);
  });

  test("… and goes at once when somebody begins to wait for it; the end, and what makes idle or active, never waits", () => {
    says(0, 1_000);
    says(1, 100);
    isAwaited = () => false;
    says(1, 200);
    expect(newest()?.watermark).toBe(100);
    supervisor.reconsider();
    expect(newest()?.watermark).toBe(100);
    isAwaited = (before, after) => before < 150 && 150 <= after;
    supervisor.reconsider();
    expect(newest()?.watermark).toBe(200);
    says(1, 200, { activity: "idle" });
    expect(newest()?.watermark).toBe(200);
    says(0, 1_000, { activity: "idle" });
    expect(newest()).toMatchObject({ isIdle: true });
    says(0, Infinity, { activity: "ended" });
    says(1, Infinity, { activity: "ended" });
    expect(newest()).toMatchObject({ watermark: Infinity, isIdle: false });
  });

  test("who waits for another event time is told to the stages in front; a closed supervisor publishes nothing more", async () => {
    says(0, 100, { due: 700 });
    says(0, 200, { due: 700 });
    expect(awaits).toBe(1);
    isAwaited = () => false;
    expect([supervisor.awaits(600, 699), supervisor.awaits(699, 700), supervisor.awaits(700, 800)]).toEqual([
      false,
      true,
      false,
    ]);
    says(1, 100, { due: Infinity });
    says(1, 150, { due: Infinity });
    supervisor.close();
    published.length = 0;
    await rig.pass(1_000);
    expect(published).toEqual([]);
  });

  test("while one instance has not reported nothing is known", () => {
    says(0, 100);
    expect(published.filter(({ watermark }) => watermark > -Infinity)).toEqual([]);
  });

  test("a new assignment counts at minus infinity until its epoch reports, and the current watermark is said again", () => {
    says(0, 100);
    says(1, 100);
    const before = published.length;
    const epoch = assign(ids[1]);
    supervisor.refresh();
    expect(published.length).toBeGreaterThan(before);
    expect(newest()).toMatchObject({ upto: epoch });
    says(0, 200);
    expect(newest()?.watermark ?? 0).toBeLessThanOrEqual(100);
    says(1, 150);
    expect(newest()?.watermark).toBe(150);
  });

  test("a control claims no more of the job log than it rests on: of what has been read, what has been looked at", () => {
    says(0, 100);
    says(1, 100);
    const { position } = view;
    const epochs = ids.map((instance) => view.assignment(instance)?.epoch ?? 0);
    const epoch = assign(ids[1]);
    for (const [partition, old] of epochs.entries()) says(partition, 200, { epoch: old });
    expect(newest()).toMatchObject({ watermark: 200, upto: position });
    supervisor.refresh();
    expect(newest()).toMatchObject({ upto: epoch });
  });

  test("every assignment is said, also one that changes nothing: controls decided before it are void behind", () => {
    says(0, 100);
    says(1, 100);
    assign(ids[1]);
    supervisor.refresh();
    const before = published.length;
    const epoch = assign(ids[1]);
    supervisor.refresh();
    expect(published.slice(before)).toMatchObject([
      { edge: 4, upto: epoch },
      { edge: 5, upto: epoch },
    ]);
  });

  test("reports of another epoch than the job log names, and older ones, count for nothing", () => {
    says(0, 1_000);
    says(1, 500, { epoch: 2 });
    says(1, 100);
    says(1, 900, { n: 1 });
    expect(newest()?.watermark).toBe(100);
  });

  test("all idle: the edge is left out and the value stays; all ended: infinity", () => {
    says(0, 100);
    says(1, 100);
    says(0, 100, { activity: "idle" });
    says(1, 100, { activity: "ended", watermark: Infinity });
    expect(newest()).toMatchObject({ watermark: 100, isIdle: true });
    says(0, Infinity, { activity: "ended" });
    expect(newest()).toMatchObject({ watermark: Infinity, isIdle: false });
  });

  test("the controls of a leader are numbered", () => {
    says(0, 100);
    says(1, 70);
    says(1, 80);
    const numbers = published.filter(({ edge }) => edge === 4).map(({ n }) => n);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe("R16", () => {
  const answers = () => told.filter((what) => what.startsWith("answer"));

  function store(): void {
    for (const tell of stored.splice(0)) tell();
  }

  function idle(): void {
    says(0, 100);
    says(1, 100);
    says(0, 100, { activity: "idle" });
    says(1, 100, { activity: "idle" });
    store();
    told.length = 0;
  }

  test("an instance that comes back is answered when every inbox behind has been told that the stage is active, not before", () => {
    idle();
    says(1, 100);
    expect(newest()).toMatchObject({ isIdle: false });
    expect(answers()).toEqual([]);
    stored.shift()?.();
    expect(answers()).toEqual([]);
    store();
    expect(answers()).toEqual([`answer 1: ${counts[1]}`]);
  });

  test("a report that comes again, because the answer was lost, is answered again", () => {
    idle();
    says(1, 100);
    store();
    says(1, 100);
    expect(answers()).toHaveLength(2);
  });

  test("an idle report is not answered", () => {
    idle();
    says(0, 100, { activity: "idle" });
    expect(answers()).toEqual([]);
  });

  test("a new leader that knows nothing yet says so before it answers anybody", () => {
    says(1, -Infinity);
    expect(newest()).toMatchObject({ watermark: -Infinity, isIdle: false });
    expect(answers()).toEqual([]);
    store();
    expect(answers()).toEqual(["answer 1: 1"]);
  });
});

describe("whom it tells", () => {
  test("failures and releases, with the report", () => {
    says(0, 0, { state: "failed", failure: "UNAVAILABLE: gone" });
    says(1, 0, { state: "released" });
    expect(told).toEqual(["failed 0: UNAVAILABLE: gone", "released 1"]);
  });

  test("a failed report that comes again is told again: control is level-triggered", () => {
    says(0, 0, { state: "failed" });
    says(0, 0, { state: "failed" });
    expect(told).toHaveLength(2);
  });
});

test("its phase: starting, running, recovering, ended", () => {
  expect(supervisor.phase).toBe("starting");
  says(0, 0);
  says(1, 0);
  expect(supervisor.phase).toBe("running");
  says(0, 0, { state: "failed" });
  expect(supervisor.phase).toBe("recovering");
  assign(ids[0]);
  supervisor.refresh();
  counts[0] = 0;
  says(0, 0);
  says(1, 0);
  expect(supervisor.phase).toBe("running");
  says(0, Infinity, { activity: "finished" });
  says(1, Infinity, { activity: "finished" });
  expect(supervisor.phase).toBe("ended");
});

test("alignment: splits of a source are told how far they may read, when they report and when one is assigned anew", () => {
  supervisor = newSupervisor({ ...stage, maxDriftMs: 100 });
  told.length = 0;
  says(0, 500);
  says(1, 200);
  expect(told.filter((one) => one.startsWith("limit"))).toEqual(["limit 0: 300", "limit 1: 600"]);
  told.length = 0;
  assign(ids[1]);
  supervisor.refresh();
  expect(told.filter((one) => one.startsWith("limit"))).toEqual(["limit 0: -Infinity", "limit 1: 600"]);
});

test("what an instance has counted stands when its worker reports the end of its thread, and ends with its epoch", () => {
  const totals = { recordsIn: 7, recordsOut: 5, late: 1, deadLetters: 1, windowsOut: 0 };
  says(0, 100, { counts: totals });
  says(0, -Infinity, { state: "released", counts: undefined });
  expect(supervisor.reportOf({ stage: 0, partition: 0 })).toMatchObject({ state: "released", counts: totals });
  assign(ids[0]);
  supervisor.refresh();
  says(0, -Infinity, { counts: undefined });
  expect(supervisor.reportOf({ stage: 0, partition: 0 })?.counts).toBeUndefined();
});

test("S1: an incarnation of which nothing is reported for sixty heartbeats is silent; a report, or another epoch, ends that", () => {
  let isHosted = true;
  const beats = (count: number) => Array.from({ length: count }, () => supervisor.beat(() => isHosted)).at(-1);
  says(0, 100);
  expect(beats(60)).toEqual([]);
  expect(beats(1)).toEqual([ids[1]]);
  assign(ids[1]);
  supervisor.refresh();
  isHosted = false;
  expect(beats(100)).toEqual([]);
  isHosted = true;
  expect(beats(60)).toEqual([]);
  expect(beats(1)).toEqual([ids[1]]);
  says(1, 100);
  expect(beats(100)).toEqual([]);
});
