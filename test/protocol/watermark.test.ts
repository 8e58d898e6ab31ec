/** The specification of event time across an exchange: the stage's minimum, the receiver's clocks, and both in a careless world. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventTimeWorld, type Hole, type WorldOptions } from "../support/event-time-world.ts";

function world(options: WorldOptions): fc.IProperty<[number[]]> {
  const schedule = fc.array(fc.nat(9999), { minLength: 300, maxLength: 600, size: "max" });
  return fc.property(schedule, (numbers) => {
    expect(new EventTimeWorld(options, numbers).play()).toEqual([]);
  });
}
const configs: WorldOptions[] = [
  { edges: 1, hasPauses: false }, { edges: 1, hasPauses: true }, { edges: 2, hasPauses: false }, { edges: 2, hasPauses: true },
];
const N = Number(process.env["RUNS"] ?? 400);
for (const c of configs) {
  test(`kept ${JSON.stringify(c)}`, () => {
    const t=performance.now();
    const d = fc.check(world(c), { numRuns: N, endOnFailure: true });
    console.log(JSON.stringify(c), d.failed, d.numRuns, d.error?.slice?.(0,300), Math.round(performance.now()-t));
  });
  for (const hole of ["upto","reset","republish","epochs of reports","n of reports","finished and idle","empty minimum","idle before the answer","leader epochs","splits open","void assignments","adopted edges are active","answer after the control","controls in order"] as Hole[])
    test(`hole ${hole} ${JSON.stringify(c)}`, () => {
      const d = fc.check(world({ ...c, hole }), { numRuns: N*3, endOnFailure: true });
      if (d.failed) console.log("FOUND", hole, JSON.stringify(c), d.numRuns, String(d.errorInstance).match(/(late|stall)[^"]*/)?.[0]);
    });
}
describe("x", () => { test("y", () => {}); });
