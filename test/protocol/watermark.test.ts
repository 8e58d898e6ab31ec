/** The specification of event time across an exchange: the stage's minimum, the receiver's clocks, and both in a careless world. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EdgeClocks, StageMinimum } from "../../framework/protocol/watermark.ts";
import type { Activity, Report, WatermarkControl } from "../../framework/record/messages.ts";
import { noLoad } from "../actor/rig.ts";
import { EventTimeWorld, type Hole, type WorldOptions } from "../support/event-time-world.ts";

const first = { stage: 0, partition: 0 };
const second = { stage: 0, partition: 1 };
const counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

/** What instance `partition` says in epoch 1 (or `more.epoch`). */
function says(partition: number, n: number, watermark: number, activity: Activity = "active", epoch = 1): Report {
  const instance = { stage: 0, partition };
  const rest = { position: 0, due: Infinity, state: "running", snapshot: 0, failure: "", counts, load: noLoad };
  return { instance, epoch, n, watermark, activity, ...rest };
}

/** A stage of two instances in epoch 1 that have said this. */
function stage(...reports: Report[]): StageMinimum {
  const minimum = new StageMinimum([first, second]);
  minimum.assign(first, 1);
  minimum.assign(second, 1);
  for (const report of reports) expect(minimum.report(report)).toBe(true);
  return minimum;
}

describe("the stage's minimum", () => {
  test("R10: nothing is published before every instance has been heard", () => {
    expect(stage().decide()).toBeUndefined();
    expect(stage(says(0, 1, 5)).decide()).toBeUndefined();
  });

  test("R10: the minimum, not the maximum, of what the instances report", () => {
    expect(stage(says(0, 1, 5), says(1, 1, 7)).decide()).toEqual({ watermark: 5, isIdle: false });
  });

  test("R10: an older epoch, a newer one than the job log names, and a stranger are not heard", () => {
    const minimum = stage(says(0, 1, 5), says(1, 1, 7));
    minimum.assign(first, 4);
    expect(minimum.report(says(0, 2, 9))).toBe(false);
    expect(minimum.report(says(0, 2, 9, "active", 5))).toBe(false);
    expect(minimum.report(says(2, 1, 9))).toBe(false);
    expect(minimum.report(says(0, 1, 9, "active", 4))).toBe(true);
  });

  test("an instance that the job log assigns to nobody is not heard", () => {
    expect(new StageMinimum([first]).report(says(0, 1, 5))).toBe(false);
  });

  test("a report that is not newer than the last one of its epoch is ignored", () => {
    const minimum = stage(says(0, 2, 5, "idle"));
    expect(minimum.report(says(0, 2, 5))).toBe(false);
    expect(minimum.report(says(0, 1, 5))).toBe(false);
    expect(minimum.report(says(0, 3, 5))).toBe(true);
  });

  test("W1: an instance's watermark never goes back within an epoch", () => {
    expect(stage(says(0, 1, 5), says(1, 1, 7), says(0, 2, 3)).decide()).toEqual({ watermark: 5, isIdle: false });
  });

  test("W1: an instance that returns from idleness does not pull the stage back", () => {
    const minimum = stage(says(0, 1, 3, "idle"), says(1, 1, 7));
    expect(minimum.decide()).toEqual({ watermark: 7, isIdle: false });
    expect(minimum.report(says(0, 2, 3))).toBe(true);
    expect(minimum.decide()).toEqual({ watermark: 7, isIdle: false });
  });

  test("R10: a reassigned instance is at -Infinity and active until its new epoch reports", () => {
    const minimum = stage(says(0, 1, 5, "idle"), says(1, 1, 7));
    minimum.assign(first, 4);
    expect(minimum.decide()).toBeUndefined();
    expect(minimum.report(says(0, 1, 6, "active", 4))).toBe(true);
    expect(minimum.decide()).toEqual({ watermark: 6, isIdle: false });
  });

  test("W2: what was decided on an older epoch is not said again: it may rest on what was fenced", () => {
    const minimum = stage(says(0, 1, 5), says(1, 1, 7));
    expect(minimum.decide()).toEqual({ watermark: 5, isIdle: false });
    minimum.assign(first, 4);
    expect(minimum.decide()).toEqual({ watermark: -Infinity, isIdle: false });
    expect(minimum.report(says(0, 1, 2, "active", 4))).toBe(true);
    expect(minimum.decide()).toEqual({ watermark: 2, isIdle: false });
  });

  test("R4: an assignment that is not newer changes nothing", () => {
    const minimum = stage(says(0, 1, 5), says(1, 1, 7));
    minimum.assign(first, 1);
    minimum.assign(first, 0);
    expect(minimum.decide()).toEqual({ watermark: 5, isIdle: false });
  });
});

