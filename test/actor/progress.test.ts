/** How far an incarnation has come: what may be reported, and when there is news. */
import { beforeEach, describe, expect, test } from "vitest";
import { Progress } from "../../framework/actor/progress.ts";
import { noCounts, noLoad } from "./rig.ts";

const facts = {
  due: Infinity,
  position: 1,
  state: "running",
  snapshot: 0,
  failure: "",
  counts: noCounts,
  load: noLoad,
};
const quiet = { isQuiet: true, isFullyAcknowledged: true, isBlocked: false };

let progress: Progress;

beforeEach(() => {
  progress = new Progress({ stage: 0, partition: 0 }, 4, 1_000);
});

describe("R10", () => {
  test("a watermark is reported when every output up to it is acknowledged, not before", () => {
    progress.reach(100, 5);
    expect(progress.report(facts).watermark).toBe(-Infinity);
    expect(progress.acknowledge(4)).toBe(false);
    expect(progress.report(facts).watermark).toBe(-Infinity);
    expect(progress.acknowledge(5)).toBe(true);
    expect(progress.report(facts).watermark).toBe(100);
  });

  test("the highest one that has been passed counts", () => {
    progress.reach(100, 5);
    progress.reach(200, 5);
    progress.reach(300, 9);
    progress.acknowledge(7);
    expect(progress.watermark).toBe(200);
    progress.acknowledge(9);
    expect(progress.watermark).toBe(300);
  });

  test("a watermark never goes back", () => {
    progress.reach(100, 0);
    progress.reach(50, 3);
    progress.acknowledge(3);
    expect(progress.watermark).toBe(100);
  });

  test("ended is what has been applied and acknowledged up to infinity; finished comes after the last snapshot", () => {
    progress.reach(Infinity, 2);
    expect(progress.report(facts).activity).toBe("active");
    progress.acknowledge(2);
    expect(progress.report(facts).activity).toBe("ended");
    progress.finish();
    expect(progress.report(facts).activity).toBe("finished");
  });
});

describe("reports", () => {
  test("are numbered from 1 and carry the epoch", () => {
    expect(progress.report(facts)).toMatchObject({ n: 1, epoch: 4, instance: { stage: 0, partition: 0 } });
    expect(progress.report(facts).n).toBe(2);
  });

  test("are news when state, watermark, activity or what is waited for have changed, or 16 positions have passed", () => {
    expect(progress.hasNews({ state: "running", position: 0, due: Infinity })).toBe(true);
    progress.report(facts);
    expect(progress.hasNews({ state: "running", position: 1, due: Infinity })).toBe(false);
    expect(progress.hasNews({ state: "running", position: 16, due: Infinity })).toBe(false);
    expect(progress.hasNews({ state: "running", position: 17, due: Infinity })).toBe(true);
    expect(progress.hasNews({ state: "failed", position: 1, due: Infinity })).toBe(true);
    expect(progress.hasNews({ state: "running", position: 1, due: 500 })).toBe(true);
    progress.reach(5, 0);
    progress.acknowledge(0);
    expect(progress.hasNews({ state: "running", position: 1, due: Infinity })).toBe(true);
  });
});

describe("R16", () => {
  function pass(untilMs: number, with_: Partial<typeof quiet> = {}): void {
    for (let nowMs = 0; nowMs <= untilMs; nowMs += 250) progress.observe({ ...quiet, ...with_, nowMs });
  }

  test("idle after the timeout of being quiet, acknowledged and not blocked", () => {
    pass(750);
    expect(progress.report(facts).activity).toBe("active");
    pass(1_000);
    expect(progress.report(facts).activity).toBe("idle");
  });

  test.each([{ isQuiet: false }, { isFullyAcknowledged: false }, { isBlocked: true }])("not while %o", (with_) => {
    pass(10_000, with_);
    expect(progress.report(facts).activity).toBe("active");
  });

  test("after an idle report nothing is processed until an active one has been answered", () => {
    pass(1_000);
    const idle = progress.report(facts);
    expect(progress.mayLeaveIdle).toBe(false);
    expect(progress.wantsToProceed()).toBe(true);
    expect(progress.answered(idle.n)).toBe(false);
    const active = progress.report(facts);
    expect(active.activity).toBe("active");
    expect(progress.mayLeaveIdle).toBe(false);
    expect(progress.answered(active.n)).toBe(true);
    expect(progress.mayLeaveIdle).toBe(true);
  });
});
