/** What an instance of a loop counts: the newest round heard, what was sent and taken, and whether anything is still to come. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Incarnation } from "../../framework/actor/assembly.ts";
import { LoopTally } from "../../framework/actor/loop-tally.ts";
import { compile } from "../../framework/plan/compile.ts";
import type { SavepointView } from "../../framework/protocol/savepoint-life.ts";
import { hopping } from "./loop-jobs.ts";

const plan = compile(hopping(2));
const hop = plan.stages.find(({ name }) => name === "hop")!;
const again = plan.edges.find(({ name }) => name === "hop.again")!;

let facts: {
  taken: number;
  outside: number;
  hasReadEverything: boolean;
  acknowledged: number;
  requests: number;
  timerAt: number | undefined;
};
let counted: ReadonlySet<number> | undefined;

function incarnation(): Incarnation {
  const { taken, outside, hasReadEverything, acknowledged, requests, timerAt } = facts;
  const saidOver = (edges: ReadonlySet<number>) => {
    counted = edges;
    return 4;
  };
  return {
    feed: { loop: () => ({ taken, outside }), hasReadEverything },
    outputs: { acknowledged, ordinal: 5, saidOver, isFedBackFull: false },
    program: { pending: { requests }, nextTimerAt: () => timerAt },
  } as unknown as Incarnation;
}

let tally: LoopTally;

beforeEach(() => {
  facts = { taken: 3, outside: Infinity, hasReadEverything: true, acknowledged: 5, requests: 0, timerAt: undefined };
  tally = new LoopTally(plan, hop);
});

describe("G4: an instance is quiet", () => {
  test("when nothing is to come of what it has read; what comes from outside, and timers, are told apart", () => {
    expect(tally.count(incarnation(), true)).toMatchObject({ sent: 4, taken: 3, isQuiet: true, outside: Infinity });
    facts = { ...facts, outside: 6, timerAt: 7 };
    expect(tally.count(incarnation(), true)).toMatchObject({ isQuiet: true, outside: 6, hasTimers: true });
  });

  test("only what goes over the edges of the loop counts as sent", () => {
    tally.count(incarnation(), true);
    expect([...counted!]).toEqual([again.index]);
  });

  test.each<[string, Partial<typeof facts>]>([
    ["something is there that it has not read", { hasReadEverything: false }],
    ["something it said is not acknowledged", { acknowledged: 4 }],
    ["a request waits", { requests: 1 }],
  ])("not while %s", (_why, change) => {
    facts = { ...facts, ...change };
    expect(tally.count(incarnation(), true).isQuiet).toBe(false);
  });

  test("not while it replays, or has said something to itself that it has not read", () => {
    expect(tally.count(incarnation(), false).isQuiet).toBe(false);
  });
});

test("R17: a savepoint waits for the loop when nothing comes from outside before it", () => {
  facts.outside = 6;
  const isDraining = (open: number | undefined) =>
    tally.isDraining(incarnation(), { open: open === undefined ? undefined : ({ id: open } as SavepointView) });
  expect([isDraining(undefined), isDraining(5), isDraining(6), isDraining(7)]).toEqual([false, true, true, false]);
});

describe("G5: rounds", () => {
  test("a count answers the newest round of the newest leader", () => {
    expect(tally.heard({ leader: 5, worker: "w", loopRound: 2 })).toBe(true);
    expect(tally.heard({ leader: 5, worker: "w", loopRound: 2 })).toBe(false);
    expect(tally.heard({ leader: 4, worker: "w", loopRound: 9 })).toBe(false);
    expect(tally.heard({ leader: 8, worker: "w", loopRound: 1 })).toBe(true);
    expect(tally.count(incarnation(), true)).toMatchObject({ leader: 8, round: 1 });
  });

  test("news is a new round, and, once it is quiet, a new number", () => {
    tally.said(tally.count(incarnation(), true));
    expect(tally.isNews(tally.count(incarnation(), true))).toBe(false);
    facts.taken += 1;
    expect(tally.isNews(tally.count(incarnation(), true))).toBe(true);
    expect(tally.isNews(tally.count(incarnation(), false))).toBe(true);
    tally.said(tally.count(incarnation(), false));
    facts.taken += 1;
    expect(tally.isNews(tally.count(incarnation(), false))).toBe(false);
    tally.heard({ leader: 5, worker: "w", loopRound: 2 });
    expect(tally.isNews(tally.count(incarnation(), false))).toBe(true);
  });
});