describe("idle and ended instances", () => {
  test("R16: an idle instance does not hold the others back, an ended one neither", () => {
    expect(stage(says(0, 1, 5, "idle"), says(1, 1, 7)).decide()).toEqual({ watermark: 7, isIdle: false });
    expect(stage(says(0, 1, Infinity, "ended"), says(1, 1, 7)).decide()).toEqual({ watermark: 7, isIdle: false });
  });

  test("R10: an empty minimum is not +infinity: all idle keeps the last value and says so", () => {
    const minimum = stage(says(0, 1, 5), says(1, 1, 7));
    expect(minimum.decide()).toEqual({ watermark: 5, isIdle: false });
    for (const partition of [0, 1]) expect(minimum.report(says(partition, 2, 7, "idle"))).toBe(true);
    expect(minimum.decide()).toEqual({ watermark: 5, isIdle: true });
  });

  test("R16: a stage that has been idle from the beginning says so, and takes it back", () => {
    const minimum = stage(says(0, 1, -Infinity, "idle"), says(1, 1, -Infinity, "idle"));
    expect(minimum.decide()).toEqual({ watermark: -Infinity, isIdle: true });
    expect(minimum.report(says(0, 2, -Infinity))).toBe(true);
    expect(minimum.decide()).toEqual({ watermark: -Infinity, isIdle: false });
  });

  test("R10: ended and idle is idle, not ended", () => {
    expect(stage(says(0, 1, Infinity, "finished"), says(1, 1, 5, "idle")).decide()).toEqual({
      watermark: -Infinity,
      isIdle: true,
    });
  });

  test("R10: Infinity when every instance is ended or finished", () => {
    expect(stage(says(0, 1, Infinity, "ended"), says(1, 1, Infinity, "finished")).decide()).toEqual({
      watermark: Infinity,
      isIdle: false,
    });
  });

  test("R10: an instance at Infinity that calls itself active ends nothing for an idle one", () => {
    expect(stage(says(0, 1, Infinity), says(1, 1, 5, "idle")).decide()).toMatchObject({ isIdle: true });
  });
});

describe("splits", () => {
  test("R10: splits that may follow hold the stage at -Infinity, though all known ones have ended", () => {
    const minimum = stage(says(0, 1, Infinity, "ended"), says(1, 1, Infinity, "ended"));
    minimum.setSplitsOpen(true);
    expect(minimum.decide()).toBeUndefined();
    minimum.setSplitsOpen(false);
    expect(minimum.decide()).toEqual({ watermark: Infinity, isIdle: false });
  });

  test("R10: a stage without instances is not ended until its splits are closed", () => {
    const minimum = new StageMinimum([]);
    expect(minimum.decide()).toBeUndefined();
    minimum.setSplitsOpen(false);
    expect(minimum.decide()).toEqual({ watermark: Infinity, isIdle: false });
  });

  test("R10: a split counts at -Infinity from its record on", () => {
    const minimum = new StageMinimum([]);
    minimum.assign(first, 0);
    minimum.setSplitsOpen(false);
    expect(minimum.decide()).toBeUndefined();
  });
});

let controls = 0;

function control(edge: number, watermark: number, more: Partial<WatermarkControl> = {}): WatermarkControl {
  controls += 1;
  return { kind: "watermark", edge, leader: 1, n: controls, upto: 10, watermark, isIdle: false, ...more };
}

/** A receiver of edges 3 and 4 that has read these controls. */
function clocksAfter(...read: WatermarkControl[]): EdgeClocks {
  const clocks = new EdgeClocks([3, 4]);
  for (const one of read) clocks.control(one);
  return clocks;
}

