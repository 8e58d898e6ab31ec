/**
 * Suspicion, probation and skips (R15).
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideAfterDeath, hasStood, skipsBehind, type DeathFacts } from "../../framework/protocol/skip.ts";
import type { CrashSite, Skip, Suspicion } from "../../framework/record/poison.ts";

const unexplained: DeathFacts = {
  before: undefined,
  site: undefined,
  isAcquitted: false,
  hasProgressed: false,
  crashesMax: 2,
};
const onProbation: Suspicion = { deaths: 2, isOnProbation: true, crashes: 0 };

/** What follows a row of deaths; each is held against what the one before has come to. */
function after(deaths: readonly Partial<DeathFacts>[], before?: Suspicion): ReturnType<typeof decideAfterDeath> {
  let suspicion = before;
  let last: ReturnType<typeof decideAfterDeath> = { kind: "hold", suspicion };
  for (const death of deaths) {
    last = decideAfterDeath({ ...unexplained, ...death, before: suspicion });
    if (last.kind === "unskippable") return last;
    suspicion = last.suspicion;
  }
  return last;
}

describe("R15: probation", () => {
  test("one death is held against an instance, two in succession without progress put it on probation", () => {
    expect(after([{}])).toMatchObject({ suspicion: { deaths: 1, isOnProbation: false } });
    expect(after([{}, {}])).toMatchObject({ suspicion: { deaths: 2, isOnProbation: true } });
  });

  test("progress between two deaths: the second is the first", () => {
    expect(after([{}, { hasProgressed: true }])).toMatchObject({ suspicion: { deaths: 1, isOnProbation: false } });
  });

  test("K1: a death in another instance's turn changes nothing", () => {
    expect(after([{ isAcquitted: true }])).toEqual({ kind: "hold", suspicion: undefined });
    expect(after([{}, { isAcquitted: true }])).toMatchObject({ suspicion: { deaths: 1, isOnProbation: false } });
    expect(after([{ isAcquitted: true }], onProbation)).toMatchObject({ suspicion: onProbation });
  });

  test("a turn that is known counts before probation, too, and leads to no skip", () => {
    const site = { sequence: 7, step: 0 };
    expect(after([{ site }, { site }])).toMatchObject({ suspicion: { isOnProbation: true, crashes: 0, site } });
  });

  test("it is stood when nothing of the time before is left and the pointer has passed where it died", () => {
    const suspicion = { ...onProbation, site: { sequence: 7, step: 2 } };
    expect(hasStood({ suspicion, hasProgressed: true, snapshot: 7 })).toBe(true);
    expect(hasStood({ suspicion, hasProgressed: true, snapshot: 6 })).toBe(false);
    expect(hasStood({ suspicion, hasProgressed: false, snapshot: 9 })).toBe(false);
    expect(hasStood({ suspicion: onProbation, hasProgressed: true, snapshot: 0 })).toBe(true);
  });
});

describe("R15: skips", () => {
  const site = { sequence: 7, step: 3 };

  test("a step is skipped after so many deaths at it on probation, and the reason says what it has done", () => {
    const held = { ...onProbation, site, crashes: 1 };
    expect(after([{ site }], onProbation)).toEqual({ kind: "hold", suspicion: held });
    const reason = "message 7, step 3, has ended its thread or process 2 times on probation";
    expect(after([{ site }, { site }], onProbation)).toMatchObject({ suspicion: { skip: { ...site, reason } } });
  });

  test("deaths at different steps do not add up", () => {
    const elsewhere = { sequence: 7, step: 4 };
    const last = after([{ site }, { site: elsewhere }, { site }], onProbation);
    expect(last).toEqual({ kind: "hold", suspicion: { ...onProbation, site, crashes: 1 } });
  });

  test("K3: a death of which only the message is known does not count: the next ones tell the step", () => {
    const message = { site: { sequence: 7, step: 0 } };
    expect(after([message, { site }], onProbation)).toEqual({
      kind: "hold",
      suspicion: { ...onProbation, site, crashes: 1 },
    });
    expect(after([message, { site }, { site }], onProbation)).toMatchObject({ suspicion: { skip: site } });
    expect(after([message, message], onProbation)).toMatchObject({ kind: "hold", suspicion: { crashes: 2 } });
  });

  test("what dies in a message before any step of it, watched step by step, cannot be skipped", () => {
    const message = { site: { sequence: 7, step: 0 } };
    expect(after([message, message, message], onProbation)).toEqual({ kind: "unskippable", sequence: 7, crashes: 3 });
  });

  test("K2: deaths that nobody explains never lead to a skip", () => {
    const death = fc.record({ isAcquitted: fc.boolean(), hasProgressed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(death), fc.integer({ min: 1, max: 4 }), (deaths, crashesMax) => {
        const last = after(deaths.map((each) => ({ ...each, crashesMax })));
        expect(last).not.toHaveProperty("suspicion.skip.reason");
        expect(last.kind).toBe("hold");
      }),
    );
  });

  test("K3: whatever happens, a skip names a step at which so many deaths in succession were seen on probation", () => {
    const place = fc.record({ sequence: fc.integer({ min: 1, max: 2 }), step: fc.integer({ min: 0, max: 2 }) });
    const death = fc.record({
      isAcquitted: fc.boolean(),
      hasProgressed: fc.boolean(),
      site: fc.option(place, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(death, { maxLength: 20 }), fc.integer({ min: 1, max: 3 }), (deaths, crashesMax) => {
        let before: Suspicion | undefined;
        let seen: CrashSite[] = [];
        for (const each of deaths) {
          const decision = decideAfterDeath({ ...each, crashesMax, before });
          if (decision.kind === "unskippable") return;
          if (before?.isOnProbation === true && !each.isAcquitted && each.site !== undefined) seen.push(each.site);
          before = decision.suspicion;
          const skip = before?.skip;
          if (skip === undefined) continue;
          const last = seen.slice(-crashesMax);
          expect(last).toHaveLength(crashesMax);
          for (const { sequence, step } of last)
            expect({ sequence, step }).toMatchObject({ sequence: skip.sequence, step: skip.step });
          expect(skip.step).toBeGreaterThan(0);
          seen = [];
        }
      }),
    );
  });

  test("what the pointer has passed is void; what is left is there once, in order", () => {
    const skip = (sequence: number, step: number): Skip => ({ sequence, step, reason: "" });
    const all = [skip(9, 2), skip(5, 1), skip(9, 1), skip(9, 2), skip(7, 4)];
    expect(skipsBehind(7, all)).toEqual([skip(9, 1), skip(9, 2)]);
    expect(skipsBehind(0, all)).toHaveLength(4);
    expect(skipsBehind(9, all)).toEqual([]);
  });
});
