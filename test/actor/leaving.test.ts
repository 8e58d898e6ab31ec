/** How a worker goes in good order. */
import { beforeEach, describe, expect, test } from "vitest";
import { leave } from "../../framework/actor/leaving.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
/** What the worker leads and hosts, who else is there, and what became of it. */
let world: { isLeader: boolean; hasOthers: boolean; goesOn: boolean; hosted: number };
let told: string[];

beforeEach(() => {
  rig = new Rig();
  world = { isLeader: false, hasOthers: true, goesOn: true, hosted: 3 };
  told = [];
});

function begin(): void {
  const releasing = {
    isLeader: () => world.isLeader,
    hasOthers: () => world.hasOthers,
    goesOn: () => world.goesOn,
    hosted: () => world.hosted,
    release: () => void told.push(`releases ${world.hosted}`),
  };
  void leave(rig.platform.clock, releasing).then(() => told.push("left"));
}

describe("LV1: a leader leads until another one does", () => {
  test("… and lets go of nothing before", async () => {
    Object.assign(world, { isLeader: true, hosted: 0 });
    begin();
    await rig.pass(500);
    expect(told).toEqual([]);
    world.isLeader = false;
    await rig.pass(10);
    expect(told).toEqual(["releases 0", "left"]);
  });

  test("… for a second at most, and not at all when there is nobody", async () => {
    Object.assign(world, { isLeader: true, hosted: 0 });
    begin();
    await rig.pass(1_010);
    expect(told).toEqual(["releases 0", "left"]);
    told = [];
    world.hasOthers = false;
    begin();
    await rig.pass(1);
    expect(told).toEqual(["releases 0", "left"]);
  });
});

describe("LV2: instances work until the leader asks for them", () => {
  test("while it asks for one after the other, the others work on; then nothing is left to let go of", async () => {
    begin();
    for (const left of [2, 1, 0]) {
      await rig.pass(1_000);
      expect(told).toEqual([]);
      world.hosted = left;
    }
    await rig.pass(10);
    expect(told).toEqual(["releases 0", "left"]);
  });
});

describe("LV3: what nobody asks for in time is let go of at once", () => {
  test("after a second and a half without a move", async () => {
    begin();
    await rig.pass(1_400);
    world.hosted = 2;
    await rig.pass(1_400);
    expect(told).toEqual([]);
    await rig.pass(200);
    expect(told).toEqual(["releases 2"]);
    world.hosted = 0;
    await rig.pass(10);
    expect(told).toEqual(["releases 2", "left"]);
  });

  test("after five seconds, however well it goes", async () => {
    world.hosted = 100;
    begin();
    for (let second = 0; second < 5; second += 1) {
      expect(told).toEqual([]);
      world.hosted -= 1;
      await rig.pass(1_000);
    }
    await rig.pass(10);
    expect(told).toEqual(["releases 95"]);
  });

  test.each([
    ["nobody is there who would take it", { hasOthers: false }],
    ["the job is over", { goesOn: false }],
  ])("when %s: from the beginning, or from then on", async (_, change) => {
    begin();
    await rig.pass(100);
    expect(told).toEqual([]);
    Object.assign(world, change);
    await rig.pass(10);
    expect(told).toEqual(["releases 3"]);
    told = [];
    begin();
    await rig.pass(1);
    expect(told).toEqual(["releases 3"]);
  });
});