describe("the receiver's clocks", () => {
  test("R10: the watermark is the minimum over the edges", () => {
    expect(clocksAfter(control(3, 5)).watermark).toBe(-Infinity);
    expect(clocksAfter(control(3, 5), control(4, 7)).watermark).toBe(5);
  });

  test("R10: without edges there is no event time: an empty minimum is not +infinity", () => {
    const clocks = new EdgeClocks([]);
    clocks.restore([], 1);
    expect(clocks).toMatchObject({ watermark: -Infinity, isIdle: false });
  });

  test("G2: an edge that carries no event time holds nothing back and keeps nobody active, until the others have ended", () => {
    const clocks = new EdgeClocks([3, 4], [4]);
    clocks.control(control(3, 5, { isIdle: true }));
    expect(clocks).toMatchObject({ watermark: -Infinity, isIdle: true });
    clocks.control(control(3, 6));
    expect(clocks).toMatchObject({ watermark: 6, isIdle: false });
    clocks.control(control(3, Infinity));
    expect(clocks.watermark).toBe(6);
    clocks.control(control(4, 100));
    expect(clocks.watermark).toBe(100);
    clocks.control(control(4, Infinity));
    expect(clocks.watermark).toBe(Infinity);
  });

  test("G2: a stage that such edges alone lead into is never idle, and ends with them", () => {
    const clocks = new EdgeClocks([3], [3]);
    clocks.control(control(3, -Infinity, { isIdle: true }));
    expect(clocks).toMatchObject({ watermark: -Infinity, isIdle: false });
    clocks.control(control(3, Infinity));
    expect(clocks.watermark).toBe(Infinity);
  });

  test("R10: a control decided before an epoch that the edge has adopted is refused", () => {
    const clocks = clocksAfter(control(4, 7));
    clocks.adopt(3, 11);
    expect(clocks.control(control(3, 5, { upto: 10 }))).toBe(false);
    expect(clocks.watermark).toBe(-Infinity);
    expect(clocks.control(control(3, 5, { upto: 11 }))).toBe(true);
    expect(clocks.watermark).toBe(5);
  });

  test("R10: epochs count per edge, and the highest one", () => {
    const clocks = clocksAfter();
    clocks.adopt(3, 11);
    clocks.adopt(3, 9);
    expect(clocks.control(control(3, 5, { upto: 10 }))).toBe(false);
    expect(clocks.control(control(4, 5, { upto: 10 }))).toBe(true);
  });

  test("a control of an older leader than the highest seen is ignored, on every edge", () => {
    const clocks = clocksAfter(control(3, 5, { leader: 8 }));
    expect(clocks.leader).toBe(8);
    expect(clocks.control(control(4, 9, { leader: 7 }))).toBe(false);
    expect(clocks.watermark).toBe(-Infinity);
  });

  test("a refused control makes its leader known all the same", () => {
    const clocks = clocksAfter();
    clocks.adopt(3, 11);
    expect(clocks.control(control(3, 5, { leader: 8, upto: 10 }))).toBe(false);
    expect(clocks.leader).toBe(8);
  });

  test("W1: neither an edge nor the whole goes back", () => {
    const clocks = clocksAfter(
      control(3, 5),
      control(4, 7),
      control(3, 2, { leader: 2 }),
      control(4, 8, { leader: 2 }),
    );
    expect(clocks.watermark).toBe(5);
    expect(clocks.states()[0]).toMatchObject({ edge: 3, watermark: 5 });
  });

  test("R16: an idle edge is left out, and does not pull back when it returns", () => {
    const clocks = clocksAfter(control(3, 5, { isIdle: true }), control(4, 7));
    expect(clocks.watermark).toBe(7);
    clocks.control(control(3, 6));
    expect(clocks.watermark).toBe(7);
  });

  test("R16: when all edges are idle the watermark stays and the receiver is idle", () => {
    const clocks = clocksAfter(
      control(3, 5),
      control(4, 7),
      control(3, 5, { isIdle: true }),
      control(4, 9, { isIdle: true }),
    );
    expect(clocks).toMatchObject({ watermark: 7, isIdle: true });
  });

  test("R10: Infinity only when every edge is at Infinity; an idle one prevents it", () => {
    const clocks = clocksAfter(control(3, Infinity), control(4, 7, { isIdle: true }));
    expect(clocks).toMatchObject({ watermark: -Infinity, isIdle: true });
    clocks.control(control(4, Infinity));
    expect(clocks).toMatchObject({ watermark: Infinity, isIdle: false });
  });

  test("R16: an adopted epoch makes its edge active: the new incarnation speaks without having been answered", () => {
    const clocks = clocksAfter(control(3, 5, { isIdle: true }), control(4, 7));
    clocks.adopt(3, 11);
    clocks.control(control(4, 9));
    expect(clocks).toMatchObject({ watermark: 7, isIdle: false });
  });

  test("R16: what an older leader called idle is active under a new one", () => {
    const clocks = clocksAfter(control(3, 5, { isIdle: true }), control(4, 7), control(4, 9, { leader: 2 }));
    expect(clocks.watermark).toBe(7);
  });

  test("an edge that does not lead here is corrupt", () => {
    expect(() => clocksAfter(control(5, 1))).toThrow("edge 5 does not lead here; known: 3, 4");
  });

  test("R6: a snapshot between an adoption and the next control brings no event time that was never reached", () => {
    const unbroken = new EdgeClocks([3, 4]);
    unbroken.control(control(3, 1, { isIdle: true, n: 1 }));
    unbroken.adopt(3, 1);
    const restarted = new EdgeClocks([3, 4]);
    restarted.restore(unbroken.states(), unbroken.leader);
    for (const clocks of [unbroken, restarted]) clocks.control(control(4, -Infinity, { n: 2 }));
    expect([unbroken.watermark, restarted.watermark]).toEqual([-Infinity, -Infinity]);
  });

  test("R6: a restart from the snapshot changes nothing that follows", () => {
    const anEdge = fc.constantFrom(3, 4);
    const aControl = fc.record({
      edge: anEdge,
      watermark: fc.constantFrom(-Infinity, 1, 2, 3, Infinity),
      isIdle: fc.boolean(),
      upto: fc.nat(5),
      leader: fc.nat(3),
    });
    const step = fc.oneof(aControl, fc.record({ edge: anEdge, epoch: fc.nat(5) }));
    fc.assert(
      fc.property(fc.array(step), fc.nat(20), (steps, cutAt) => {
        let restarted = new EdgeClocks([3, 4]);
        const unbroken = new EdgeClocks([3, 4]);
        let watermark = -Infinity;
        for (const [at, one] of steps.entries()) {
          if (at === cutAt) {
            const { leader } = restarted;
            const states = restarted.states();
            restarted = new EdgeClocks([3, 4]);
            restarted.restore(states, leader);
          }
          for (const clocks of [restarted, unbroken]) {
            if ("epoch" in one) clocks.adopt(one.edge, one.epoch);
            else clocks.control(control(one.edge, one.watermark, { ...one, n: at + 1 }));
          }
          watermark = Math.max(watermark, restarted.watermark);
          expect(watermark).toBe(unbroken.watermark);
          expect(restarted.states()).toEqual(unbroken.states());
        }
      }),
    );
  });
});

