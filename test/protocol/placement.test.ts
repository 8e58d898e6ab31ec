/** The specification of placement: who hosts what, decided from facts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instanceKey } from "../../framework/protocol/job-log.ts";
import { place, type Placement, type PlacementFacts } from "../../framework/protocol/placement.ts";
import type { InstanceId } from "../../framework/record/messages.ts";

function instancesOf(count: number): InstanceId[] {
  return Array.from({ length: count }, (_, at) => ({ stage: at % 2, partition: Math.floor(at / 2) }));
}

function facts(count: number, workers: string, owners: Readonly<Record<string, string>>, movesMax = 2): PlacementFacts {
  const names = workers.split(" ").filter((name) => name !== "");
  return {
    instances: instancesOf(count),
    workers: names.map((name) => ({ worker: name.replace("-", ""), isLeaving: name.endsWith("-") })),
    current: (id) => owners[instanceKey(id)],
    movesMax,
  };
}

function lines(placements: readonly Placement[]): string[] {
  return placements.map(({ instance, worker, cause }) => `${instanceKey(instance)} ${worker} ${cause}`);
}

describe("P1: what has no living worker is placed now", () => {
  test("P1: a first start spreads over all workers, however many moves are allowed", () => {
    expect(lines(place(facts(4, "a b", {}, 0)))).toEqual(["0/0 a start", "0/1 b start", "1/0 a start", "1/1 b start"]);
  });

  test("P1: what a lost worker had goes to the least loaded", () => {
    const owners = { "0/0": "a", "1/0": "a", "0/1": "b", "1/1": "dead" };
    expect(lines(place(facts(4, "a b", owners)))).toEqual(["1/1 b workerLost"]);
  });

  test("P1: without a worker to give to nothing is placed", () => {
    expect(place(facts(4, "", {}))).toEqual([]);
    expect(place(facts(4, "a-", {}))).toEqual([]);
  });
});

describe("P2: a leaving worker gets nothing and loses all it has", () => {
  test("P2: all of it moves at once, whatever the limit of moves", () => {
    const owners = { "0/0": "a", "1/0": "a", "0/1": "b", "1/1": "b" };
    expect(lines(place(facts(4, "a- b", owners, 0)))).toEqual(["0/0 b balance", "1/0 b balance"]);
  });
});

describe("P3: what has a place keeps it", () => {
  test("P3: a difference of one moves nothing", () => {
    expect(place(facts(3, "a b", { "0/0": "a", "1/0": "a", "0/1": "b" }))).toEqual([]);
  });

  test("P3: a new worker is filled a few moves at a time", () => {
    const owners = { "0/0": "a", "1/0": "a", "0/1": "a", "1/1": "a", "0/2": "a", "1/2": "a" };
    expect(lines(place(facts(6, "a b", owners, 2)))).toEqual(["1/2 b balance", "1/1 b balance"]);
    expect(place(facts(6, "a b", owners, 9))).toHaveLength(3);
  });
});

const situation = fc.record({
  count: fc.nat(24),
  workers: fc.uniqueArray(
    fc.record({ worker: fc.constantFrom("a", "b", "c", "d", "e", "f"), isLeaving: fc.boolean() }),
    {
      selector: ({ worker }) => worker,
    },
  ),
  owners: fc.array(fc.option(fc.constantFrom("a", "b", "c", "d", "e", "f", "gone", "dead"), { nil: undefined }), {
    minLength: 24,
    maxLength: 24,
  }),
  movesMax: fc.nat(4),
});

type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

function factsOf({ count, workers, owners, movesMax }: Situation): PlacementFacts {
  const instances = instancesOf(count);
  const owned = new Map(instances.map((id, at) => [instanceKey(id), owners[at]]));
  return { instances, workers, movesMax, current: (id) => owned.get(instanceKey(id)) };
}

/** The same facts after `placements` have been carried out. */
function after(before: PlacementFacts, placements: readonly Placement[]): PlacementFacts {
  const moved = new Map(placements.map(({ instance, worker }) => [instanceKey(instance), worker]));
  return { ...before, current: (id) => moved.get(instanceKey(id)) ?? before.current(id) };
}

function loadsOf({ instances, workers, current }: PlacementFacts): number[] {
  return workers
    .filter(({ isLeaving }) => !isLeaving)
    .map(({ worker }) => instances.filter((id) => current(id) === worker).length);
}

describe("whatever the situation", () => {
  test("P1, P2: afterwards every instance is on a worker that lives and stays, if there is one", () => {
    fc.assert(
      fc.property(situation, (one) => {
        const before = factsOf(one);
        const staying = new Set<string>(one.workers.filter(({ isLeaving }) => !isLeaving).map(({ worker }) => worker));
        const placements = place(before);
        const { current } = after(before, placements);
        expect(new Set(placements.map(({ instance }) => instanceKey(instance))).size).toBe(placements.length);
        const unplaced = before.instances.filter((id) => !staying.has(current(id) ?? ""));
        expect(staying.size === 0 ? placements : unplaced).toEqual([]);
      }),
    );
  });

  test("P3: of what has a good place at most movesMax move, and only from a worker that has two more", () => {
    fc.assert(
      fc.property(situation, (one) => {
        const before = factsOf(one);
        const staying = new Set<string>(one.workers.filter(({ isLeaving }) => !isLeaving).map(({ worker }) => worker));
        const moves = place(before).filter(({ instance }) => staying.has(before.current(instance) ?? ""));
        expect(moves.length).toBeLessThanOrEqual(one.movesMax);
        const spread = Math.max(...loadsOf(before)) - Math.min(...loadsOf(before));
        expect(moves.length === 0 || spread >= 2).toBe(true);
      }),
    );
  });

  test("P3: repeated, it comes to rest with loads that differ by one at most", () => {
    fc.assert(
      fc.property(situation, (one) => {
        let now = factsOf({ ...one, movesMax: 1 + one.movesMax });
        for (let round = 0; round < 30; round += 1) now = after(now, place(now));
        expect(place(now)).toEqual([]);
        expect(Math.max(...loadsOf(now)) - Math.min(...loadsOf(now))).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("P4: the order in which the facts are given changes nothing", () => {
    fc.assert(
      fc.property(situation, (one) => {
        const { instances, workers, ...rest } = factsOf(one);
        const turned = { ...rest, instances: instances.toReversed(), workers: workers.toReversed() };
        expect(place(turned)).toEqual(place({ ...rest, instances, workers }));
      }),
    );
  });
});
