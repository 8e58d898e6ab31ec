/** What the leader does about loops: it asks rounds, feeds the end, and keeps sources waiting while a loop is full. */
import { beforeEach, describe, expect, test } from "vitest";
import { LoopSupervisor } from "../../framework/actor/loop-supervisor.ts";
import { compile } from "../../framework/plan/compile.ts";
import { JobLogView } from "../../framework/protocol/job-log.ts";
import { lastInstant } from "../../framework/protocol/loop-end.ts";
import { crowdedShare } from "../../framework/protocol/snapshot.ts";
import type { InstanceId, LoopCount, Report } from "../../framework/record/messages.ts";
import { hopping } from "./loop-jobs.ts";
import { report } from "./rig.ts";

const plan = compile(hopping(1));
const stageOf = (name: string) => plan.stages.find((stage) => stage.name === name)!.index;
const source = { stage: stageOf("hops"), partition: 0 };
const hop = { stage: stageOf("hop"), partition: 0 };
const again = { stage: stageOf("again"), partition: 0 };

let view: JobLogView;
let told: unknown[];
let loops: LoopSupervisor;

function assign(instance: InstanceId): void {
  const record = { kind: "assignment", leader: 1, instance, worker: "w", cause: "start", detail: "" } as const;
  view.apply(view.position + 1, 0, record);
}

beforeEach(() => {
  view = new JobLogView();
  told = [];
  view.apply(1, 0, { kind: "leaderStart", worker: "w" });
  view.apply(2, 0, { kind: "split", leader: 1, stage: source.stage, index: 0, name: "s", identity: "s" });
  for (const instance of [source, hop, again]) assign(instance);
  loops = new LoopSupervisor(plan, 1, view, {
    feed: (stages, watermark) => void told.push(["feed", stages, watermark]),
    drain: (stages, savepoint) => void told.push(["drain", stages, savepoint]),
    ask: () => void told.push(["ask", loops.round]),
    pause: (splits, forMs) => void told.push(["pause", splits.map(({ instance }) => instance), forMs > 0]),
  });
});

function says(instance: InstanceId, count: Partial<LoopCount>, more: Partial<Report> = {}): void {
  const loop = {
    leader: 1,
    round: loops.round,
    sent: 1,
    taken: 1,
    isQuiet: true,
    isFull: false,
    hasTimers: false,
    outside: Infinity,
    ...count,
  };
  const epoch = view.assignment(instance)?.epoch ?? 0;
  loops.report(report({ instance, epoch, loop, ...more }));
}

describe("G6", () => {
  test("rounds are asked for until the loop has fired, and then until it is over", () => {
    for (let n = 0; n < 2; n += 1) {
      says(hop, {});
      says(again, {});
    }
    expect(told).toEqual([
      ["ask", 2],
      ["feed", [hop.stage], lastInstant],
      ["ask", 3],
    ]);
    told.length = 0;
    for (let n = 0; n < 2; n += 1) {
      says(hop, {}, { watermark: lastInstant });
      says(again, {}, { watermark: lastInstant });
    }
    expect(told).toEqual([
      ["ask", 4],
      ["feed", [hop.stage], Infinity],
      ["ask", 5],
    ]);
  });

  test("R4: a report of an epoch that the job log does not name counts for nothing", () => {
    says(hop, {});
    says(again, {}, { epoch: 99 });
    expect(told).toEqual([]);
    assign(again);
    loops.refresh();
    says(again, {});
    expect(told).toEqual([["ask", 2]]);
  });

  test("there are no rounds where there is no loop", () => {
    const events = { feed: () => undefined, drain: () => undefined, ask: () => undefined, pause: () => undefined };
    const plain = { ...plan, stages: plan.stages.map((stage) => ({ ...stage, loop: undefined })) };
    expect(new LoopSupervisor(plain, 1, view, events).round).toBe(0);
  });
});

test("R17: when a savepoint has come to the loop and nothing is on its way, the edges that close it are drained", () => {
  const request = { kind: "savepoint", name: "s", by: "", mode: "resume", timeoutMs: 1_000 } as const;
  view.apply(view.position + 1, 0, request);
  const { id } = view.savepoints.open!;
  for (let n = 0; n < 2; n += 1) for (const instance of [hop, again]) says(instance, { outside: id, hasTimers: true });
  expect(told).toEqual([
    ["ask", 2],
    ["drain", [hop.stage], id],
    ["ask", 3],
  ]);
});

describe("R13", () => {
  const holding = (share: number): Partial<Report> => ({
    load: { ...report({}).load, inboxBytes: plan.options.inboxBytes * share },
  });

  test("sources wait from a full inbox on, and go on when it holds no more than it may hold at rest", () => {
    says(again, { isQuiet: false }, holding(1));
    expect(told).toEqual([]);
    says(again, { isQuiet: false }, holding(1.1));
    expect(told).toEqual([["pause", [source], true]]);
    says(again, { isQuiet: false }, holding(0.8));
    loops.repeat();
    expect(told).toHaveLength(2);
    says(again, { isQuiet: false }, holding(crowdedShare));
    expect(told.at(-1)).toEqual(["pause", [source], false]);
    loops.repeat();
    expect(told).toHaveLength(3);
  });

  test("sources wait while what is sent back finds no room; also when whoever said so has gone", () => {
    says(hop, { isFull: true, isQuiet: false });
    expect(told).toEqual([["pause", [source], true]]);
    assign(hop);
    loops.refresh();
    says(again, { isQuiet: false });
    expect(told.at(-1)).toEqual(["pause", [source], false]);
  });
});