/** A schedule made from a number: quicker than an array, and not shrunk. */
function scheduleOf(seed: number): number[] {
  let state = seed;
  return Array.from({ length: 300 + (seed % 400) }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return (state ^ (state >>> 13)) >>> 8;
  });
}

describe("in a careless world", () => {
  const worlds: readonly WorldOptions[] = [1, 2].flatMap((edges) =>
    [false, true].map((hasPauses) => ({ edges: edges === 1 ? 1 : 2, hasPauses })),
  );

  test.each(worlds)(
    "R10, R16: a receiver's watermark never passes what its instances have said, and arrives (%o)",
    (options) => {
      const schedule = fc.array(fc.nat(9999), { minLength: 300, maxLength: 600, size: "max" });
      fc.assert(
        fc.property(schedule, (numbers) => {
          expect(new EventTimeWorld(options, numbers).play()).toEqual([]);
        }),
        { numRuns: 200 },
      );
    },
  );

  const holes: readonly (readonly [Hole, WorldOptions])[] = [
    ["upto", { edges: 1, hasPauses: false }],
    ["reset", { edges: 1, hasPauses: true }],
    ["current epochs alone", { edges: 1, hasPauses: false }],
    ["epochs of reports", { edges: 1, hasPauses: false }],
    ["n of reports", { edges: 1, hasPauses: true }],
    ["finished and idle", { edges: 1, hasPauses: true }],
    ["empty minimum", { edges: 1, hasPauses: true }],
    ["splits open", { edges: 1, hasPauses: false }],
    ["idle before the answer", { edges: 1, hasPauses: true }],
    ["leader epochs", { edges: 2, hasPauses: true }],
    ["adopted edges are active", { edges: 2, hasPauses: true }],
    ["answer after the control", { edges: 2, hasPauses: true }],
    ["the newest leader's idleness", { edges: 2, hasPauses: true }],
  ];

  test.each(holes)("without the rule `%s` a record is late that should not be", (hole, options) => {
    const late = fc.property(
      fc.nat(),
      (seed) => new EventTimeWorld({ ...options, hole }, scheduleOf(seed)).play().length === 0,
    );
    expect(fc.check(late, { seed: 1, numRuns: 30_000, endOnFailure: true })).toMatchObject({ failed: true });
  });
});
